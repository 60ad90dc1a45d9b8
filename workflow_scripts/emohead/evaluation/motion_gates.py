"""Whether a motion field has converged, on clips that it wasn't trained on.

A field that repeats its source face looks like success: it has a copy's PSNR, and a still mouth.

    psnr            the face moved to the clip's true keypoints, PSNR of the face's box over that of
                    the copied first frame, in dB
    lips            correlation of the inner lips' opening with the true one, both found by dlib; 0
                    of a clip in which it finds no face
    apart           the least distance of two keypoints' mean places, of a picture of 2
    equivariance    how far keypoints are from where a random warp takes them

A field that fails one is called "not converged" in Table 1. The bars were set before anything was
measured.
"""

from collections.abc import Mapping

import numpy as np
import torch

from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.landmark_metrics import lip_correlation
from emohead.evaluation.picture_metrics import boxes_of, psnr
from emohead.features.faces import FaceFinder, NoFaceError
from emohead.features.store import StoredClip
from emohead.features.tracking import follow_face
from emohead.motion.field import MotionField
from emohead.motion.losses import equivariance
from emohead.motion.options import MotionFieldLossOptions
from emohead.motion.render import as_batch, find_keypoints, move_face
from emohead.motion.warps import Warp
from emohead.training.gates import Gate

#: The least gain of PSNR, correlation and distance, and the greatest equivariance error.
PSNR, LIPS, APART, EQUIVARIANCE = 1.5, 0.5, 0.05, 0.15
# One of so many frames of each clip is warped.
_WARPED_EVERY = 8


def try_field(field: MotionField, clips: Mapping[str, StoredClip]) -> list[Gate]:
    """All gates of a trained field on `clips`, where the field is; means over clips.

    ValueError without any.
    """
    if not clips:
        raise ValueError(
            "no clips to try a motion field on: raise motion_field.train.validation, by which they "
            "are held out of its training"
        )
    field.eval()
    finder = FaceFinder()
    found = [_try_clip(field, clip, finder) for clip in clips.values()]
    gain, lips, error = np.mean([values for *values, _ in found], axis=0)
    places = torch.stack([place for *_, place in found]).mean(0)
    apart = float(torch.pdist(places).min())
    return [
        Gate("psnr", gain, PSNR, bool(gain >= PSNR)),
        Gate("lips", lips, LIPS, bool(lips >= LIPS)),
        Gate("apart", apart, APART, apart > APART),
        Gate("equivariance", error, EQUIVARIANCE, bool(error < EQUIVARIANCE)),
    ]


def _try_clip(
    field: MotionField, clip: StoredClip, finder: FaceFinder
) -> tuple[float, float, float, torch.Tensor]:
    """Gain of PSNR, lips' correlation, error of equivariance, and the mean places [K, 2]."""
    true = clip.frames()
    keypoints = find_keypoints(field, true)
    made = np.stack(list(move_face(field, true[0], keypoints)))
    face = boxes_of(clip.landmarks, clip.crop_size)["face"]
    gain = np.mean(
        [
            psnr(ours[face], frame[face]) - psnr(true[0][face], frame[face])
            for ours, frame in zip(made[FIRST_SCORED:], true[FIRST_SCORED:], strict=True)
        ]
    )
    seen = [_landmarks(frames, finder)[FIRST_SCORED:] for frames in (made, true)]
    options = MotionFieldLossOptions()
    images = as_batch(field, true[::_WARPED_EVERY])
    draw = torch.Generator().manual_seed(0)
    warp = Warp.draw(len(images), affine=options.affine, tps=options.tps, generator=draw)
    with torch.inference_mode():
        warp = warp.to(images.device)
        error, _ = equivariance(field.detector(images), field.detector(warp.of(images)), warp)
    lips = np.nan_to_num(lip_correlation(*seen))  # no face, or a mouth that never moves
    return gain, lips, float(error), keypoints.places.mean(0).cpu()


def _landmarks(frames: np.ndarray, finder: FaceFinder) -> np.ndarray:
    """What dlib sees, float64 [T, 68, 2]; nan where there is no face in any frame."""
    try:
        seen = follow_face(frames, lambda frame: frame, finder, every=1)
        return np.stack([each.landmarks for each in seen]).astype(float)
    except NoFaceError:
        return np.full((len(frames), 68, 2), np.nan)
