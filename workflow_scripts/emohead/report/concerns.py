"""What in the data a person should look at before anything is trained on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emohead.data.split import PARTS
from emohead.report.data_tables import CountRow, DataTables, LipSync, Share, percent
from emohead.report.rejects import shorten

MOST_REJECTED = 0.05  # of a speaker's clips
MOST_OUTSIDE = 0.05  # of a speaker's frames with a landmark outside the crop
# Lips and loudness of fewer clips say nothing. Their correlation over a sentence is about .5 in the
# mini set and in people (Chandrasekaran et al. 2009); with another sentence's sound it is 0, give
# or take .25 a clip, and the best of 13 lags two of these.
LEAST_CLIPS, LEAST_CORRELATION, NOISE = 6, 0.2, 0.6
# Seconds. Lips move up to .2 s before the voice; earlier sound than .1 s is seen (ITU-R BT.1359).
EARLIEST_LIPS, LATEST_LIPS = -0.25, 0.125


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
    lips: Sequence[LipSync],
) -> list[Concern]:
    """Every concern that has an item; `outside` and `lips` as `data_tables` gives them."""
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
            "The lips don't go with the sound.",
            "These clips may have another's sound, or another sentence's: play some of them.",
            tuple(
                f"{row.speaker}: correlation {row.correlation:.2f} over {row.clips} clips"
                for row in lips
                if row.clips >= LEAST_CLIPS and not _go_together(row)
            ),
        ),
        Concern(
            "The sound is early or late.",
            "Lips and loudness go together best when the sound is moved: play some clips, and mend "
            "the files before anything is trained on them.",
            tuple(
                f"{row.speaker}: {abs(row.lag):.2f} s {'early' if row.lag > 0 else 'late'} "
                f"(correlation {row.correlation:.2f} over {row.clips} clips)"
                for row in lips
                if row.clips >= LEAST_CLIPS
                and _go_together(row)
                and not EARLIEST_LIPS <= row.lag <= LATEST_LIPS
            ),
        ),
        Concern(
            "Files that look like clips and aren't used.",
            "By name, or their folder's, they are none of these clips: rename them, or leave them.",
            tuple(f"{row.clip_id}: {shorten(row.reason)}" for row in tables.passed.itertuples()),
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


def _go_together(row: LipSync) -> bool:
    """Whether lips and loudness correlate more than those of different clips would."""
    return row.correlation >= max(LEAST_CORRELATION, NOISE / math.sqrt(row.clips))


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
