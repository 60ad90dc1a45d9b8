"""Table 1: this run beside the paper's figures, for each protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from emohead.config import NOT_STATED
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.methods.video_notes import concerns_of, read_notes
from emohead.report.methods import BUILT_IN, Method, labels_of
from emohead.report.paper import OTHER_READINGS, PAPER_LABELS, SOURCE, TABLE_1
from emohead.report.scores import (
    clips_of,
    common_clips,
    count,
    label_methods,
    note_missing_clips,
    of_reference,
    protocol_label,
    read_scores,
    references_of,
    score,
    table_of,
    whom_intervals_speak_of,
)
from emohead.report.tables import (
    MISSING,
    Table,
    Tables,
    heading_of,
    interval,
    number,
    write_tables,
)

#: The landmark distances of what the landmark models predict, before any rendering.
PREDICTED = {
    f"{name}_predicted": replace(
        metric(name, "predicted/centred/128"), heading=f"{heading}, predicted"
    )
    for name, heading in (("f_lmd", "F-LMD"), ("m_lmd", "M-LMD"))
}
#: The columns of this run's half, and of them those that the paper has.
COLUMNS: dict[str, Metric] = (
    {name: metric(name, HEADLINE[name]) for name in ("f_lmd", "m_lmd")}
    | PREDICTED
    | {name: metric(name, HEADLINE[name]) for name in ("ssim", "psnr")}
    | {"psnr_legacy": metric("psnr_legacy", "grey_wrapped")}
)
PAPER_COLUMNS = tuple(HEADLINE)
DECIMALS = {name: 3 if name == "ssim" else 2 for name in COLUMNS}
ENDS = ("mean", "sd", "low", "high")
#: What is said of gates (`emohead.disentangler.gates`, `emohead.evaluation.motion_gates`), by name.
GATES = {
    "swapped": "swapped windows are {found:.2f} from the true ones, the aligned takes {bar:.2f}",
    "emotion": "emotion codes tell {found:.0%} of the clips' emotions, MFCC statistics {bar:.0%}",
    "content": "content codes tell {found:.0%} of them, and should at most {bar:.0%}",
    "partner": "{found:.0%} of the content codes find their moment in another emotion, {bar:.0%} "
    "of the emotion codes",
    "psnr": "moved as the true frames are, the face has {found:.1f} dB over a copy and should "
    "have {bar:.1f}",
    "lips": "its lips' correlation is {found:.2f}, and should be {bar:.2f}",
    "apart": "keypoints are {found:.2f} apart at least, and should be {bar:.2f}",
    "equivariance": "a warp carries them {found:.2f} astray, and should at most {bar:.2f}",
}
#: What a row's label says where a seed doesn't pass one of these gates.
FAILED = {
    "swapped": "swap gate failed",
    **dict.fromkeys(("psnr", "lips", "apart", "equivariance"), "not converged"),
}
CAPTION = (
    "F-LMD, M-LMD: mean distance between the landmarks in rendered and ground-truth frames "
    "(all 68, the mouth's 20), in pixels of a 128-pixel crop; predicted: between those that the "
    "landmark model gives and the clip's own, whatever the translator. SSIM; PSNR (RGB) in dB. "
    "PSNR, wrapped 8-bit: grey frames whose squared difference wraps at 256, as a widely used "
    "script computes it; its floor is near 27.9 dB. Mean over test clips per seed, then over seeds "
    "(± standard deviation over seeds); in brackets the 95 % interval for these trainings. Given: "
    "what a method sees beside the sound: frames (one face, a video, or the clip's upper face), "
    "whose head pose (its own, the clip's, or another clip's), what tells it the emotion, and "
    "whether it was trained on the speakers. Bold: the best of this run's methods that are given "
    f"the same. Paper: {SOURCE}, as printed; it states neither its crop size nor its PSNR, so that "
    "the two halves are not on one scale. Both readings of its row without MSEF have that row's "
    "figures. If the paper's PSNR comes from that script, as is likely, it can be held against the "
    "wrapped column alone."
)


def write_table1(
    scores: Sequence[Path],
    methods: Sequence[Method],
    outputs: Sequence[Path],
    *,
    notes: Sequence[str],
) -> None:
    """Build Table 1 from tables of scores and write its forms, by suffix; errors as `read_scores`.

    `notes` stand under the table; so do the methods' own, what speaks for a mistake in somebody
    else's videos, and which gates were passed.
    """
    labels, said = labels_of(methods), list(notes)
    said += [f"{method.label}: {method.note}" for method in methods if method.note]
    said += [
        f"{method.label}: {text}."
        for method in methods
        for path in method.placed
        for text in concerns_of(read_notes([path]))
    ]
    for method in methods:
        if method.gates:
            failed, note = _gates(method)
            said.append(note)
            labels[method.id] += f" ({failed})" if failed else ""
    rows = read_scores(scores)
    numbers = table1_numbers(rows, labels, {method.id: method.given for method in methods})
    write_tables(outputs, table1(rows, numbers, labels, said), numbers.drop(columns="best"))


def table1_numbers(
    scores: pd.DataFrame, labels: Mapping[str, str], given: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The table's numbers, a row for each method and protocol.

    `over` says which clips means are of: `all` that a method has or, where some lack clips that
    others have, once more the `common` ones. `<metric>`, `_sd`, `_low`, `_high` are as `Score`;
    `best` are the names of the metrics that are printed bold; in the first protocol alone stand
    `paper_<metric>` and, with 0 seeds and after their predecessor, rows of the paper that weren't
    run. `given` says what the methods see beside the sound: those alone that see the same compete.
    """
    labels, references = label_methods(scores, labels), references_of(scores)
    parts = []
    for reference in references:
        rows = of_reference(scores, reference)
        for over, part in {"all": rows, "common": common_clips(rows)}.items():
            if part is None:
                continue
            there = set(part["method"].unique())
            found = [
                {"method": method, "reference": reference, "over": over, "label": label,
                 "given": "" if method in BUILT_IN else (given or {}).get(method, "")}
                | _measure(part, method)
                for method, label in labels.items()
                if method in there
            ]  # fmt: skip
            _mark_best(found)
            if reference == references[0] and over == "all":
                found = _beside_paper(found, reference)
            parts.append(pd.DataFrame(found))
    numbers = pd.concat(parts, ignore_index=True)
    numbers["given"] = numbers["given"].replace("", MISSING)
    columns = [name if end == "mean" else f"{name}_{end}" for end in ENDS for name in COLUMNS]
    counts = ["seeds", "clips", "frames", "faces_missed"]
    keys = ["method", "reference", "over", "label", "given", *counts]
    return numbers.reindex(
        columns=[*keys, *columns, *(f"paper_{name}" for name in PAPER_COLUMNS), "best"]
    )


