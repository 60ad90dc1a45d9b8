"""Notes on somebody else's videos: one for each test clip, and a summary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import pandas as pd

from emohead.data.mead import FPS
from emohead.files import whole_file

Status = Literal["scored", "short", "missing", "broken", "no_face", "several_faces"]

# Frames by which the lips are late or early in the median clip; clips of which that is known; share
# of a crop that lies outside its video.
_LATE, _FEWEST, _OUTSIDE = 2, 3, 0.02


@dataclass(frozen=True)
class Note:
    """What happened to a clip's video; `short` ones are used as far as they go.

    `lip_lag` is in frames, positive where the lips come later than the true ones, None where that
    isn't sure; `outside` is the share of the crop that lies outside the video.
    """

    clip_id: str
    status: Status
    detail: str
    lip_lag: int | None = None
    outside: float = 0.0
    mirrored: bool = False
    exchanged: bool = False

    @property
    def is_used(self) -> bool:
        """Whether the video is scored."""
        return self.status in ("scored", "short")


def write_notes(notes: Sequence[Note], path: Path) -> None:
    """A table with a row for each clip."""
    table = pd.DataFrame(notes, columns=list(Note.__dataclass_fields__))
    with whole_file(path) as unfinished:
        table.astype({"lip_lag": "Int64"}).to_csv(unfinished, index=False, float_format="%.3f")


def read_notes(paths: Iterable[Path]) -> list[Note]:
    """The notes of several such tables."""
    rows = pd.concat([pd.read_csv(path, keep_default_na=False) for path in paths])
    return [
        Note(
            row.clip_id, row.status, row.detail,
            None if row.lip_lag == "" else int(row.lip_lag), float(row.outside),
            str(row.mirrored) == "True", str(row.exchanged) == "True",
        )
        for row in rows.itertuples()
    ]  # fmt: skip


def concerns_of(notes: Iterable[Note]) -> list[str]:
    """Signs of a mistake in the videos as a whole, in sentences without a subject."""
    used = [note for note in notes if note.is_used]
    found = []
    lags = [note.lip_lag for note in used if note.lip_lag is not None]
    late = median(lags) if len(lags) >= _FEWEST else 0
    if abs(late) >= _LATE:
        word = "later" if late > 0 else "earlier"
        found.append(
            f"the lips move {abs(late):g} frames ({abs(late) / FPS:.2f} s) {word} than the true "
            f"ones in the median of {len(lags)} clips (`start` of the method moves its videos)"
        )
    for name, what in (
        ("mirrored", "left and right seem to be exchanged"),
        ("exchanged", "red and blue seem to be exchanged"),
    ):
        if count := sum(getattr(note, name) for note in used):
            found.append(f"{what} in {count} of {len(used)} videos")
    beyond = [note.outside for note in used if note.outside > _OUTSIDE]
    if beyond:
        found.append(
            f"{len(beyond)} of {len(used)} videos are cut tighter than the true crops, of which up "
            f"to {max(beyond):.0%} is filled up with their edges: look at the face's and the "
            "mouth's boxes, not at whole frames"
        )
    return found
