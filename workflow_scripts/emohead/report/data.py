"""The data report: a page from which a person sees at a glance whether extraction worked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS, FPS, parse_clip_id
from emohead.data.rejects import LEFT_OUT, cause_of
from emohead.data.split import PARTS
from emohead.features.lips import lag_seconds, read_curve
from emohead.features.store import Shard, StoredClip
from emohead.files import whole_file
from emohead.report.embedding import data_uri
from emohead.report.figures import draw_lengths_figure, longest_shown
from emohead.report.tables import Share, duration, percent, render_template

MOST_SPEAKERS = 6  # in the sample crops
CLIPS_PER_SHARD = 5  # looked at for landmarks outside the crop; reading all takes minutes
SOURCES_SHOWN, WORST_SHOWN, CAUSES_SHOWN, REJECTS_LISTED, EXAMPLES = 12, 10, 20, 500, 3
LONGEST_REASON = 240  # characters shown; decoders can be wordy
MOST_REJECTED = 0.05  # of a speaker's clips
MOST_OUTSIDE = 0.05  # of a speaker's frames with a landmark outside the crop
# Lips and loudness of fewer clips say nothing. Their correlation over a sentence is about .5 in the
# mini set and in people (Chandrasekaran et al. 2009); with another sentence's sound it is 0, give
# or take .25 a clip, and the best of 13 lags two of these.
LEAST_CLIPS, LEAST_CORRELATION, NOISE = 6, 0.2, 0.6
# Seconds. Lips move up to .2 s before the voice; earlier sound than .1 s is seen (ITU-R BT.1359).
EARLIEST_LIPS, LATEST_LIPS = -0.25, 0.125
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

    @property
    def rejected_share(self) -> Share:
        """The clips that were rejected, of all that came in."""
        return Share(len(self.lost), len(self.clips) + len(self.lost))

    @property
    def speakers(self) -> set[str]:
        """All of whom there are clips, accepted or not."""
        return {*self.clips["speaker"], *self.lost["speaker"]}

    def totals(self, speakers: int) -> list[tuple[str, str, str]]:
        """The pages' first line: names, numbers and remarks."""
        seconds = self.split.assign(seconds=(self.split["stop"] - self.split["start"]) / FPS)
        parts = [seconds.loc[seconds["part"] == part, "seconds"] for part in ("train", "test")]
        return [
            ("Speakers", f"{speakers:,}", ""),
            ("Clips in", f"{self.rejected_share.of:,}", ""),
            ("Accepted", f"{len(self.clips):,}", duration(self.clips["seconds"].sum())),
            ("Rejected", f"{len(self.lost):,}", str(self.rejected_share)),
            *((name, f"{len(part):,}", duration(part.sum()))
              for name, part in zip(("Training part", "Test part"), parts, strict=True)),
        ]  # fmt: skip


def read_tables(clips: Path, rejected: Path, split: Path) -> DataTables:
    """Read the three tables; ValueError names a missing file or column."""
    accepted, refused = read_clip_table(clips), _read(rejected, "rejected")
    if accepted.empty:
        raise ValueError(f"{clips}: no clip was accepted; {rejected} says why")
    rows = []
    for clip_id in dict.fromkeys(refused["clip_id"]):
        try:
            name = parse_clip_id(clip_id)
        except ValueError:  # an archive's name, or a folder's
            continue
        rows.append((clip_id, name.speaker, name.emotion))
    lost = pd.DataFrame(rows, columns=["clip_id", "speaker", "emotion"])
    others = refused[~refused["clip_id"].isin(lost["clip_id"])]
    return DataTables(
        clips=accepted,
        rejected=refused,
        split=_read(split, "split"),
        lost=lost[~lost["clip_id"].isin(accepted["clip_id"])],
        archives=others[others["stage"] != "list"],
        passed=others[others["stage"] == "list"],
    )


def read_clip_table(path: Path) -> pd.DataFrame:
    """The rows of clips.csv; ValueError when the file or a column is missing."""
    return _read(path, "clips")


def _read(path: Path, kind: str) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"the data report needs {path}, which is not there")
    # A speaker may be called 007 or NA, and a reason may be empty.
    texts = dict.fromkeys(("clip_id", "speaker", "reason", "lips"), str)
    rows = pd.read_csv(path, dtype=texts, keep_default_na=False)
    if missing := [name for name in _COLUMNS[kind] if name not in rows]:
        raise ValueError(f"{path}: no column {', '.join(missing)}: make it again")
    return rows


