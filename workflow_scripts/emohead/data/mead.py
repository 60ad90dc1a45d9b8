"""MEAD's names and folders (Wang et al. 2020; layout as released).

`<root>/<speaker>/video/<view>/<emotion>/level_<n>/<NNN>.mp4` and
`<root>/<speaker>/audio/<emotion>/level_<n>/<NNN>.m4a`; audio has no view folder.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

#: In alphabetical order; the class index of an emotion is its place here.
EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
LEVELS = (1, 2, 3)
FPS = 25
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv")
AUDIO_SUFFIXES = (".m4a", ".wav", ".mp3", ".flac", ".aac", ".ogg", ".opus")

_CLIP_ID = re.compile(
    r"(?P<speaker>[^-]+)-(?P<view>[^-]+)-(?P<emotion>[^-]+)-(?P<level>\d)-(?P<number>\d{3,})"
)

#: A recording's second stretch is clip number 1000002 where it is number 10.
STRETCHES = 100_000

_LEVEL = re.compile("level_[123]")
_SHOWN = 5  # names of files in a sentence


@dataclass(frozen=True)
class ClipName:
    """The parts of a clip's id."""

    speaker: str
    view: str
    emotion: str
    level: int
    number: int

    @property
    def clip_id(self) -> str:
        """For example `M003-front-angry-1-001`."""
        return f"{self.speaker}-{self.view}-{self.emotion}-{self.level}-{self.number:03d}"

    @property
    def take(self) -> int:
        """The number of the recording, of which a clip may be a stretch."""
        return self.number // STRETCHES or self.number

    @property
    def emotion_index(self) -> int:
        """Class index of the emotion, 0..7."""
        return EMOTIONS.index(self.emotion)


@dataclass(frozen=True)
class Clip(ClipName):
    """One take: its name and its two files; `start` is its first frame, at 25 fps, in them."""

    video: Path
    audio: Path
    start: int = 0


def levels_of(emotion: str, levels: tuple[int, ...] | list[int]) -> list[int]:
    """The levels that an emotion has: `neutral` is recorded at level 1 alone."""
    return [1] if emotion == "neutral" else list(levels)


def parse_clip_id(clip_id: str) -> ClipName:
    """The parts of a clip id such as `M003-front-angry-1-001`.

    Raises ValueError when it isn't one.
    """
    match = _CLIP_ID.fullmatch(clip_id)
    if match is None or match["emotion"] not in EMOTIONS:
        raise ValueError(
            f"{clip_id!r} is not a clip id: expected <speaker>-<view>-<emotion>-<level>-<number>, "
            f"for example M003-front-angry-1-001"
        )
    return ClipName(
        match["speaker"], match["view"], match["emotion"], int(match["level"]), int(match["number"])
    )


def video_path(root: Path, speaker: str, view: str, emotion: str, level: int, number: int) -> Path:
    """The path of a clip's video in MEAD's layout."""
    return Path(root) / speaker / "video" / view / emotion / f"level_{level}" / f"{number:03d}.mp4"


def audio_path(root: Path, speaker: str, emotion: str, level: int, number: int) -> Path:
    """The path of a clip's audio in MEAD's layout."""
    return Path(root) / speaker / "audio" / emotion / f"level_{level}" / f"{number:03d}.m4a"


def find_clips(
    folder: Path,
    *,
    speaker: str,
    view: str,
    emotion: str,
    levels: tuple[int, ...] | list[int],
) -> list[Clip]:
    """All clips of one emotion in a speaker's `folder`, in the order of their ids.

    A missing emotion or level folder is normal in MEAD and gives no clips. The sound is the file
    of the same number in the audio folder, else beside the video, else the video's own.

    Raises ValueError if there is no such speaker's folder.
    """
    if not Path(folder).is_dir():
        raise ValueError(
            f"no folder {folder}, where the clips of speaker {speaker} should be: see data.folder "
            "and data.speakers in the config"
        )
    clips = []
    for level in levels_of(emotion, levels):
        videos = Path(folder) / "video" / view / emotion / f"level_{level}"
        sounds = _numbered(videos, AUDIO_SUFFIXES)
        sounds |= _numbered(Path(folder) / "audio" / emotion / f"level_{level}", AUDIO_SUFFIXES)
        for number, video in sorted(_numbered(videos, VIDEO_SUFFIXES).items()):
            audio = sounds.get(number, video)
            clips.append(Clip(speaker, view, emotion, level, number, video, audio))
    return clips


def _numbered(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """The files of a folder that are called by a number, such as `001.mp4`; none without it.

    Numbers go from 1 to 99999: those of stretches would be other clips'.
    """
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        files = [Path(entry) for entry in entries if entry.is_file()]
    # Backwards, so that of two files with one number the first stays.
    return {
        int(file.stem): file
        for file in sorted(files, reverse=True)
        if file.suffix.lower() in suffixes
        and file.stem.isdecimal()
        and 0 < int(file.stem) < STRETCHES
    }


@dataclass(frozen=True)
class LeftOut:
    """A folder (the speaker first) that looks like clips and isn't used, and why."""

    folder: str
    reason: str


def find_left_out(
    folder: Path,
    *,
    speaker: str,
    view: str,
    emotions: Iterable[str],
    levels: tuple[int, ...] | list[int],
) -> list[LeftOut]:
    """What `find_clips` skips in a speaker's `folder` because of its name.

    Emotions and levels that weren't asked for are no mistake.
    """
    videos = Path(folder) / "video"
    here = videos / view
    if not here.is_dir():
        views = ", ".join(path.name for path in _folders(videos)) or "none"
        return [LeftOut(speaker, f"no videos of view {view} (views there: {views})")]
    found: list[LeftOut] = []

    def tell(path: Path, reason: str) -> None:
        # A name in another encoding than UTF-8 can't stand in a table.
        name = os.fsencode(path.relative_to(folder).as_posix()).decode(errors="backslashreplace")
        found.append(LeftOut(f"{speaker} {name}", reason))

    for path in _folders(here):
        if path.name not in EMOTIONS:
            count = sum(map(_looks_like_clip, path.rglob("*")))
            if count:
                tell(path, f"{count} videos: the folder's name is none of {', '.join(EMOTIONS)}")
        elif path.name in emotions:
            loose = sum(_looks_like_clip(p) and p.is_file() for p in path.iterdir())
            if loose:
                tell(path, f"{loose} videos in no folder of a level, such as level_1")
            wanted = {f"level_{level}" for level in levels_of(path.name, levels)}
            for level in _folders(path):
                names = sorted(p.name for p in level.iterdir() if _looks_like_clip(p))
                if level.name in wanted:
                    taken = {file.name for file in _numbered(level, VIDEO_SUFFIXES).values()}
                    strange = [name for name in names if name not in taken]
                    if strange:
                        shown = ", ".join(map(repr, strange[:_SHOWN]))
                        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
                        why = (
                            f"{len(strange)} names not like 001.mp4 (1 to {STRETCHES - 1}), a "
                            "number twice, or links to nothing"
                        )
                        tell(level, f"{why}: {shown}{more}")
                elif names and not _LEVEL.fullmatch(level.name):
                    tell(level, f"{len(names)} videos: the folder isn't called like level_1")
    return found


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _looks_like_clip(path: Path) -> bool:
    """Whether a name has a video's suffix, maybe with that of an unfinished download after it.

    macOS keeps its own notes in files whose names begin with `._`.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return not path.name.startswith("._") and any(suffix in VIDEO_SUFFIXES for suffix in suffixes)
