"""MEAD's names, folders and clip table (Wang et al. 2020; layout as released).

`<root>/<speaker>/video/<view>/<emotion>/level_<n>/<NNN>.mp4` and
`<root>/<speaker>/audio/<emotion>/level_<n>/<NNN>.m4a`; audio has no view folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

#: In alphabetical order; the class index of an emotion is its place here.
EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
LEVELS = (1, 2, 3)
FPS = 25
CLIP_COLUMNS = (
    "clip_id", "speaker", "view", "emotion", "level", "number", "video", "audio"
)  # fmt: skip

_CLIP_ID = re.compile(
    r"(?P<speaker>[^-]+)-(?P<view>[^-]+)-(?P<emotion>[^-]+)-(?P<level>\d)-(?P<number>\d{3,})"
)


@dataclass(frozen=True)
class ClipName:
    """What a clip's id says of it."""

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
    def emotion_index(self) -> int:
        """Class index of the emotion, 0..7."""
        return EMOTIONS.index(self.emotion)


@dataclass(frozen=True)
class Clip(ClipName):
    """One take: its name and its two files."""

    video: Path
    audio: Path


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
    """Where MEAD keeps a clip's video."""
    return Path(root) / speaker / "video" / view / emotion / f"level_{level}" / f"{number:03d}.mp4"


def audio_path(root: Path, speaker: str, emotion: str, level: int, number: int) -> Path:
    """Where MEAD keeps a clip's audio."""
    return Path(root) / speaker / "audio" / emotion / f"level_{level}" / f"{number:03d}.m4a"


def find_clips(
    speaker_folder: Path, *, view: str, emotion: str, levels: tuple[int, ...] | list[int]
) -> list[Clip]:
    """All clips of one speaker and emotion below `<root>/<speaker>`, in the order of their ids.

    A missing emotion or level folder is normal in MEAD and gives no clips. Where the audio folder
    has no file of a clip's name, the video's own sound is used.
    """
    root, speaker = Path(speaker_folder).parent, Path(speaker_folder).name
    clips = []
    for level in levels_of(emotion, levels):
        folder = video_path(root, speaker, view, emotion, level, 1).parent
        for video in sorted(folder.glob("*.mp4")):
            if not video.stem.isdigit():
                continue
            number = int(video.stem)
            audio = audio_path(root, speaker, emotion, level, number)
            clips.append(
                Clip(
                    speaker, view, emotion, level, number, video, audio if audio.exists() else video
                )
            )
    return clips


def clip_table(clips: list[Clip]) -> pd.DataFrame:
    """The clip table: one row a clip, columns CLIP_COLUMNS."""
    rows = [[getattr(clip, column) for column in CLIP_COLUMNS] for clip in clips]
    return pd.DataFrame(rows, columns=list(CLIP_COLUMNS))


def read_clips(table: Path) -> list[Clip]:
    """The clips of a clip table on disk."""
    return [
        Clip(
            row.speaker, row.view, row.emotion, int(row.level), int(row.number),
            Path(row.video), Path(row.audio),
        )
        for row in pd.read_csv(table).itertuples()
    ]  # fmt: skip