def write_data_page(
    out: Path,
    *,
    clips: Path,
    rejected: Path,
    split: Path,
    shards: Sequence[Path],
    crops_figure: Path,
    speakers: Sequence[str],
    emotions: Sequence[str],
    pairs: Path | None = None,
) -> None:
    """Write `out`, a self-contained page.

    `clips`, `rejected` and `split` are the workflow's tables; `shards` the feature shards, for
    landmarks outside the crop; `crops_figure` is a .png; `speakers` and `emotions` are what was
    asked for, so that what is missing altogether is seen; `pairs` is the table of rule
    pair_sentences, where something is trained on them. ValueError for a missing file or column.
    """
    if not crops_figure.is_file():
        raise ValueError(f"the data report needs {crops_figure}, which is not there")
    tables = read_tables(clips, rejected, split)
    speakers = sorted({*speakers, *tables.speakers})
    there = {*emotions, *tables.clips["emotion"], *tables.lost["emotion"]}
    emotions = [emotion for emotion in EMOTIONS if emotion in there]
    counts = count_clips(tables.clips, speakers, emotions)
    lost = count_clips(tables.lost, speakers, emotions)
    shares = {s: Share(int(lost.loc[s].sum()), int((counts + lost).loc[s].sum())) for s in speakers}
    outside = outside_by_speaker(shards)
    lips = lips_by_speaker(tables.clips)
    kinds = tables.clips.assign(rate=tables.clips["fps"].round(2))  # so that 29.97 is one kind
    kinds = kinds.value_counts(["width", "height", "rate"])
    figure = BytesIO()
    draw_lengths_figure(tables.clips, emotions).savefig(
        figure, dpi=160, metadata={"Software": None}
    )
    page = render_template(
        "data.html.j2",
        data=tables,
        speakers=len(speakers),
        in_both_parts=int(tables.split["clip_id"].duplicated().sum()),
        concerns=find_concerns(tables, counts, shares, outside, lips),
        lips=lips,
        emotions=emotions,
        counts=counts,
        lost=lost,
        shares=shares,
        most_rejected=MOST_REJECTED,
        causes=group_by_cause(tables.rejected),
        causes_shown=CAUSES_SHOWN,
        listed=[(row.clip_id, row.stage, shorten(row.reason))
                for row in tables.rejected.head(REJECTS_LISTED).itertuples()],
        names=(clips.name, rejected.name),
        pairs=None if pairs is None else list(pd.read_csv(pairs).itertuples()),
        ordered=tables.clips.sort_values(["seconds", "clip_id"]),
        axis_end=longest_shown(tables.clips["seconds"]),
        lengths_figure=data_uri(figure.getvalue()),
        sources=[(f"{width} × {height}", f"{rate:g}", f"{count:,}", Share(count, len(tables.clips)))
                 for (width, height, rate), count in kinds.head(SOURCES_SHOWN).items()],
        other_sources=len(kinds[SOURCES_SHOWN:]),
        detection=detection_rows(tables.clips, outside),
        clips_per_shard=CLIPS_PER_SHARD,
        worst=worst_clips(tables.clips),
        crops_figure=data_uri(crops_figure.read_bytes()),
        most_speakers=MOST_SPEAKERS,
    )  # fmt: skip
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def count_clips(
    clips: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str]
) -> pd.DataFrame:
    """How many there are of each speaker (down) and emotion (across)."""
    return pd.crosstab(clips["speaker"], clips["emotion"]).reindex(
        index=speakers, columns=emotions, fill_value=0
    )


def frames_outside(clip: StoredClip) -> int:
    """Frames in which a landmark lies outside the crop."""
    landmarks = clip.landmarks
    is_outside = (landmarks < 0) | (landmarks > clip.crop_size - 1)
    return int(is_outside.any((1, 2)).sum())


def outside_by_speaker(shards: Iterable[Path]) -> dict[str, Share]:
    """`frames_outside` by speaker, over `CLIPS_PER_SHARD` clips spread over each shard."""
    found: dict[str, Share] = {}
    for shard in map(Shard, shards):
        last = len(shard.clip_ids) - 1
        for i in np.linspace(0, last, min(last + 1, CLIPS_PER_SHARD)):
            clip = shard[shard.clip_ids[round(i)]]
            speaker = parse_clip_id(clip.clip_id).speaker
            known = found.get(speaker, Share(0, 0))
            found[speaker] = Share(known.count + frames_outside(clip), known.of + clip.length)
    return found


def detection_rows(
    clips: pd.DataFrame, outside: Mapping[str, Share]
) -> list[tuple[str, list[Share]]]:
    """How well the faces were found, of all speakers and of each.

    Clips with bridged frames, frames without a face, clips with several faces and, in a sample of
    the clips, frames with landmarks outside the crop.
    """
    everywhere = Share(*(sum(getattr(s, n) for s in outside.values()) for n in ("count", "of")))
    parts = [("all speakers", clips, everywhere)]
    parts += [(speaker, part, outside.get(speaker, Share(0, 0)))
              for speaker, part in clips.groupby("speaker")]  # fmt: skip
    return [
        (
            speaker,
            [
                Share(int((part["frames_without_face"] > 0).sum()), len(part)),
                Share(int(part["frames_without_face"].sum()), int(part["frames"].sum())),
                Share(int((part["faces"] > 1).sum()), len(part)),
                found,
            ],
        )
        for speaker, part, found in parts
    ]


def lips_by_speaker(clips: pd.DataFrame) -> pd.DataFrame:
    """How each speaker's lips go with the sound, by the mean of its clips' `lip_curve`.

    Columns: clips; correlation at the best lag; lag, seconds, above 0 where the lips move later.
    """
    curves = {
        speaker: np.mean([read_curve(cell) for cell in part["lips"]], 0)
        for speaker, part in clips.groupby("speaker")
    }
    return pd.DataFrame(
        {"clips": clips.groupby("speaker").size(),
         "correlation": {speaker: float(curve.max()) for speaker, curve in curves.items()},
         "lag": {speaker: lag_seconds(curve) for speaker, curve in curves.items()}}
    )  # fmt: skip