def table1(
    scores: pd.DataFrame, numbers: pd.DataFrame, labels: Mapping[str, str], notes: Sequence[str]
) -> Tables:
    """The numbers as readers see them: a table for each protocol, the first with the paper's."""
    tables = []
    for (reference, _), part in numbers.groupby(["reference", "over"], sort=False):
        rows = part.to_dict("records")
        cells = {("", "Method"): list(part["label"]), ("", "Given"): list(part["given"])}
        for name, column in COLUMNS.items():
            cells["This run", heading_of(column)] = [_cell(row, name) for row in rows]
        if not tables:
            for name in PAPER_COLUMNS:
                printed = [number(row[f"paper_{name}"], 2) for row in rows]
                cells["Paper", heading_of(COLUMNS[name])] = printed
        frame = pd.DataFrame(cells, index=part["method"])
        said = table1_notes(scores, part)
        tables.append(Table(protocol_heading(part), frame, notes=said, reference=reference))
    there = set(scores["method"].unique())
    unscored = [
        f"{label}: none of its clips could be scored."
        for method, label in labels.items()
        if method not in there
    ]
    speakers = whom_intervals_speak_of(scores["speaker"].nunique())
    return Tables("table1", tables, caption=CAPTION, notes=[*notes, *unscored, speakers])


def protocol_heading(part: pd.DataFrame) -> str:
    """The heading of one protocol's rows, of all clips or of the common ones."""
    heading = protocol_label(part["reference"].iloc[0])
    if part["over"].iloc[0] == "all":
        return heading
    return f"{heading}: the {part['clips'].iloc[0]} clips that all rows have"


