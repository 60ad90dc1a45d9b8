"""Table 1: this run beside the paper's figures, for each protocol."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emohead.evaluation.published import SOURCE
from emohead.evaluation.summary import common_clips, of_reference, read_scores
from emohead.evaluation.table1 import COLUMNS, DECIMALS, PAPER_COLUMNS, find_gaps, table1_numbers
from emohead.methods.video_notes import concerns_of, read_notes
from emohead.report.methods import PROTOCOL_LABELS, Method, label_methods, labels_of
from emohead.report.tables import (
    Table,
    Tables,
    heading_of,
    interval_note,
    number,
    with_interval,
    write_forms,
)

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
        for text in concerns_of(read_notes([Path(path)]))
    ]
    for method in methods:
        if method.gates:
            failed, note = _gates(method)
            said.append(note)
            labels[method.id] += f" ({failed})" if failed else ""
    rows = read_scores(scores)
    given = {method.id: method.given for method in methods}
    numbers = table1_numbers(rows, label_methods(rows, labels), given)
    shown = table1(rows, numbers, labels, said)
    write_forms(outputs, tables=shown, numbers=numbers.loc[:, : f"paper_{PAPER_COLUMNS[-1]}"])


def table1(
    scores: pd.DataFrame, numbers: pd.DataFrame, labels: Mapping[str, str], notes: Sequence[str]
) -> Tables:
    """The numbers as readers see them: a table for each protocol, the first with the paper's."""
    tables = []
    for (reference, over), part in numbers.groupby(["reference", "over"], sort=False):
        rows = part.to_dict("records")
        cells = {("", "Method"): list(part["label"]), ("", "Given"): list(part["given"])}
        for name, column in COLUMNS.items():
            cells["This run", heading_of(column)] = [_cell(row, name) for row in rows]
        if not tables:
            for name in PAPER_COLUMNS:
                printed = [number(row[f"paper_{name}"], 2) for row in rows]
                cells["Paper", heading_of(COLUMNS[name])] = printed
        frame = pd.DataFrame(cells, index=part["method"])
        heading = PROTOCOL_LABELS[reference]
        if over == "common":
            heading += f": the {part['clips'].iloc[0]} clips that all rows have"
        run = of_reference(scores, reference)
        run = common_clips(run) if over == "common" else run
        said = find_gaps(run, part[part["seeds"] > 0])
        tables.append(Table(heading, frame, notes=said, reference=reference))
    there = set(scores["method"].unique())
    lacking = [label for method, label in labels.items() if method not in there]
    unscored = [f"{label}: none of its clips could be scored." for label in lacking]
    speakers = interval_note(scores["speaker"].nunique())
    return Tables("table1", tables, caption=CAPTION, notes=[*notes, *unscored, speakers])


def _cell(row: Mapping[str, Any], name: str) -> str:
    if not row["seeds"]:
        return "not run"
    decimals = DECIMALS[name]
    text = number(row[name], decimals)
    text = f"**{text}**" if row[f"{name}_best"] else text
    if pd.notna(spread := row[f"{name}_sd"]):
        text += f" ± {number(spread, decimals)}"
    return with_interval(text, row[f"{name}_low"], row[f"{name}_high"], decimals)


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
        f"({'passed' if row.passed or row.seeds > 1 else 'failed'}"
        f"{f' by {row.passed} of {row.seeds} seeds' if row.seeds > 1 else ''})"
        for row in table.itertuples()
    )
    failed = [FAILED.get(name, "") for name in table.index[table["passed"] < table["seeds"]]]
    tried = "disentangler, on sentences" if "swapped" in table.index else "motion field, on clips"
    return max(failed, default=""), f"{method.label}, its {tried} held back: {told}."
