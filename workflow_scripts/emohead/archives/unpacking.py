"""MEAD as it is handed out, a `video.tar` and an `audio.tar` for every actor: unpacking.

`emohead.archives.table` says where each one is, `emohead.archives.downloads` brings it here.
"""

import csv
import errno
import os
import re
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from emohead.archives.heads import HEAD_BYTES, why_not_an_archive
from emohead.data.mead import (
    AUDIO_SUFFIXES,
    EMOTIONS,
    VIDEO_SUFFIXES,
    audio_path,
    levels_of,
    video_path,
)
from emohead.files import whole_file

# What stands at the end of a clip's name in any of MEAD's archives; only videos have a view. The
# numbers are those that `find_clips` takes.
_CLIP = re.compile(
    r"(?:^|/)(?:(?P<view>[A-Za-z0-9_]+)/)?(?P<emotion>"
    + "|".join(EMOTIONS)
    + r")/level_(?P<level>[1-3])/(?P<number>0*[1-9]\d{0,4})(?P<suffix>\.\w+)$"
)
_ACTOR = re.compile(r"[MW]\d{3}")
_SUFFIXES = {"video": VIDEO_SUFFIXES, "audio": AUDIO_SUFFIXES}


class ArchiveError(ValueError):
    """Unpacking can't go on; the message says why and what to do."""


@dataclass(frozen=True)
class Problem:
    """A clip, or archive (`M019 video.tar`), that couldn't be unpacked, and why."""

    archive: str
    reason: str


class _StrictMember(tarfile.TarInfo):
    """A member whose header, if broken, is an error; tarfile takes it for the archive's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.EmptyHeaderError:
            raise tarfile.ReadError("unexpected end of data") from None
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


@dataclass(frozen=True)
class _Selection:
    """The clips that are wanted, and where they go."""

    root: Path
    speaker: str
    view: str
    emotions: Sequence[str]
    levels: Sequence[int]

    def target(self, clip: re.Match[str]) -> Path | None:
        """Where a clip's file goes, by its name's fields and nothing else; None: not wanted."""
        emotion, level, number = clip["emotion"], int(clip["level"]), int(clip["number"])
        if emotion not in self.emotions or level not in levels_of(emotion, list(self.levels)):
            return None
        suffix = clip["suffix"].lower()
        if suffix in AUDIO_SUFFIXES:
            path = audio_path(self.root, self.speaker, emotion, level, number)
            return path.with_suffix(suffix)
        if clip["view"] != self.view:
            return None
        path = video_path(self.root, self.speaker, self.view, emotion, level, number)
        return path.with_suffix(suffix)

    def __str__(self) -> str:
        levels = " ".join(map(str, self.levels))
        return f"view {self.view}, emotions {' '.join(self.emotions)}, levels {levels}"


@dataclass
class _Contents:
    """Counts of what an archive holds and what was taken."""

    taken: set[Path] = field(default_factory=set)
    views: set[str] = field(default_factory=set)
    clips: int = 0
    strange: list[str] = field(default_factory=list)
    first_name: str = ""
    current_name: str = ""


def unpack(
    archives: Mapping[str, Path],
    root: Path,
    *,
    speaker: str,
    view: str,
    emotions: Sequence[str],
    levels: Sequence[int],
) -> list[Problem]:
    """The wanted clips of a speaker's archives (kind -> path) to `<root>/<speaker>`, MEAD's layout.

    The archives may be compressed and have any folders in front of MEAD's own; each is read once,
    from beginning to end. Files keep their times, so that unpacking again doesn't make them look
    new. What stands in a broken archive before the break is taken. Problems name the archive;
    raises ArchiveError when the disk is full.
    """
    (Path(root) / speaker).mkdir(parents=True, exist_ok=True)
    selection = _Selection(Path(root), speaker, view, tuple(emotions), tuple(levels))
    problems = []
    for kind, path in archives.items():
        name = f"{speaker} {Path(path).name}"
        for reason in _unpack_one(kind, Path(path), selection):
            print(f"{name}: {reason}", flush=True)
            problems.append(Problem(name, reason))
    return problems


def write_problems(problems: Sequence[Problem], path: Path) -> None:
    """Problems as rows of the table of rejects: clip_id (here an archive), stage, reason."""
    with whole_file(path) as unfinished, open(unfinished, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("clip_id", "stage", "reason"))
        rows.writerows((p.archive, "unpack", p.reason) for p in problems)


def _unpack_one(kind: str, path: Path, selection: _Selection) -> list[str]:
    """Takes an archive's wanted clips; the reasons why some, or all, couldn't be."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if what := why_not_an_archive(head):
        return [f"is no archive but {what}: nothing was taken"]
    seen, reasons = _Contents(), []
    name = f"{selection.speaker} {path.name}"
    with (
        open(path, "rb") as file,
        tqdm.wrapattr(file, "read", path.stat().st_size, desc=name, mininterval=10) as source,
    ):
        try:
            with tarfile.open(fileobj=source, mode="r|*", tarinfo=_StrictMember) as tar:
                for member in tar:
                    reasons += _take(tar, member, kind, selection, seen)
        except tarfile.TarError as error:
            at = f" after {seen.current_name!r}" if seen.current_name else ""
            reasons.append(
                f"is damaged or cut short{at} ({error}): {len(seen.taken)} files were taken; "
                f"fetch or copy it again"
            )
            return reasons
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ArchiveError(
                f"{path}: the disk is full after {len(seen.taken)} files; make room below "
                f"{selection.root} and run again"
            ) from error
    print(f"{path}: {len(seen.taken)} files of {selection.speaker}", flush=True)
    if not seen.taken and not reasons:
        reasons.append(_why_nothing(kind, selection, seen))
    elif seen.strange:
        shown = ", ".join(map(repr, seen.strange[:5]))
        more = f" and {len(seen.strange) - 5} more" if len(seen.strange) > 5 else ""
        reasons.append(f"has files that are not called as MEAD's clips are: {shown}{more}")
    return reasons


