"""The shards: clips with their landmarks, frames and MFCC windows in one HDF5 file.

`/<clip_id>/landmarks` float32 [T, 68, 2], pixels of the crop; `frames` T compressed images, each of
size x size RGB; `mfcc` float32 [T, 28, 12] (13 with c0, the first) and `transform` float32 [2, 3]
where they are known; attributes say where the clip came from. HDF5, since one frame or one clip can
be read without the rest.

Every clip has a digest of its arrays as an attribute, and the file its size, so that whether they
are the same is known without reading them all.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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
    # Not compressed: for frames that are read once and removed.
    "bmp": (".bmp", []),
}  # fmt: skip
# Encoded frames in memory while a clip is written or read.
_FRAMES_HELD = 64
# Attributes: a clip's digest, and the size of the whole file.
_DIGEST, _SIZE = "digest", "size"


def open_hdf5(path: Path, mode: str = "r") -> h5py.File:
    """An HDF5 file without HDF5's own locks, which many network disks don't have.

    Nobody needs them: files appear whole, and whoever writes has a lock of another kind.
    """
    return h5py.File(path, mode, locking=False)


@dataclass(frozen=True)
class StoredClip:
    """Frames `span` of a clip in an open shard; arrays are read when they are asked for.

    Only `span` counts in the clip's own frames; everything else here counts from its start.
    """

    clip_id: str
    shard: "Shard"
    span: range

    def cut(self, span: range) -> "StoredClip":
        """The same clip with these of its frames alone; ValueError when it hasn't got them."""
        if span.step != 1 or not self.span.start <= span.start < span.stop <= self.span.stop:
            raise ValueError(
                f"{self.clip_id}: frames [{span.start}, {span.stop}) are wanted of "
                f"[{self.span.start}, {self.span.stop}): make split.csv again"
            )
        return replace(self, span=span)

    @property
    def group(self) -> h5py.Group:
        """The clip in the shard's file."""
        return self.shard.file[self.clip_id]

    @property
    def length(self) -> int:
        """Number of frames T."""
        return len(self.span)

    @property
    def crop_size(self) -> int:
        """Width and height of the frames, in pixels."""
        return self.frame(0).shape[0]

    @property
    def landmarks(self) -> np.ndarray:
        """float32 [T, 68, 2], (x, y) in pixels of the crop."""
        return self._read("landmarks")

    @property
    def mfcc(self) -> np.ndarray:
        """float32 [T, 28, 12], or 13 of which the first is c0."""
        return self._read("mfcc")

    @property
    def transform(self) -> np.ndarray:
        """float32 [2, 3], from pixels of the source to pixels of the crop."""
        return self.group["transform"][:]

    @property
    def attributes(self) -> dict[str, str | int | float]:
        """Where the clip came from."""
        return {name: value for name, value in self.group.attrs.items() if name != _DIGEST}

    @property
    def identity(self) -> tuple[int, int, str]:
        """`span`, and a digest of the clip's arrays, in whatever file they are.

        The digest was taken when the clip was written. If the file hasn't got its size of then, it
        was changed by hand, and it is taken anew; a change that keeps the size isn't seen.
        """
        if self.shard.is_as_written:
            digest = str(self.group.attrs[_DIGEST])
        else:
            digest = _digest_of(self.group)
        return self.span.start, self.span.stop, digest

    def frame(self, t: int) -> np.ndarray:
        """Frame t, uint8 [S, S, 3] RGB."""
        return cv2.imdecode(self.group["frames"][self.span[t]], cv2.IMREAD_COLOR_RGB)

    def iterate_frames(self) -> Iterator[np.ndarray]:
        """One frame after the other, uint8 [S, S, 3] RGB: a few are in memory at a time."""
        for start in range(self.span.start, self.span.stop, _FRAMES_HELD):
            stop = min(start + _FRAMES_HELD, self.span.stop)
            for data in self.group["frames"][start:stop]:
                yield cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)

    def frames(self) -> np.ndarray:
        """All frames, uint8 [T, S, S, 3] RGB."""
        return np.stack(list(self.iterate_frames()))

    def _read(self, name: str) -> np.ndarray:
        return self.group[name][self.span.start : self.span.stop]


class Shard:
    """A shard on disk, open for reading: each process, as a loader's workers, opens its own."""

    def __init__(self, path: Path):
        self._path = Path(path)
        self._file, self._opened_by = None, None
        self.clip_ids = sorted(self.file)

    @property
    def file(self) -> h5py.File:
        """The open file of this process."""
        if self._opened_by != os.getpid():
            if self._file is not None:
                self._file.close()  # the copy of the process that this one was forked from
            self._file, self._opened_by = open_hdf5(self._path, "r"), os.getpid()
        return self._file

    @cached_property
    def is_as_written(self) -> bool:
        """Whether the file has the size that it was written with."""
        return self.file.attrs.get(_SIZE) == self._path.stat().st_size

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_file": None, "_opened_by": None}

    def __getitem__(self, clip_id: str) -> StoredClip:
        return StoredClip(clip_id, self, range(len(self.file[clip_id]["landmarks"])))