def table1_notes(scores: pd.DataFrame, part: pd.DataFrame) -> list[str]:
    """What is missing in one protocol's rows: clips, values and faces."""
    rows = of_reference(scores, part["reference"].iloc[0])
    if part["over"].iloc[0] == "common":
        rows = common_clips(rows)
    run = part[part["seeds"] > 0]
    notes = note_missing_clips(rows, dict(zip(run["method"], run["label"], strict=True)))
    for method, label in zip(run["method"], run["label"], strict=True):
        clips = clips_of(rows, method)
        for name, column in COLUMNS.items():
            table = table_of(rows, method, column.name, column.convention)
            if name in PREDICTED and table.empty:  # somebody else's videos
                continue
            table = table.reindex(columns=clips)
            missing = int(table.isna().any().sum()) if table.size else len(clips)
            if missing:
                notes.append(
                    f"{label}: {column.heading} could not be measured on {missing} of "
                    f"{len(clips)} clips, which its mean leaves out."
                )
    return notes + [
        f"{row.label}: no face was found in {row.faces_missed} of {row.frames} rendered frames."
        for row in run.itertuples()
        if row.faces_missed
    ]


def _measure(scores: pd.DataFrame, method: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seeds": scores.loc[scores["method"] == method, "seed"].nunique(),
        "clips": len(clips_of(scores, method)),
        "frames": count(scores, method, "frames"),
        "faces_missed": count(scores, method, "faces_missed"),
    }
    for name, column in COLUMNS.items():
        found = score(table_of(scores, method, column.name, column.convention))
        row |= {name: found.mean}
        row |= {f"{name}_{end}": getattr(found, end) for end in ENDS[1:]}
    return row


def _mark_best(rows: Sequence[dict[str, Any]]) -> None:
    """Note in `best` by which metrics no other method is better, as far as printed digits say.

    Only methods that are given the same compete, and one alone among others is not the best.
    """
    for row in rows:
        row["best"] = set()
    competing = [row for row in rows if row["method"] not in BUILT_IN]
    for given in {row["given"] for row in competing} - {NOT_STATED}:
        equals = [row for row in competing if row["given"] == given]
        if len(equals) == 1 < len(competing):
            continue
        for name, column in COLUMNS.items():
            values = pd.Series([row[name] for row in equals]).round(DECIMALS[name])
            best = values.min() if column.lower_is_better else values.max()
            for row, value in zip(equals, values, strict=True):
                row["best"] |= {name} if value == best else set()


def _beside_paper(rows: Sequence[dict[str, Any]], reference: str) -> list[dict[str, Any]]:
    """The rows with the paper's figures, and after their predecessors those that weren't run."""
    rows = list(rows)
    for method in TABLE_1.dropna(how="all").index:
        if method not in [row["method"] for row in rows]:
            before = list(TABLE_1.index[: TABLE_1.index.get_loc(method)])
            places = [i for i, row in enumerate(rows) if row["method"] in before]
            new = {"method": method, "reference": reference, "over": "all", "given": ""}
            new |= dict.fromkeys(("seeds", "clips", "frames", "faces_missed"), 0)
            new |= {"label": PAPER_LABELS[method], "best": set()}
            rows.insert(max(places, default=-1) + 1, new)
    for row in rows:
        printed = OTHER_READINGS.get(row["method"], row["method"])
        if printed in TABLE_1.index:
            row |= {f"paper_{name}": TABLE_1.loc[printed, name] for name in PAPER_COLUMNS}
    return rows


def _cell(row: Mapping[str, Any], name: str) -> str:
    if not row["seeds"]:
        return "not run"
    decimals = DECIMALS[name]
    text = number(row[name], decimals)
    text = f"**{text}**" if name in row["best"] else text
    spread = number(row[f"{name}_sd"], decimals)
    text += f" ± {spread}" if spread != MISSING else ""
    ends = interval(row[f"{name}_low"], row[f"{name}_high"], decimals)
    return f"{text}\n{ends}" if ends else text


def _gates(method: Method) -> tuple[str, str]:
    """What the label says of a gate that a seed fails; what was found, as means over seeds."""
    table = (
        pd.concat([pd.read_csv(path) for path in method.gates])
        .groupby("name", sort=False)
        .agg(found=("found", "mean"), bar=("bar", "mean"), passed=("passed", "sum"),
             seeds=("passed", "size"))
    )  # fmt: skip
    told = "; ".join(
        f"{GATES[row.Index].format(found=row.found, bar=row.bar)} "
        f"({'passed' if row.passed == row.seeds else 'failed'}"
        f"{f' by {row.passed} of {row.seeds} seeds' if row.seeds > 1 else ''})"
        for row in table.itertuples()
    )
    failed = [FAILED.get(name, "") for name in table.index[table["passed"] < table["seeds"]]]
    tried = "disentangler, on sentences" if "swapped" in table.index else "motion field, on clips"
    return max(failed, default=""), f"{method.label}, its {tried} held back: {told}."