def worst_clips(clips: pd.DataFrame) -> list[tuple[str, int, int, Share, int]]:
    """Where detection did worst: frames without a face, of how many, their share, most faces."""
    share = clips["frames_without_face"] / clips["frames"]
    doubtful = clips.assign(share=share)[(share > 0) | (clips["faces"] > 1)]
    worst = doubtful.sort_values(["share", "faces", "clip_id"], ascending=[False, False, True])
    return [
        (row.clip_id, row.frames_without_face, row.frames,
         Share(row.frames_without_face, row.frames), row.faces)
        for row in worst.head(WORST_SHOWN).itertuples()
    ]  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """A reason that several clips share; examples are (clip id or archive, its own reason)."""

    text: str
    stage: str
    count: int
    speakers: int
    examples: tuple[tuple[str, str], ...]


def shorten(reason: str) -> str:
    """The reason, cut where it is too long to be read in a table."""
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + LEFT_OUT


def group_by_cause(rejected: pd.DataFrame) -> list[Cause]:
    """The causes in rows of clip_id, stage, reason; the commonest first."""
    rows = rejected.assign(
        cause=rejected["reason"].map(cause_of),
        # Of a clip id, or of an archive such as `M019 video.tar`.
        speaker=[re.split(r"[-\s]", name, maxsplit=1)[0] for name in rejected["clip_id"]],
    )
    causes = [
        Cause(
            shorten(str(text)) or "no reason given",
            str(stage),
            len(part),
            part["speaker"].nunique(),
            tuple((row.clip_id, shorten(row.reason)) for row in part.head(EXAMPLES).itertuples()),
        )
        for (stage, text), part in rows.groupby(["stage", "cause"])
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def find_concerns(
    tables: DataTables,
    counts: pd.DataFrame,
    rejected: Mapping[str, Share],
    outside: Mapping[str, Share],
    lips: pd.DataFrame,
) -> list[tuple[str, str, list[str]]]:
    """What a person should look at before anything is trained: what, what to do, and where."""
    known = lips[lips["clips"] >= LEAST_CLIPS]
    # More than those of different clips would.
    least = np.maximum(LEAST_CORRELATION, NOISE / np.sqrt(known["clips"]))
    together = known[known["correlation"] >= least]
    unsure = known[known["correlation"] < least]
    moved = together[~together["lag"].between(EARLIEST_LIPS, LATEST_LIPS)]
    missing = {s: [e for e in counts if not counts.loc[s, e]] for s in counts.index}
    concerns = [
        (
            "No clip at all.",
            "No model learns these emotions of these speakers, and no score covers them.",
            [
                f"{s}: {'any emotion' if len(none) == len(counts.columns) else ', '.join(none)}"
                for s, none in missing.items()
                if none
            ],
        ),
        (
            f"More than {percent(MOST_REJECTED)} of a speaker's clips rejected.",
            "The reasons are below; one cause that is common to all can often be mended.",
            [
                f"{s}: {share.count} of {share.of} ({share})"
                for s, share in rejected.items()
                if share.fraction > MOST_REJECTED
            ],
        ),
        (
            "Landmarks often leave the crop.",
            "The face moves out of the picture that the translators learn, or the first frame of "
            "many clips, which the crop is made from, is a poor one.",
            [
                f"{speaker}: in {share} of the frames looked at"
                for speaker, share in sorted(outside.items())
                if share.fraction > MOST_OUTSIDE
            ],
        ),
        (
            "The lips don't go with the sound.",
            "These clips may have another's sound, or another sentence's: play some of them.",
            [
                f"{row.Index}: correlation {row.correlation:.2f} over {row.clips} clips"
                for row in unsure.itertuples()
            ],
        ),
        (
            "The sound is early or late.",
            "Lips and loudness go together best when the sound is moved: play some clips, and mend "
            "the files before anything is trained on them.",
            [
                f"{row.Index}: {abs(row.lag):.2f} s {'early' if row.lag > 0 else 'late'} "
                f"(correlation {row.correlation:.2f} over {row.clips} clips)"
                for row in moved.itertuples()
            ],
        ),
        (
            "Files that look like clips and aren't used.",
            "By name, or their folder's, they are none of these clips: rename them, or leave them.",
            [f"{row.clip_id}: {shorten(row.reason)}" for row in tables.passed.itertuples()],
        ),
        (
            "Archives that could not be unpacked whole.",
            "Clips in them may be missing without being counted as rejected: fetch them again.",
            [f"{row.clip_id}: {shorten(row.reason)}" for row in tables.archives.itertuples()],
        ),
        (
            "An empty part of the split.",
            "Nothing can be trained or tested: add clips or change the split.",
            [f"no {part} clips" for part in PARTS if part not in set(tables.split["part"])],
        ),
    ]
    return [concern for concern in concerns if concern[2]]
