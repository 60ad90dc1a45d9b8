"""Whether a generated mouth follows the voice: a sentence of ten seconds that no training part has.

    python benchmarks/generation_quality.py MODEL [--emotions neutral happy] [--precision int8]
        [--sheet sheet.png]

MODEL is a bundle (`emohead export`) of the mini run's `ours`. The mini speakers say the sentence
with each emotion; the face is the first frame of their calm selves. The mouth's opening, which dlib
sees in the generated video, is compared with the opening that the synthesiser's phonemes ask for:
correlation, and the shift in frames (positive: late) at which it is greatest. The sheet shows
frames of every video in a row, those with the widest mouth asked for and those with closed lips.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.features.faces import FaceFinder
from emohead.features.points import lip_opening
from emohead.features.tracking import follow_face
from emohead.generate.bundle import read_bundle
from emohead.generate.generate import generate
from emohead.media.reading import read_video
from emohead.media.writing import write_audio
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.speech import MANNERS, SAMPLE_RATE, VOICES, speak
from emohead.mini.visemes import OPEN, mouth_curves

TEXT = (
    "Please close the window before the storm arrives, because the paper on my table would blow "
    "away, and nobody wants to gather it again in the morning, when the baker opens his shop."
)
LAGS = range(-5, 6)
SHOWN = 5  # frames of each kind on the sheet


def follow(opening: np.ndarray, asked: np.ndarray) -> tuple[float, int]:
    """Correlation of two curves [T] as they are, and the lag of the first with the greatest."""
    margin = max(LAGS)
    still = asked[margin:-margin]
    moved = {lag: opening[margin + lag : len(opening) - margin + lag] for lag in LAGS}
    correlations = {lag: np.corrcoef(curve, still)[0, 1] for lag, curve in moved.items()}
    return float(np.corrcoef(opening, asked)[0, 1]), max(correlations, key=correlations.get)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--emotions", nargs="+", default=list(MANNERS), choices=list(MANNERS))
    parser.add_argument("--precision", default="auto", help="as of `emohead generate`")
    parser.add_argument("--sheet", type=Path)
    flags = parser.parse_args()
    bundle, finder = read_bundle(flags.model), FaceFinder()
    rows, correlations = [], []
    with tempfile.TemporaryDirectory() as folder:
        for speaker in PORTRAITS:
            face = Path(folder, "face.png")
            calm = Renderer(PORTRAITS[speaker]()).render(FacePose.at_rest())
            Image.fromarray(calm).save(face)
            for emotion in flags.emotions:
                voice, video = Path(folder, "voice.m4a"), Path(folder, "talk.mp4")
                said = speak(TEXT, VOICES[speaker], MANNERS[emotion], 1.0, np.random.default_rng(0))
                write_audio(voice, said.samples, SAMPLE_RATE)
                generate(voice, face, video, bundle, precision=flags.precision, progress=False)
                frames = read_video(video)[: said.frames]
                asked = mouth_curves(said.phonemes, said.frames)[:, OPEN]
                seen = list(follow_face(frames, lambda frame: frame, finder, every=1))
                landmarks = np.stack([each.landmarks for each in seen])
                correlation, lag = follow(lip_opening(landmarks), asked)
                correlations.append(correlation)
                print(
                    f"{speaker} {emotion:<10} {said.frames / 25:.1f} s: correlation "
                    f"{correlation:.3f}, lag {lag:+d} frames, "
                    f"{sum(not each.found for each in seen)} frames without a face",
                    flush=True,
                )
                order = np.argsort(asked)
                shown = np.concatenate([order[:SHOWN], order[-SHOWN:]])
                rows.append(np.concatenate(list(frames[shown]), axis=1))
    print(f"mean correlation {np.mean(correlations):.3f}, least {min(correlations):.3f}")
    if flags.sheet:
        Image.fromarray(np.concatenate(rows)).save(flags.sheet)


if __name__ == "__main__":
    main()
