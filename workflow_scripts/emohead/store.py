"""The shards: clips with their landmarks, frames and MFCC windows in one HDF5 file.

`/<clip_id>/landmarks` float32 [T, 68, 2], pixels of the crop; `frames` T compressed images,
each of size x size RGB; `mfcc` float32 [T, 28, 12] and `transform` float32 [2, 3] where they are
known; attributes say where the clip came from. HDF5, since one frame or one clip can be read
without the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import h5py
import numpy as np

from emohead.files import whole_file

_CODECS = {
    # Visually lossless: full chroma, about 42 dB on faces, a third of PNG's size.
    "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95,
                      cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]),
    # For rendered frames, which the metrics must see as they are.
    "png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]),
}  # fmt: skip


@dataclass(frozen=True)
class StoredClip:
    """A clip in an open shard; arrays are read when they are asked for."""

    clip_id: str
    group: h5py.Group

    @property
    def length(self) -> int:
        """Number of frames T."""
        return len(self.group["landmarks"])

    @property
    def crop_size(self) -> int:
        """Width and height of the frames, in pixels."""
        return self.frame(0).shape[0]

    @property
    def landmarks(self) -> np.ndarray:
        """float32 [T, 68, 2], (x, y) in pixels of the crop."""
        return self.group["landmarks"][:]

    @property
    def mfcc(self) -> np.ndarray:
        """float32 [T, 28, 12]."""
        return self.group["mfcc"][:]

    @property
    def transform(self) -> np.ndarray:
        """float32 [2, 3], from pixels of the source to pixels of the crop."""
        return self.group["transform"][:]

    @property
    def attributes(self) -> dict[str, str | int | float]:
        """Where the clip came from."""
        return dict(self.group.attrs)

    def frame(self, t: int) -> np.ndarray:
        """Frame t, uint8 [S, S, 3] RGB."""
        return cv2.imdecode(self.group["frames"][t], cv2.IMREAD_COLOR_RGB)

    def frames(self) -> np.ndarray:
        """All frames, uint8 [T, S, S, 3] RGB."""
        return np.stack(
            [cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) for data in self.group["frames"][:]]
        )


class Shard:
    """A shard on disk, open for reading."""

    def __init__(self, path: Path):
        self._file = h5py.File(path, "r")
        self.clip_ids = sorted(self._file)

    def __getitem__(self, clip_id: str) -> StoredClip:
        return StoredClip(clip_id, self._file[clip_id])


def open_clips(
    paths: Iterable[Path], clip_ids: Iterable[str] | None = None
) -> dict[str, StoredClip]:
    """The clips of several shards by clip id, sorted; only those of `clip_ids` when given.

    Raises ValueError when a clip id is in none of the shards.
    """
    found = {clip_id: shard[clip_id] for shard in map(Shard, paths) for clip_id in shard.clip_ids}
    wanted = sorted(found if clip_ids is None else clip_ids)
    missing = [clip_id for clip_id in wanted if clip_id not in found]
    if missing:
        raise ValueError(
            f"no shard holds the clips {', '.join(missing[:5])} ({len(missing)} in all)"
        )
    return {clip_id: found[clip_id] for clip_id in wanted}


class ShardWriter:
    """Writes a shard; the file appears when the `with` block ends without an error."""

    def __init__(self, path: Path, *, codec: str = "jpeg"):
        self._whole = whole_file(path)
        self._extension, self._options = _CODECS[codec]

    def __enter__(self) -> Self:
        self._file = h5py.File(self._whole.__enter__(), "w")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._whole.__exit__(kind, error, trace)

    def encode(self, image: np.ndarray) -> np.ndarray:
        """The bytes of one uint8 [S, S, 3] RGB image in this shard's codec, uint8 [N]."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        return cv2.imencode(self._extension, bgr, self._options)[1]

    def add(
        self,
        clip_id: str,
        *,
        landmarks: np.ndarray,
        frames: Iterable[np.ndarray],
        mfcc: np.ndarray | None = None,
        transform: np.ndarray | None = None,
        attributes: dict[str, str | int | float] | None = None,
    ) -> None:
        """Append a clip; all arrays have the same T, else ValueError."""
        encoded = [self.encode(image) for image in frames]
        lengths = {len(landmarks), len(encoded)} | ({len(mfcc)} if mfcc is not None else set())
        if len(lengths) != 1:
            raise ValueError(f"{clip_id}: arrays of different lengths {sorted(lengths)}")
        group = self._file.create_group(clip_id)
        group["landmarks"] = np.asarray(landmarks, np.float32)
        images = group.create_dataset("frames", len(encoded), h5py.vlen_dtype(np.uint8))
        for t, data in enumerate(encoded):
            images[t] = data
        if mfcc is not None:
            group["mfcc"] = np.asarray(mfcc, np.float32)
        if transform is not None:
            group["transform"] = np.asarray(transform, np.float32)
        group.attrs.update(attributes or {})
