"""What the data report counts: clips, rejects, sources and detection, from the tables on disk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import FPS, ClipName, parse_clip_id
from emohead.features.lips import lag_seconds, read_curve
from emohead.features.store import Shard, StoredClip

CLIPS_PER_SHARD = 5  # looked at for landmarks outside the crop; reading all takes minutes
SOURCES_SHOWN = 12
WORST_SHOWN = 10

_COLUMNS = {
    "clips": (
        "clip_id", "speaker", "emotion", "level", "number", "frames", "seconds", "fps", "width",
        "height", "frames_without_face", "faces", "lips",
    ),
    "rejected": ("clip_id", "stage", "reason"),
    "split": ("clip_id", "part", "start", "stop"),
}  # fmt: skip


@dataclass(frozen=True)
class DataTables:
    """The rows of clips.csv, rejected.csv and split.csv.

    Of `rejected`, `lost` are the clips, once each, with speaker and emotion, `archives` the rows
    that name an archive, and `passed` those that name files which no clip was made of. A row that
    is in none of them names a clip that is counted already.
    """

    clips: pd.DataFrame
    rejected: pd.DataFrame
    split: pd.DataFrame
    lost: pd.DataFrame
    archives: pd.DataFrame
    passed: pd.DataFrame


@dataclass(frozen=True)
class Share:
    """A part of a whole, as printed in a table."""

    count: int
    of: int

    @property
    def fraction(self) -> float:
        """0 for a part of nothing."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        return percent(self.fraction)


@dataclass(frozen=True)
class CountCell:
    """Clips of a speaker and an emotion; `heat` is 1 at the largest count of the matrix."""

    accepted: int
    rejected: int
    heat: float


@dataclass(frozen=True)
class CountRow:
    """A speaker's clips by emotion, and in all."""

    speaker: str
    cells: tuple[CountCell, ...]
    accepted: int
    rejected: Share


@dataclass(frozen=True)
class Detection:
    """How well the faces were found: clips with bridged frames, frames without a face, clips that
    showed several faces; and, in a sample of the clips, frames with a landmark outside the crop.
    """

    speaker: str
    bridged: Share
    without_face: Share
    several_faces: Share
    outside: Share


@dataclass(frozen=True)
class LipSync:
    """How a speaker's lips go with the sound: the mean of so many clips' `lip_curve`."""

    speaker: str
    clips: int
    curve: np.ndarray

    @property
    def correlation(self) -> float:
        """At the best lag."""
        return float(self.curve.max())

    @property
    def lag(self) -> float:
        """The best lag, seconds: above 0 the lips move after the sound."""
        return lag_seconds(self.curve)


def read_tables(clips: Path, rejected: Path, split: Path) -> DataTables:
    """Read the three tables; ValueError names a missing file or column."""
    accepted, refused = _read(clips, "clips"), _read(rejected, "rejected")
    if accepted.empty:
        raise ValueError(f"{clips}: no clip was accepted; {rejected} says why")
    names = {clip_id: _clip_name(clip_id) for clip_id in refused["clip_id"]}
    lost = pd.DataFrame(
        [
            (clip_id, name.speaker, name.emotion)
            for clip_id, name in names.items()
            if name is not None
        ],
        columns=["clip_id", "speaker", "emotion"],
    )
    is_other = refused["clip_id"].map(names).isna()
    return DataTables(
        clips=accepted,
        rejected=refused,
        split=_read(split, "split"),
        lost=lost[~lost["clip_id"].isin(accepted["clip_id"])],
        archives=refused[is_other & (refused["stage"] != "list")],
        passed=refused[is_other & (refused["stage"] == "list")],
    )


def _clip_name(name: str) -> ClipName | None:
    """The parts of a clip id; None for an archive's name."""
    try:
        return parse_clip_id(name)
    except ValueError:
        return None


def read_clip_table(path: Path) -> pd.DataFrame:
    """The rows of clips.csv; ValueError when the file or a column is missing."""
    return _read(path, "clips")


def _read(path: Path, kind: str) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"the data report needs {path}, which is not there")
    # A speaker may be called 007 or NA, and a reason may be empty.
    texts = dict.fromkeys(("clip_id", "speaker", "reason", "lips"), str)
    rows = pd.read_csv(path, dtype=texts, keep_default_na=False)
    missing = [name for name in _COLUMNS[kind] if name not in rows]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}: make it again")
    return rows


