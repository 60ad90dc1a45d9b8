"""The extraction of a shard: clips side by side, one broken clip set aside, resumed when killed."""

import hashlib
import json
import multiprocessing
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

import av
import cv2
import pandas as pd
from tqdm import tqdm

from emohead.code_digest import code_digest
from emohead.data.mead import Clip
from emohead.features.clip import ClipFacts, extract_clip
from emohead.features.faces import FaceFinder
from emohead.features.options import FeatureOptions
from emohead.features.store import ShardWriter
from emohead.files import whole_file
from emohead.processes import single_threaded_children
from emohead.resume import resumable

_TABLE_COLUMNS = (*(fact.name for fact in fields(ClipFacts)), "take", "rejected")


def extract_shard(
    clips: Sequence[Clip],
    shard: Path,
    table: Path,
    options: FeatureOptions,
    *,
    state: Path,
    workers: int = 1,
) -> None:
    """Write the feature shard of some clips, and a table with one row a clip.

    A clip that can't be used is left out of the shard and has its reason in the table's column
    `rejected`; the others have their facts there. One that was cut into stretches has a row for
    each, and one that says what was left out; `take` is the id that it is listed by. `workers`
    processes work side by side. Finished clips are kept in the folder `state` until all are (see
    `emohead.resume.resumable`): a call after a killed one resumes there.
    """
    # Each clip's part has a key of its own.
    with resumable(state):
        parts = [_Part.of(clip, state, options) for clip in clips]
        todo = [part for part in parts if not part.is_made()]
        if len(todo) < len(parts):
            print(f"{len(parts) - len(todo)} of {len(parts)} clips were made before", flush=True)
        progress = tqdm(_make_parts(todo, options, workers), total=len(todo), unit="clip",
                        mininterval=5, smoothing=0)  # fmt: skip
        for part in progress:
            for row in part.rows():
                if "rejected" in row:
                    tqdm.write(f"{part.clip.clip_id}: rejected: {row['rejected']}")
        with _shard_writer(shard) as writer:
            for part in parts:
                if any("rejected" not in row for row in part.rows()):
                    writer.copy(part.features)
        rows = [row for part in parts for row in part.rows()]
        with whole_file(table) as unfinished:
            pd.DataFrame(rows, columns=list(_TABLE_COLUMNS)).to_csv(unfinished, index=False)


@dataclass(frozen=True)
class _Part:
    """One clip's place in the state folder; `key` says what it is made from and by what."""

    clip: Clip
    features: Path
    result: Path
    key: str

    @classmethod
    def of(cls, clip: Clip, state: Path, options: FeatureOptions) -> "_Part":
        files = []
        for path in (clip.video, clip.audio):
            found = path.stat() if path.exists() else None
            files.append((str(path), *((found.st_size, found.st_mtime_ns) if found else ())))
        told = json.dumps([_code(), asdict(options), files])
        return cls(
            clip,
            state / f"{clip.clip_id}.h5",
            state / f"{clip.clip_id}.json",
            hashlib.sha256(told.encode()).hexdigest(),
        )

    def is_made(self) -> bool:
        return self.result.exists() and json.loads(self.result.read_text())["key"] == self.key

    def rows(self) -> list[dict[str, str | int | float]]:
        return json.loads(self.result.read_text())["rows"]

    def write(self, rows: Sequence[dict[str, str | int | float]]) -> None:
        """Store the table's rows of this clip; a reason in `rejected` alone is about all of it."""
        clip_id = self.clip.clip_id
        told = [{"clip_id": clip_id, "take": clip_id, **row} for row in rows]
        with whole_file(self.result) as unfinished:
            unfinished.write_text(json.dumps({"key": self.key, "rows": told}))


@cache
def _code() -> str:
    """A digest of the code that features depend on: what other code made is made again."""
    return code_digest("emohead/features/clip.py")


def _make_parts(parts: Sequence[_Part], options: FeatureOptions, workers: int) -> Iterator[_Part]:
    """Make parts in processes of their own, in any order."""
    left, workers = list(parts), max(1, workers)
    while left:
        try:
            for part in _in_pool(left, options, workers):
                left.remove(part)
                yield part
        except BrokenProcessPool:
            # A process died, and the others with it. Work is taken in order: its clip is among
            # the first ones, which are made one by one.
            print("a process died: looking for the clip that it worked on", flush=True)
            yield from (part for part in left if part.is_made())
            left = [part for part in left if not part.is_made()]
            for part in left[:workers]:
                yield _make_alone(part, options)
            left = left[workers:]


def _make_alone(part: _Part, options: FeatureOptions) -> _Part:
    try:
        list(_in_pool([part], options, 1))
    except BrokenProcessPool:
        part.write([{"rejected": "its extraction died: not enough memory, or a bad file"}])
    return part


def _in_pool(parts: Sequence[_Part], options: FeatureOptions, workers: int) -> Iterator[_Part]:
    # Spawned, since forks of a process in which OpenCV has run can hang.
    spawn = multiprocessing.get_context("spawn")
    workers = min(workers, len(parts))
    with (
        single_threaded_children(),
        ProcessPoolExecutor(workers, mp_context=spawn, initializer=_be_one_of_many) as pool,
    ):
        started = [pool.submit(_make_part, part, options) for part in parts]
        try:
            for done in as_completed(started):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _be_one_of_many() -> None:
    cv2.setNumThreads(1)
    # When the parent is killed, its workers would wait for work for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


@cache
def _finder() -> FaceFinder:
    return FaceFinder()


def _make_part(part: _Part, options: FeatureOptions) -> _Part:
    finder = _finder()
    try:
        with _shard_writer(part.features) as writer:
            made = extract_clip(part.clip, finder, options, writer)
        rows = [asdict(facts) for facts in made.clips]
        if made.left_out:
            rows.append({"rejected": made.left_out})
    except ValueError as error:
        rows = [{"rejected": str(error)}]
    except Exception as error:
        # Files are read through FFmpeg, some of whose errors are OSErrors as well. Any other one
        # is our own disk: the next clip's trouble, too.
        if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
            raise
        # Whatever a strange file does to a library, the other clips' work must not be lost.
        traceback.print_exc(file=sys.stdout)
        rows = [{"rejected": f"unexpected: {type(error).__name__}: {error}"}]
    part.write(rows)
    return part


@contextmanager
def _shard_writer(path: Path) -> Iterator[ShardWriter]:
    """A ShardWriter whose failed writes are plain OSErrors, not pages of HDF5's."""
    try:
        with ShardWriter(path) as writer:
            yield writer
    except (OSError, RuntimeError) as error:
        told = re.search(r"\berrno = (\d+)", str(error))
        if told is None:
            raise
        code = int(told[1])
        raise OSError(code, os.strerror(code), str(path)) from error
