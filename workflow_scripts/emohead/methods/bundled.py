"""A bundle as a method: models that were trained elsewhere, perhaps on crops of another size."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from emohead.generate.bundle import Bundle, read_bundle
from emohead.translator.render import translate
from emohead.translator.unet import UNet


def read_bundled(path: Path, device: str) -> Bundle:
    """A bundle with its models on a device; errors as `read_bundle`."""
    return read_bundle(path).to(device)


def translate_resized(
    model: UNet,
    landmarks: np.ndarray,
    face: np.ndarray,
    face_landmarks: np.ndarray,
    *,
    crop_size: int,
    batch_size: int,
) -> Iterator[np.ndarray]:
    """As `translate`, made in crops of the model's `crop_size`, given back in the face's size."""
    size = len(face)
    if crop_size != size:
        face = _resized(face, crop_size)
        # Pixel centres are at whole numbers.
        landmarks, face_landmarks = (
            (points + 0.5) * (crop_size / size) - 0.5 for points in (landmarks, face_landmarks)
        )
    for frame in translate(model, landmarks, face, face_landmarks, batch_size=batch_size):
        yield frame if crop_size == size else _resized(frame, size)


def _resized(picture: np.ndarray, size: int) -> np.ndarray:
    way = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    return cv2.resize(picture, (size, size), interpolation=way)
