"""Whether a generated mouth follows the voice: a sentence of ten seconds that no training part has.

    python benchmarks/generation_quality.py MODEL [--emotions neutral happy] [--precision int8]
        [--made 20] [--sheet sheet.png]

MODEL is a bundle (`emohead export`) of the mini run's `ours`. The mini speakers say the sentence
with each emotion; the face is the first frame of their calm selves. The mouth's opening, which dlib
sees in the generated video, is compared with the opening that the synthesiser's phonemes ask for:
correlation, and the shift in frames (positive: late) at which it is greatest. The sheet shows
frames of every video in a row, those with the widest mouth asked for and those with closed lips.

With `--made` the sentence's first words are said by so many faces that nobody is and the mini set
doesn't show, an emotion each: the two portraits' shapes and skins in another mixture, then another
tone, shape and side. Their heads move and their lids close, and the sheet begins with the portrait.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.features.faces import FaceFinder
from emohead.features.points import lip_opening
from emohead.features.tracking import follow_face
from emohead.generate.bundle import read_bundle
from emohead.generate.generate import generate
from emohead.generate.head_bank import NATURAL
from emohead.generate.portrait import read_portrait
from emohead.media.reading import read_video
from emohead.media.writing import write_audio
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.speech import MANNERS, SAMPLE_RATE, VOICES, speak
from emohead.mini.visemes import OPEN, mouth_curves
from emohead.translator.augmentation import as_another_face
from emohead.translator.warp import warp_face

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


def calm_faces() -> dict[str, np.ndarray]:
    """The mini speakers' calm selves, uint8 [S, S, 3]."""
    return {name: Renderer(each()).render(FacePose.at_rest()) for name, each in PORTRAITS.items()}


def made_face(seed: int, finder: FaceFinder) -> np.ndarray:
    """A face that nobody is, uint8 [256, 256, 3]."""
    random = np.random.default_rng(seed)
    pictures = [calm_faces()[name] for name in random.permutation(list(PORTRAITS))]
    landmarks = [finder.landmarks(picture, finder.boxes(picture)[0]) for picture in pictures]
    weights = random.uniform(0.25, 0.75, 2)  # of the second's shape and skin
    shape = landmarks[0] + weights[0] * (landmarks[1] - landmarks[0])
    planes = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    shapes = (torch.from_numpy(np.stack(each)) for each in ([shape, shape], landmarks))
    hair, skin = warp_face(planes, *shapes).permute(0, 2, 3, 1).numpy()
    inside = np.zeros(hair.shape[:2], np.float32)
    cv2.fillConvexPoly(inside, cv2.convexHull(shape.round().astype(np.int32)), 1.0)
    skin += hair[inside > 0].mean(0) - skin[inside > 0].mean(0)
    share = weights[1] * cv2.GaussianBlur(cv2.erode(inside, np.ones((9, 9))), (0, 0), 5)[..., None]
    mixed = np.rint(hair + share * (skin - hair)).clip(0, 255).astype(np.uint8)
    (face,), _ = as_another_face([mixed], [shape], random)
    return face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--emotions", nargs="+", default=list(MANNERS), choices=list(MANNERS))
    parser.add_argument("--precision", default="auto", help="as of `emohead generate`")
    parser.add_argument("--made", type=int, default=0, help="so many faces that nobody is")
    parser.add_argument("--sheet", type=Path)
    flags = parser.parse_args()
    bundle, finder = read_bundle(flags.model), FaceFinder()
    faces = [
        (speaker, face, speaker, emotion)
        for speaker, face in calm_faces().items()
        for emotion in flags.emotions
    ]  # fmt: skip
    text, extras = TEXT, {}
    if flags.made:
        emotions, speakers = itertools.cycle(flags.emotions), itertools.cycle(PORTRAITS)
        faces = [
            (f"face {seed}", made_face(seed, finder), next(speakers), next(emotions))
            for seed in range(flags.made)
        ]
        text, extras = TEXT.split(",")[0], {"head": NATURAL, "blink": True}
    rows, correlations = [], []
    with tempfile.TemporaryDirectory() as folder:
        portrait, voice, video = (Path(folder, n) for n in ("face.png", "voice.m4a", "talk.mp4"))
        for name, face, speaker, emotion in faces:
            Image.fromarray(face).save(portrait)
            said = speak(text, VOICES[speaker], MANNERS[emotion], 1.0, np.random.default_rng(0))
            write_audio(voice, said.samples, SAMPLE_RATE)
            generate(
                voice, portrait, video, bundle, precision=flags.precision, progress=False, **extras
            )
            frames = read_video(video)[: said.frames]
            asked = mouth_curves(said.phonemes, said.frames)[:, OPEN]
            seen = list(follow_face(frames, lambda frame: frame, finder, every=1))
            landmarks = np.stack([each.landmarks for each in seen])
            correlation, lag = follow(lip_opening(landmarks), asked)
            correlations.append(correlation)
            print(
                f"{name} {emotion:<10} {said.frames / 25:.1f} s: correlation "
                f"{correlation:.3f}, lag {lag:+d} frames, "
                f"{sum(not each.found for each in seen)} frames without a face",
                flush=True,
            )
            order = np.argsort(asked)
            shown = frames[np.concatenate([order[:SHOWN], order[-SHOWN:]])]
            if flags.made:
                crop = read_portrait(portrait, bundle.crop_size, finder).crop
                shown = [crop, *frames[np.linspace(0, len(frames) - 1, 2 * SHOWN).astype(int)]]
            rows.append(np.concatenate(list(shown), axis=1))
    print(f"mean correlation {np.mean(correlations):.3f}, least {min(correlations):.3f}")
    if flags.sheet:
        Image.fromarray(np.concatenate(rows)).save(flags.sheet)


if __name__ == "__main__":
    main()
