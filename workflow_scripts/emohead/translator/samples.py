"""Sample pictures of a translator, epoch by epoch, to look at during training."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.translator.drawing import draw_landmarks
from emohead.translator.render import translate
from emohead.translator.unet import UNet

PICTURED_FRAMES = 4


class SamplePictures:
    """Call it with an epoch's number: writes `folder`/epoch_003.png.

    A row for each of a few `clips`, evenly spread: landmark drawing, reference face (the first
    frame), made and true frame of the clip's middle.
    """

    def __init__(self, model: UNet, clips: Mapping[str, StoredClip], folder: Path) -> None:
        self._model, self._folder = model, folder
        ids = sorted(clips)
        chosen = np.linspace(0, len(ids) - 1, min(PICTURED_FRAMES, len(ids))).round().astype(int)
        self._clips = [clips[ids[i]] for i in chosen]

    def __call__(self, epoch: int) -> None:
        """Make the frames as the model is now."""
        with whole_file(self._folder / f"epoch_{epoch:03d}.png") as unfinished:
            picture = np.concatenate([self._row(clip) for clip in self._clips])
            cv2.imwrite(str(unfinished), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    def _row(self, clip: StoredClip) -> np.ndarray:
        """uint8 [S, 4 S, 3]."""
        middle = clip.length // 2
        landmarks, reference = clip.landmarks[middle], clip.frame(0)
        (made,) = translate(
            self._model,
            landmarks[None],
            reference,
            clip.landmarks[0],
            scene=[clip.frame(middle)],
        )
        drawing = draw_landmarks(landmarks, len(reference))
        return np.concatenate([drawing, reference, made, clip.frame(middle)], axis=1)
