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
from emohead.report.figures import draw_lengths_figure, longest_shown
from emohead.report.page_parts import data_uri, render_template
from emohead.report.tables import Share, Table, duration, percent

MOST_SPEAKERS = 6  # in the sample crops
CLIPS_PER_SHARD = 5  # looked at for landmarks outside the crop; reading all takes minutes
SOURCES_SHOWN, CAUSES_SHOWN, EXAMPLES = 12, 20, 3
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
    features: Sequence[Path],
    crops_figure: Path,
    speakers: Sequence[str],
    emotions: Sequence[str],
    pairs: Path | None = None,
) -> None:
    """Write `out`, a self-contained page.

    `clips`, `rejected` and `split` are the workflow's tables; `features` the shards, for
    landmarks outside the crop; `crops_figure` is a .png; `speakers` and `emotions` are what was
    asked for, so that what is missing altogether is seen; `pairs` is the table of rule
    pair_sentences, where something is trained on them. ValueError for a missing file or column.
    """
    if not crops_figure.is_file():
        raise ValueError(f"the data report needs {crops_figure}, which is not there")
    data = read_tables(clips, rejected, split)
    speakers = sorted({*speakers, *data.speakers})
    there = {*emotions, *data.clips["emotion"], *data.lost["emotion"]}
    emotions = [emotion for emotion in EMOTIONS if emotion in there]
    counts = count_clips(data.clips, speakers, emotions)
    lost = count_clips(data.lost, speakers, emotions)
    outside = outside_by_speaker(features)
    lips = lips_by_speaker(data.clips)
    tables = {
        "clips": clips_table(data, counts, lost),
        "rejects": causes_table(data, rejected.name),
        **({} if pairs is None else {"pairs": pairs_table(pd.read_csv(pairs))}),
        "sources": sources_table(data.clips),
        "detection": detection_table(data.clips, outside),
        "lips": lips_table(lips),
    }
    ordered, figure = data.clips.sort_values(["seconds", "clip_id"]), BytesIO()
    shortest, longest = ordered.iloc[0], ordered.iloc[-1]
    draw_lengths_figure(data.clips, emotions).savefig(figure, dpi=160, metadata={"Software": None})
    figures = {
        "lengths": (
            "Clip lengths",
            f"From {shortest.seconds:.1f} s ({shortest.clip_id}) to {longest.seconds:.1f} s "
            f"({longest.clip_id}); half of the clips are shorter than "
            f"{ordered.seconds.median():.1f} s, and the lines are the emotions' medians. Clips "
            f"longer than {longest_shown(ordered.seconds):.1f} s are counted in the last bar.",
            data_uri(figure.getvalue()),
        ),
        "crops": (
            "Sample crops",
            "The middle frame of one clip of every speaker and emotion (the first one of the "
            "strongest level; level, number and time stand below it), with its 68 landmarks. Lips, "
            f"eyes and jaw should lie on the face's. At most {MOST_SPEAKERS} speakers are shown, "
            "spread over their list.",
            data_uri(crops_figure.read_bytes()),
        ),
    }
    page = render_template(
        "data.html.j2",
        totals=data.totals(len(speakers)),
        in_both_parts=int(data.split["clip_id"].duplicated().sum()),
        concerns=find_concerns(data, counts, lost, outside, lips),
        headings=[*((name, table.heading) for name, table in tables.items()),
                  *((name, heading) for name, (heading, _, _) in figures.items())],
        tables=tables,
        figures=figures,
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


def clips_table(data: DataTables, counts: pd.DataFrame, lost: pd.DataFrame) -> Table:
    """Accepted clips by speaker and emotion; what was rejected stands below a number."""
    cells = counts.map(lambda count: f"{count:,}" if count else "**0**")
    cells = cells.where(lost == 0, cells + "\n−" + lost.astype(str))
    cells["all"] = counts.sum(axis=1).map("{:,}".format)
    cells["rejected"] = [
        f"**{share}**" if share.fraction > MOST_REJECTED else str(share)
        for share in rejected_shares(counts, lost).values()
    ]
    total = [f"{count:,}" for count in [*counts.sum(), counts.sum().sum()]]
    cells.loc["all"] = [*total, str(data.rejected_share)]
    cells.insert(0, "Speaker", cells.index)
    heat = (counts / max(counts.max(axis=None), 1)).replace(0, np.nan)
    about = (
        "Accepted clips; a stronger colour is more, and −2 below a number: two were rejected. "
        "Neutral is recorded at one level alone: it has fewer clips where the others have several."
    )
    heat = heat.reindex(index=cells.index, columns=cells.columns).astype(float)
    return Table("Clips by speaker and emotion", cells, about, heat=heat)


def rejected_shares(counts: pd.DataFrame, lost: pd.DataFrame) -> dict[str, Share]:
    """Of each speaker's clips, those that were rejected."""
    all_clips = (counts + lost).sum(axis=1)
    return {s: Share(int(lost.loc[s].sum()), int(all_clips[s])) for s in counts.index}


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


def detection_table(clips: pd.DataFrame, outside: Mapping[str, Share]) -> Table:
    """How well the faces were found, of all speakers and of each."""
    parts = [("all speakers", clips, list(outside.values()))]
    parts += [
        (speaker, part, [outside[speaker]] if speaker in outside else [])
        for speaker, part in clips.groupby("speaker")
    ]
    lines = []
    for speaker, part, found in parts:
        bridged = part["frames_without_face"]
        shares = [
            Share(int((bridged > 0).sum()), len(part)),
            Share(int(bridged.sum()), int(part["frames"].sum())),
            Share(int((part["faces"] > 1).sum()), len(part)),
            Share(sum(share.count for share in found), sum(share.of for share in found)),
        ]
        cells = [f"{each.count:,}\n{each}" if each.of else "not looked at" for each in shares]
        lines.append((speaker, *cells))
    head = ["Speaker", "clips with bridged frames", "frames without a face",
            "clips with several faces", "frames with landmarks outside"]  # fmt: skip
    about = (
        "A short run of frames without a face is bridged by interpolation. Of several faces, the "
        "largest and most persistent is taken. Landmarks outside the crop were looked for in up to "
        f"{CLIPS_PER_SHARD} clips of each speaker and emotion."
    )
    return Table("Face detection", pd.DataFrame(lines, columns=head), about)


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


def lips_table(lips: pd.DataFrame) -> Table:
    """`lips_by_speaker` as printed."""
    cells = pd.DataFrame(
        {"Speaker": lips.index, "clips": lips["clips"].astype(str),
         "correlation": lips["correlation"].map("{:.2f}".format),
         "lag": lips["lag"].map("{:+.2f} s".format)}
    )  # fmt: skip
    about = (
        "How the opening of the lips goes with the loudness of the sound, over the clips of each "
        "speaker: the best correlation, and by how much the lips move later than the sound there "
        "(below 0: before it, as they mostly do). In a right recording it is about 0.5 near 0 s; "
        "with another sentence's sound it is near 0."
    )
    return Table("Lips and sound", cells, about)


def sources_table(clips: pd.DataFrame) -> Table:
    """Picture sizes and frame rates, the commonest first."""
    kinds = clips.assign(rate=clips["fps"].round(2))  # so that 29.97 is one kind
    kinds = kinds.value_counts(["width", "height", "rate"])
    lines = [
        (f"{width} × {height}", f"{rate:g}", f"{count:,}", str(Share(count, len(clips))))
        for (width, height, rate), count in kinds.head(SOURCES_SHOWN).items()
    ]
    more = len(kinds[SOURCES_SHOWN:])
    about = "Picture size and frame rate as recorded; all are brought to 25 frames per second."
    about += f" Rarer kinds, not shown: {more}." if more else ""
    head = ["Picture", "frames per second", "clips", "share"]
    return Table("Source videos", pd.DataFrame(lines, columns=head), about)


def pairs_table(pairs: pd.DataFrame) -> Table:
    """How many pairs of rule pair_sentences are used."""
    about = (
        f"Of {len(pairs):,} pairs of training clips that should say the same by their numbers, "
        f"{pairs['kept'].sum():,} sound so: each take is the other's nearest. EVP's disentangler "
        "learns from these alone."
    )
    return Table("Sentences in several emotions", pd.DataFrame(), about)


def causes_table(data: DataTables, name: str) -> Table:
    """Why clips were rejected, the commonest cause first; `name` is the file that has every row."""
    causes = group_by_cause(data.rejected)
    cells = causes.head(CAUSES_SHOWN).astype(str)
    cells.columns = ["Cause", "stage", "count", "speakers", "for example"]
    about = (
        f"Rejected clips: {len(data.lost):,}, grouped by cause; … stands for what differs from "
        f"clip to clip. {name} has every row, among them those that name an archive."
    )
    more = len(causes) - len(cells)
    about += f" Rarer causes, not shown: {more}." if more else ""
    about = about if len(cells) else "None: every clip could be used."
    return Table("Rejected clips", cells, about)


def shorten(reason: str) -> str:
    """The reason, cut where it is too long to be read in a table."""
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + LEFT_OUT


def group_by_cause(rejected: pd.DataFrame) -> pd.DataFrame:
    """The causes in rows of clip_id, stage, reason; the commonest first.

    Columns: cause, stage, count, speakers, and examples, each a clip or archive with its reason.
    """
    rows = rejected.assign(
        cause=rejected["reason"].map(cause_of).map(shorten).replace("", "no reason given"),
        # Of a clip id, or of an archive such as `M019 video.tar`.
        speaker=[re.split(r"[-\s]", name, maxsplit=1)[0] for name in rejected["clip_id"]],
        example=rejected["clip_id"] + ": " + rejected["reason"].map(shorten),
    )
    causes = rows.groupby(["cause", "stage"], as_index=False).agg(
        count=("cause", "size"), speakers=("speaker", "nunique"),
        examples=("example", lambda texts: "; ".join(texts.head(EXAMPLES))),
    )  # fmt: skip
    return causes.sort_values("count", ascending=False, kind="stable")


def find_concerns(
    tables: DataTables,
    counts: pd.DataFrame,
    lost: pd.DataFrame,
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
                for s, share in rejected_shares(counts, lost).items()
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
