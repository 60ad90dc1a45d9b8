"""The paper's claims with their verdicts, as readers see them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emohead.evaluation.catalogue import HEADLINE
from emohead.evaluation.claims import CLAIMS, COLUMNS, OURS, find_claims, overall_verdict, summary
from emohead.evaluation.summary import of_reference, read_scores, references_of
from emohead.report.methods import PROTOCOL_LABELS, Method, label_methods, labels_of
from emohead.report.tables import Table, Tables, interval_note, number, with_interval, write_forms

CAPTION = (
    "A claim holds, or fails, where the paired difference between the two methods lies on one side "
    "of zero: p below 0.05 after Holm's correction over all claims of all tables here (those on "
    "EVP for themselves); else it is undecided. Of one training of each (one seed) it is not "
    "decided, whatever the difference. Intervals are of 95 %, not corrected. Their unit is the "
    "speaker (Student's t), or with few speakers the clip (studentised bootstrap, for both methods "
    "and all seeds together); seeds are the second level (Student's t)."
)
OTHER_CAPTION = (
    "The same comparisons by other metrics and conventions. Each is corrected as if it stood in "
    "the place of its claim above, so that where the verdicts differ, the measurement makes the "
    "difference; for their own number they are not corrected."
)


def write_claims(
    scores: Sequence[Path], methods: Sequence[Method], outputs: Sequence[Path]
) -> None:
    """Test the paper's claims on tables of scores and write their forms, by suffix."""
    findings, tables = judge_claims(read_scores(scores), methods)
    write_forms(outputs, tables=tables, numbers=findings[COLUMNS])


def judge_claims(scores: pd.DataFrame, methods: Sequence[Method]) -> tuple[pd.DataFrame, Tables]:
    """The findings on methods that are given the same, a row each, and as readers see them."""
    labels = labels_of(methods)
    names = label_methods(scores, labels)
    given = {method.id: method.given for method in methods}
    against = {claim.against for claim in CLAIMS} & set(names)
    unequal = sorted(m for m in against if given.get(m, "") != given.get(OURS, ""))
    found, notes = find_claims(scores, unequal), []
    for method in unequal:
        so = "what the paper says of the two is not said among equals."
        so = so if method == "evp" else "no claims are made on the two."
        other = f"{names[method]} ({given.get(method)})"
        notes.append(f"Ours is given other things ({given.get(OURS)}) than {other}: {so}")
    needed = dict.fromkeys([OURS, *(claim.against for claim in CLAIMS if claim.part != "evp")])
    for reference in references_of(scores):
        there = set(of_reference(scores, reference)["method"].unique())
        protocol = PROTOCOL_LABELS[reference]
        if lacking := [method for method in needed if method not in there]:
            called = " and ".join({**labels, **names}.get(m, m) for m in lacking)
            notes.append(f"{protocol}: claims on {called} are left out, having no scores.")
        here = found[(found["reference"] == reference) & (found["part"] != "other")]
        for row in here[(here["lacking"] > 0) | (here["clips"] == 0)].itertuples():
            why = "the two methods have no clip and seed in common with a value."
            if row.clips:
                clips = row.clips + row.lacking
                why = f"{row.lacking} of {clips} clips lack a finite value and are left out."
            notes.append(f"{protocol}, {row.claim}, {row.rule.measured.heading}: {why}")
    # A claim on several metrics doesn't hold by those alone that could be measured.
    found = found[(found["clips"] > 0) | (found["part"] != "other")]
    if (is_one := found["seeds"] == 1).any():
        against = [names[each] for each in found.loc[is_one, "against_method"].unique()]
        whose, advice = f" against {' and '.join(against)}", ""
        if not (found["seeds"] > 1).any():
            whose, advice = "", " Give more seeds (seeds: [0, 1, 2] in the config)."
        notes.append(
            f"One seed{whose}: the intervals speak of these trainings alone, and no such claim "
            "about the methods is decided; other trainings of the same may differ by more than "
            f"the methods do.{advice}"
        )
    notes += [interval_note(each) for each in sorted(found["speakers"].unique()) if each]
    return found, claim_tables(found, names, notes)


def claim_tables(findings: pd.DataFrame, names: Mapping[str, str], notes: Sequence[str]) -> Tables:
    """For each protocol the paper's claims; after them those by other conventions."""
    tables = []
    is_other = findings["part"] == "other"
    for reference, part in findings[~is_other].groupby("reference", sort=False):
        lines, overall = [], []
        for text, group in part.groupby("claim", sort=False):
            verdict = overall_verdict(group["verdict"])
            overall += [verdict] if group["part"].iloc[0] == "headline" else []
            rows = [_cells(row, names) for row in group.to_dict("records")]
            if len(rows) > 1:
                metrics = summary(group["verdict"], "metrics")
                first = dict.fromkeys(rows[0], "") | {"Claim": text, "Measured by": metrics}
                rows = [first, *({**row, "Claim": "…"} for row in rows)]
            rows[0]["Verdict"] = f"**{verdict}**"
            lines += rows
        cells, about = pd.DataFrame(lines), summary(overall, "claims") if overall else ""
        tables.append(Table(PROTOCOL_LABELS[reference], cells, about, reference=reference))
    for reference, part in findings[is_other].groupby("reference", sort=False):
        cells = pd.DataFrame([_cells(row, names) for row in part.to_dict("records")])
        heading = f"By other metrics and conventions: {PROTOCOL_LABELS[reference]}"
        tables.append(Table(heading, cells, OTHER_CAPTION, reference=reference, folded=True))
    return Tables("claims", tables, caption=CAPTION, notes=notes)


def _cells(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    measured = row["rule"].measured
    in_table_1 = HEADLINE.get(row["metric"]) == row["convention"] and not row["rule"].replaces
    first = measured.unit.split()[0]
    unit, decimals = (f" {first}", 2) if first in ("px", "dB") else ("", 3)
    ours, against = (f"{number(row[name], decimals)}{unit}" for name in ("ours", "against"))
    difference, p = number(row["difference"], decimals + 1), row["p_corrected"]
    return {
        "Claim": row["claim"],
        "Verdict": row["verdict"],
        "Measured by": measured.heading + ("" if in_table_1 else f" ({row['convention']})"),
        "Ours": f"{ours}\n{names[OURS]}",
        "Against": f"{against}\n{names[row['against_method']]}",
        "Difference (95 %)": with_interval(difference, row["low"], row["high"], decimals + 1),
        "p, corrected": "< 0.001" if p < 0.001 else number(p, 3),
        "Clips": str(row["clips"]),
        "Seeds": str(row["seeds"]),
    }