def _take(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    kind: str,
    selection: _Selection,
    seen: _Contents,
) -> list[str]:
    """Writes a member that is a wanted clip; says why not if there is something wrong with it."""
    name = member.name
    seen.first_name = seen.first_name or name
    clip = _CLIP.search(name)
    if clip is None or clip["suffix"].lower() not in _SUFFIXES[kind]:
        seen.current_name = name
        path = PurePosixPath(name)
        if path.suffix.lower() in _SUFFIXES[kind] and not path.name.startswith("._"):
            seen.strange.append(name)
        return []
    seen.clips += 1
    seen.views.update(filter(None, [clip["view"]]))
    target = selection.target(clip)
    reason = None
    if target is not None:
        folders = PurePosixPath(name[: clip.start()]).parts
        others = [f for f in folders if _ACTOR.fullmatch(f) and f != selection.speaker]
        if not member.isreg():
            reason = "is a link or a device, no file"
        elif name.startswith("/") or ".." in folders:
            reason = "has a name that leads out of the archive's folder"
        elif others:
            reason = f"is a clip of {others[-1]}, not of {selection.speaker}"
        elif target in seen.taken:
            reason = "is in it twice; the first was taken"
        else:
            _write(tar, member, target)
            seen.taken.add(target)
    seen.current_name = name
    return [f"{name!r} {reason}"] if reason else []


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """A member's data to `target`, whole or not at all."""
    with whole_file(target) as unfinished:
        with tar.extractfile(member) as source, open(unfinished, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        modified = max(0, int(member.mtime))
        os.utime(unfinished, (modified, modified))


def _why_nothing(kind: str, selection: _Selection, seen: _Contents) -> str:
    """Why a good archive gave no clip."""
    if not seen.clips:
        first = f"; the first name in it is {seen.first_name!r}" if seen.first_name else ""
        example = f"{'front/' if kind == 'video' else ''}angry/level_1/001{_SUFFIXES[kind][0]}"
        return f"has no clip in it: no name ends like {example}{first}"
    views = f" (its views: {', '.join(sorted(seen.views))})" if kind == "video" else ""
    return f"has {seen.clips} clips, but none of {selection}{views}"
