"""Why a landmark model's validation loss rises while its test metrics still get better.

Trains `audio2lm_msef` of config.yaml on the clips of a finished run for more and more epochs (with
one seed a short training is the beginning of a long one) and prints the distance of the lips, in
pixels of a 128 px crop, on the validation and on the test clips: of their shape (centred, as
M-LMD is) and of their place in the picture (raw, which the losses of eq. (3) count). The
reference is each clip's own first frame, as in validation.
Usage: python benchmarks/validation_epochs.py [results] [--seeds 0 1 2]
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from emohead.config import model_options  # noqa: E402
from emohead.data.split import clips_of_part, hold_out_validation  # noqa: E402
from emohead.evaluation.landmark_metrics import landmark_distance  # noqa: E402
from emohead.features.points import LIPS  # noqa: E402
from emohead.features.store import StoredClip, open_clips  # noqa: E402
from emohead.landmarks.fit import train_landmark_model  # noqa: E402
from emohead.landmarks.load import restore_landmark_model  # noqa: E402
from emohead.landmarks.model import LandmarkModel  # noqa: E402
from emohead.landmarks.options import LandmarkModelOptions  # noqa: E402
from emohead.landmarks.predict import predict_landmarks  # noqa: E402
from emohead.training.options import Recipe, Runtime  # noqa: E402

EPOCHS = (4, 8, 16, 30, 60)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("results", type=Path, nargs="?", default=Path("results"))
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
flags = parser.parse_args()


def lip_distances(model: LandmarkModel, clips: Mapping[str, StoredClip]) -> tuple[float, float]:
    """Of the lips' shape and of their place, each the mean over the clips."""
    found = []
    for clip in clips.values():
        made, _ = predict_landmarks(model, clip.mfcc, clip.landmarks[0], clip.crop_size)
        pair = [points[:, LIPS] * 128 / clip.crop_size for points in (made, clip.landmarks)]
        found.append([landmark_distance(*pair, centred=centred) for centred in (True, False)])
    return tuple(np.mean(found, axis=0))


config = yaml.safe_load((ROOT / "config.yaml").read_text())
options = model_options(config, "landmarks", "audio2lm_msef")
shards = sorted((flags.results / "features").glob("*.h5"))
split = flags.results / "split.csv"
train, test = (open_clips(shards, clips_of_part(split, part)) for part in ("train", "test"))
rows = []
for seed in flags.seeds:
    _, held_out = hold_out_validation(train, fraction=options["train"]["validation"], seed=seed)
    parts = {"validation": held_out, "test": test}
    for epochs in EPOCHS:
        with tempfile.TemporaryDirectory() as state:
            checkpoint = train_landmark_model(
                train,
                LandmarkModelOptions(**options["model"], loss=options["loss"]),
                Recipe(**{**options["train"], "epochs": epochs}),
                Runtime(**options["runtime"]),
                seed=seed,
                state=Path(state),
            )
        model = restore_landmark_model(checkpoint)
        for part, clips in parts.items():
            shape, place = lip_distances(model, clips)
            rows.append({"epochs": epochs, "clips": part, "shape": shape, "place": place})
means = pd.DataFrame(rows).groupby(["epochs", "clips"]).mean().unstack()
print(f"lips' distance, px at 128, mean of seeds {', '.join(map(str, flags.seeds))}")
print(means.round(3).to_string())