def count_matrix(
    tables: DataTables, speakers: Sequence[str], emotions: Sequence[str]
) -> list[CountRow]:
    """Accepted and rejected clips: a row per speaker, a cell per emotion."""
    accepted, rejected = (
        pd.crosstab(rows["speaker"], rows["emotion"]).reindex(
            index=speakers, columns=emotions, fill_value=0
        )
        for rows in (tables.clips, tables.lost)
    )
    largest = max(int(accepted.to_numpy().max()), 1)
    matrix = []
    for speaker in speakers:
        pairs = list(zip(accepted.loc[speaker], rejected.loc[speaker], strict=True))
        cells = tuple(CountCell(int(n), int(k), round(int(n) / largest, 3)) for n, k in pairs)
        n, k = sum(cell.accepted for cell in cells), sum(cell.rejected for cell in cells)
        matrix.append(CountRow(speaker, cells, n, Share(k, n + k)))
    return matrix


def source_rows(clips: pd.DataFrame) -> tuple[list[tuple[str, str, Share]], int]:
    """(picture size, frame rate, clips) of the commonest kinds of source; how many more there are.

    Rates are rounded to a hundredth, so that 29.97 is one kind.
    """
    kinds = clips.assign(rate=clips["fps"].round(2)).value_counts(["width", "height", "rate"])
    rows = [
        (f"{width} × {height}", f"{rate:g}", Share(int(count), len(clips)))
        for (width, height, rate), count in kinds.head(SOURCES_SHOWN).items()
    ]
    return rows, len(kinds) - len(rows)


def frames_outside(clip: StoredClip) -> int:
    """Frames in which a landmark lies outside the crop."""
    landmarks = clip.landmarks
    is_outside = (landmarks < 0) | (landmarks > clip.crop_size - 1)
    return int(is_outside.any((1, 2)).sum())


def outside_by_speaker(shards: Iterable[Path]) -> dict[str, Share]:
    """`frames_outside` by speaker, over `CLIPS_PER_SHARD` clips spread over each shard."""
    counts: dict[str, np.ndarray] = {}
    for shard in map(Shard, shards):
        last = len(shard.clip_ids) - 1
        for i in np.linspace(0, last, min(last + 1, CLIPS_PER_SHARD)):
            clip = shard[shard.clip_ids[round(i)]]
            speaker = parse_clip_id(clip.clip_id).speaker
            seen = np.array([frames_outside(clip), clip.length])
            counts[speaker] = counts.get(speaker, 0) + seen
    return {speaker: Share(int(n), int(of)) for speaker, (n, of) in counts.items()}


def detection_by_speaker(clips: pd.DataFrame, outside: Mapping[str, Share]) -> list[Detection]:
    """A row per speaker; `outside` as `outside_by_speaker` gives it."""
    return [
        _detection(str(speaker), part, outside.get(str(speaker), Share(0, 0)))
        for speaker, part in clips.groupby("speaker")
    ]


def detection_of_all(clips: pd.DataFrame, outside: Mapping[str, Share]) -> Detection:
    """The same over all speakers."""
    shares = outside.values()
    total = Share(sum(share.count for share in shares), sum(share.of for share in shares))
    return _detection("all speakers", clips, total)


def _detection(label: str, clips: pd.DataFrame, outside: Share) -> Detection:
    return Detection(
        label,
        bridged=Share(int((clips["frames_without_face"] > 0).sum()), len(clips)),
        without_face=Share(int(clips["frames_without_face"].sum()), int(clips["frames"].sum())),
        several_faces=Share(int((clips["faces"] > 1).sum()), len(clips)),
        outside=outside,
    )


def lips_by_speaker(clips: pd.DataFrame) -> list[LipSync]:
    """A row per speaker: the mean over its clips of `lip_curve`, which extraction took."""
    return [
        LipSync(str(speaker), len(part), np.mean([read_curve(cell) for cell in part["lips"]], 0))
        for speaker, part in clips.groupby("speaker")
    ]


def worst_clips(clips: pd.DataFrame) -> list[tuple[str, Share, int]]:
    """(clip id, frames without a face, faces) of the clips where detection did worst."""
    share = clips["frames_without_face"] / clips["frames"]
    doubtful = clips.assign(share=share)[(share > 0) | (clips["faces"] > 1)]
    worst = doubtful.sort_values(["share", "faces", "clip_id"], ascending=[False, False, True])
    return [
        (row.clip_id, Share(int(row.frames_without_face), int(row.frames)), int(row.faces))
        for row in worst.head(WORST_SHOWN).itertuples()
    ]


def part_lengths(split: pd.DataFrame) -> dict[str, tuple[int, float]]:
    """(clips, seconds) by part of the split."""
    lengths = split.assign(seconds=(split["stop"] - split["start"]) / FPS).groupby("part")
    return {str(part): (len(rows), float(rows["seconds"].sum())) for part, rows in lengths}


def duration(seconds: float) -> str:
    """`42 s`, `7.9 min` or `29.4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def percent(fraction: float) -> str:
    """`5 %`, `1.6 %`, or `< 0.1 %` for what is more than nothing."""
    if 0 < fraction < 0.001:
        return "< 0.1 %"
    return f"{100 * fraction:.1f}".removesuffix(".0") + " %"