def open_clips(
    paths: Iterable[Path], wanted: Iterable[str] | Mapping[str, range] | None = None
) -> dict[str, StoredClip]:
    """The clips of several shards by clip id, sorted; only the `wanted` ones when given.

    A mapping, as `emohead.data.split.clips_of_part` returns it, also says which frames of each
    clip. Raises ValueError when a clip is in none of the shards, or has too few frames.
    """
    shard_of = {clip_id: shard for shard in map(Shard, paths) for clip_id in shard.clip_ids}
    clip_ids = sorted(shard_of if wanted is None else wanted)
    missing = [clip_id for clip_id in clip_ids if clip_id not in shard_of]
    if missing:
        raise ValueError(
            f"no shard holds the clips {', '.join(missing[:5])} ({len(missing)} in all)"
        )
    clips = {clip_id: shard_of[clip_id][clip_id] for clip_id in clip_ids}
    if isinstance(wanted, Mapping):
        return {clip_id: clip.cut(wanted[clip_id]) for clip_id, clip in clips.items()}
    return clips


class ShardWriter:
    """Writes a shard; the file appears when the `with` block ends without an error."""

    def __init__(self, path: Path, *, codec: str = "jpeg"):
        self._whole, self._path = whole_file(path), None
        self._extension, self._options = _CODECS[codec]

    def __enter__(self) -> Self:
        self._path = self._whole.__enter__()
        self._file = open_hdf5(self._path, "w")
        self._file.attrs[_SIZE] = np.int64(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if kind is None:
            size = self._path.stat().st_size
            with open_hdf5(self._path, "r+") as file:
                file.attrs.modify(_SIZE, np.int64(size))
        self._whole.__exit__(kind, error, trace)

    def encode(self, image: np.ndarray) -> np.ndarray:
        """The bytes of one uint8 [S, S, 3] RGB image in this shard's codec, uint8 [N]."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        return cv2.imencode(self._extension, bgr, self._options)[1]

    def begin(self, clip_id: str) -> "ClipWriter":
        """Append a clip frame by frame; it is whole once `finish` has been called.

        An unfinished one of the same name gives way.
        """
        self.discard(clip_id)
        return ClipWriter(self._file.create_group(clip_id), self.encode)

    def discard(self, clip_id: str) -> None:
        """Remove an unfinished clip."""
        if clip_id in self._file:
            del self._file[clip_id]

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
        clip = self.begin(clip_id)
        for image in frames:
            clip.append(image)
        clip.finish(landmarks=landmarks, mfcc=mfcc, transform=transform, attributes=attributes)

    def copy(self, shard: Path) -> None:
        """Append all clips of another shard of the same codec as they are."""
        with open_hdf5(shard, "r") as other:
            for clip_id in other:
                other.copy(clip_id, self._file)


class ClipWriter:
    """Appends the frames of one clip to a shard, holding a few of them."""

    def __init__(self, group: h5py.Group, encode: Callable[[np.ndarray], np.ndarray]):
        self._group, self._encode = group, encode
        self._images = group.create_dataset(
            "frames", 0, h5py.vlen_dtype(np.uint8), maxshape=(None,), chunks=(_FRAMES_HELD,)
        )
        self._held: list[np.ndarray] = []
        self._digest = hashlib.sha256()

    def append(self, image: np.ndarray) -> None:
        """Store the next frame, uint8 [S, S, 3] RGB."""
        self._held.append(self._encode(image))
        if len(self._held) == _FRAMES_HELD:
            self._write()

    def _write(self) -> None:
        start = len(self._images)
        self._images.resize(start + len(self._held), axis=0)
        for t, data in enumerate(self._held, start):
            self._images[t] = data
            _add(self._digest, data)
        self._held.clear()

    def finish(
        self,
        *,
        landmarks: np.ndarray,
        mfcc: np.ndarray | None = None,
        transform: np.ndarray | None = None,
        attributes: dict[str, str | int | float] | None = None,
    ) -> None:
        """Store what belongs to the frames; ValueError when it isn't of their number."""
        self._write()
        lengths = {len(self._images), len(landmarks), len(landmarks if mfcc is None else mfcc)}
        if len(lengths) != 1:
            name = self._group.name.strip("/")
            raise ValueError(f"{name}: arrays of different lengths {sorted(lengths)}")
        arrays = {"landmarks": landmarks, "mfcc": mfcc, "transform": transform}
        for name, array in arrays.items():
            if array is not None:
                self._group[name] = np.asarray(array, np.float32)
                _add(self._digest, self._group[name][:])
        self._group.attrs.update({**(attributes or {}), _DIGEST: self._digest.hexdigest()})


def _add(digest: "hashlib._Hash", array: np.ndarray) -> None:
    digest.update(str(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)


def _digest_of(group: h5py.Group) -> str:
    """The digest of a clip's arrays, as `ClipWriter` takes it."""
    digest = hashlib.sha256()
    for data in group["frames"]:
        _add(digest, data)
    for name in ("landmarks", "mfcc", "transform"):
        if name in group:
            _add(digest, group[name][:])
    return digest.hexdigest()
