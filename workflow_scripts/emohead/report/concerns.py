"""What in the data a person should look at before anything is trained on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emohead.data.split import PARTS
from emohead.report.data_tables import CountRow, DataTables, Share, percent
from emohead.report.rejects import shorten

MOST_REJECTED = 0.05  # of a speaker's clips
MOST_OUTSIDE = 0.05  # of a speaker's frames with a landmark outside the crop


@dataclass(frozen=True)
class Concern:
    """Something to look at: what, what it means or what to do, and where it was seen."""

    heading: str
    advice: str
    items: tuple[str, ...]


def find_concerns(
    tables: DataTables,
    matrix: Sequence[CountRow],
    emotions: Sequence[str],
    outside: Mapping[str, Share],
) -> list[Concern]:
    """Every concern that has an item; `outside` as `data_tables.outside_by_speaker` gives it."""
    concerns = [
        _missing_emotions(matrix, emotions),
        Concern(
            f"More than {percent(MOST_REJECTED)} of a speaker's clips rejected.",
            "The reasons are below; one cause that is common to all can often be mended.",
            tuple(
                f"{row.speaker}: {row.rejected.count} of {row.rejected.of} ({row.rejected})"
                for row in matrix
                if row.rejected.fraction > MOST_REJECTED
            ),
        ),
        Concern(
            "Landmarks often leave the crop.",
            "The face moves out of the picture that the translators learn, or the first frame of "
            "many clips, which the crop is made from, is a poor one.",
            tuple(
                f"{speaker}: in {share} of the frames looked at"
                for speaker, share in sorted(outside.items())
                if share.fraction > MOST_OUTSIDE
            ),
        ),
        Concern(
            "Archives that could not be unpacked whole.",
            "Clips in them may be missing without being counted as rejected: fetch them again.",
            tuple(f"{row.clip_id}: {shorten(row.reason)}" for row in tables.archives.itertuples()),
        ),
        Concern(
            "An empty part of the split.",
            "Nothing can be trained or tested: add clips or change the split.",
            tuple(f"no {part} clips" for part in PARTS if part not in set(tables.split["part"])),
        ),
    ]
    return [concern for concern in concerns if concern.items]


def _missing_emotions(matrix: Sequence[CountRow], emotions: Sequence[str]) -> Concern:
    items = []
    for row in matrix:
        pairs = zip(emotions, row.cells, strict=True)
        missing = [emotion for emotion, cell in pairs if not cell.accepted]
        if missing:
            every = len(missing) == len(emotions)
            items.append(f"{row.speaker}: {'any emotion' if every else ', '.join(missing)}")
    return Concern(
        "No clip at all.",
        "No model learns these emotions of these speakers, and no score covers them.",
        tuple(items),
    )
