"""The paper's claims, each as a paired difference with its interval and a verdict.

The first part, `headline`, has the claims on the metrics of Table 1; p values are corrected (Holm)
over all of them, of all protocols. What the paper says of EVP, `evp`, is a family of its own, and
not among equals: EVP is given a video. The last, `other`, has the same comparisons by other metrics
and conventions. Each of them is corrected as if it stood in the place of its headline claim (or
beside them all, where it has none), so that only the measurement tells the two verdicts apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.statistics import Difference, holm, mean_over_seeds, paired_difference
from emohead.report.methods import Method, labels_of
from emohead.report.scores import (
    label_methods,
    of_reference,
    protocol_label,
    read_scores,
    references_of,
    speakers_of,
    table_of,
    whom_intervals_speak_of,
)
from emohead.report.tables import Table, Tables, interval, number, write_tables

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
#: Whatever its difference: another training may give another, and by how much, one can't tell.
ONE_TRAINING = "not decided by one training"
PARTS = ("headline", "evp", "other")
SIGNIFICANT = 0.05
OURS = "ours"
#: The columns of claims.csv, a row for each claim, protocol and metric.
COLUMNS = [
    "reference", "claim", "metric", "convention", "ours", "against", "seeds", "clips",
    "difference", "low", "high", "p", "p_corrected", "verdict", "part", "against_method",
]  # fmt: skip
HEADINGS = [
    "Claim", "Verdict", "Measured by", "Ours", "Against", "Difference (95 %)", "p, corrected",
    "Clips", "Seeds",
]  # fmt: skip
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


@dataclass(frozen=True)
class Claim:
    """Ours is better than another method in one metric by one convention."""

    text: str
    against: str
    metric: str
    convention: str
    part: str = "headline"
    #: The headline metric in whose place this one stands; empty for none.
    replaces: str = ""
    #: Whether the other one is claimed to be the better.
    is_worse: bool = False

    @property
    def measured(self) -> Metric:
        """The metric as the catalogue has it."""
        return metric(self.metric, self.convention)

    @property
    def heading(self) -> str:
        """The metric's name, with its convention where it isn't Table 1's."""
        in_table_1 = HEADLINE.get(self.metric) == self.convention and not self.replaces
        name = self.measured.heading
        return name if in_table_1 else f"{name} ({self.convention})"

    def verdict(self, difference: Difference, p: float) -> str:
        """`holds` or `fails` where the corrected p value tells; one training decides nothing."""
        if difference.seeds == 1:
            return ONE_TRAINING
        if not p < SIGNIFICANT:
            return UNDECIDED
        is_better = (difference.mean < 0) == bool(self.measured.lower_is_better)
        return HOLDS if is_better != self.is_worse else FAILS


def _claims() -> list[Claim]:
    beats = "Ours beats Baseline on all four"
    of_the_paper = (
        ("MSEF lowers F-LMD", "ours_wo_msef", "f_lmd"),
        ("MSEF lowers M-LMD", "ours_wo_msef", "m_lmd"),
        ("MSEF alone lowers F-LMD", "ours_wo_msef_joint", "f_lmd"),
        ("MSEF alone lowers M-LMD", "ours_wo_msef_joint", "m_lmd"),
        ("AATU raises SSIM", "ours_wo_aatu", "ssim"),
        ("AATU raises PSNR", "ours_wo_aatu", "psnr"),
        *((beats, "baseline", name) for name in HEADLINE),
    )
    by_landmarks = ("predicted/centred/128", "redetected/raw/128", "predicted/raw/128")
    other_conventions = {
        "f_lmd": [("f_lmd", convention) for convention in by_landmarks],
        "m_lmd": [("m_lmd", convention) for convention in by_landmarks],
        "ssim": [("ssim", "face"), ("ssim", "mouth")],
        "psnr": [("psnr", "face"), ("psnr", "mouth"), ("psnr_legacy", "grey_wrapped")],
    }
    further = {
        "lip correlation": [("lip_correlation", points) for points in ("redetected", "predicted")],
        "emotion accuracy": [("emotion_accuracy", judge) for judge in ("landmarks", "pixels")],
    }
    claims = [Claim(text, than, name, HEADLINE[name]) for text, than, name in of_the_paper]
    better, worse = "Ours beats EVP in F-LMD, SSIM and PSNR", "EVP beats Ours in M-LMD and lip sync"
    claims += [
        Claim(better, "evp", name, HEADLINE[name], "evp") for name in ("f_lmd", "ssim", "psnr")
    ]
    claims += [
        Claim(worse, "evp", *each, part="evp", is_worse=True)
        for each in (("m_lmd", HEADLINE["m_lmd"]), ("lip_correlation", "redetected"))
    ]
    for text, than, name in of_the_paper:
        claims += [
            Claim(text, than, *each, part="other", replaces=name)
            for each in other_conventions[name]
        ]
    for text, than in (
        ("MSEF raises", "ours_wo_msef"),
        ("MSEF alone raises", "ours_wo_msef_joint"),
        ("Ours beats Baseline on", "baseline"),
    ):
        for what, conventions in further.items():
            claims += [Claim(f"{text} {what}", than, *each, part="other") for each in conventions]
    return claims


#: What is tested, whatever the run has.
CLAIMS = _claims()


def write_claims(
    scores: Sequence[Path], methods: Sequence[Method], outputs: Sequence[Path]
) -> None:
    """Test the paper's claims on tables of scores and write their forms, by suffix."""
    given = {method.id: method.given for method in methods}
    findings, notes = find_claims(read_scores(scores), labels_of(methods), given)
    write_tables(outputs, claim_tables(findings, notes), findings[COLUMNS])


def find_claims(
    scores: pd.DataFrame, labels: Mapping[str, str], given: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Test every claim whose methods there are: a row each, and the notes that go under them.

    Methods are compared on the seeds and clips that both have; a claim without them is left out,
    with a note where it is a headline. So is a claim on methods that aren't `given` the same, which
    says by name what each sees beside the sound; those on EVP stay, with a note. The rows have
    `COLUMNS`; the metric's `heading`; `family`, how many claims are corrected together; and the two
    methods' `labels`.
    """
    names, given = label_methods(scores, labels), given or {}
    unequal = {
        claim.against: claim.part == "evp"
        for claim in CLAIMS
        if claim.against in names and given.get(claim.against, "") != given.get(OURS, "")
    }
    notes = [
        f"Ours is given other things ({given.get(OURS)}) than {names[method]} "
        f"({given.get(method)}): "
        + (
            "what the paper says of the two is not said among equals."
            if unequal[method]
            else "no claims are made on the two."
        )
        for method in sorted(unequal)
    ]
    tested: list[tuple[Claim, str, float, float, Difference]] = []
    for reference in references_of(scores):
        rows, protocol = of_reference(scores, reference), protocol_label(reference)
        there = set(rows["method"].unique())
        needed = dict.fromkeys([OURS, *(each.against for each in CLAIMS if each.part != "evp")])
        if lacking := [method for method in needed if method not in there]:
            called = " and ".join({**labels, **names}.get(method, method) for method in lacking)
            notes.append(f"{protocol}: claims on {called} are left out, having no scores.")
        for claim in CLAIMS:
            if not {OURS, claim.against} <= there or unequal.get(claim.against) is False:
                continue
            where = f"{protocol}, {claim.text}, {claim.measured.heading}: "
            ours, against = (
                table_of(rows, method, claim.metric, claim.convention)
                for method in (OURS, claim.against)
            )
            ours, against = ours.align(against, join="inner")
            if ours.empty:
                if claim.part == "headline":
                    notes.append(
                        f"{where}left out, since the two methods have no clip and seed in common "
                        "with a value."
                    )
                continue
            finite = np.isfinite(pd.concat([ours, against])).all().to_numpy()
            if claim.part == "headline" and not finite.all():
                notes.append(
                    f"{where}{(~finite).sum()} of {len(finite)} clips lack a finite value and are "
                    "left out."
                )
            whose = speakers_of(ours.columns[finite])
            pair = [each.to_numpy(float)[:, finite] for each in (ours, against)]
            difference = paired_difference(*pair, speakers=whose)
            tested.append((claim, reference, *map(mean_over_seeds, pair), difference))
    seeds = {difference.seeds for *_, difference in tested}
    if 1 in seeds:
        notes.append(
            "One seed: the intervals speak of these trainings alone, and no claim about the "
            "methods is decided; other trainings of the same may differ by more than the methods "
            "do. Give more seeds (`seeds: [0, 1, 2]` in the config)."
        )
    speakers = {difference.speakers for *_, difference in tested}
    notes += [whom_intervals_speak_of(count) for count in sorted(speakers) if count]
    rows = pd.DataFrame(_rows(tested, names), columns=[*COLUMNS, "heading", "family", "labels"])
    return rows, notes


def _rows(
    tested: Sequence[tuple[Claim, str, float, float, Difference]], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    families: dict[str, dict[tuple[str, str, str], float]] = {"headline": {}, "evp": {}}
    for claim, reference, *_, difference in tested:
        if claim.part in families:
            key = (claim.text, claim.metric, reference)
            families[claim.part][key] = difference.p
    rows = []
    for claim, reference, ours, against, found in sorted(
        tested, key=lambda each: PARTS.index(each[0].part)
    ):
        place = (claim.text, claim.replaces or claim.metric, reference)
        others = families["evp" if claim.part == "evp" else "headline"] | {place: found.p}
        family = [p for p in others.values() if not np.isnan(p)]
        p = math.nan
        if not np.isnan(found.p):
            p = float(holm(np.array(family))[family.index(found.p)])
        rows.append(
            {"reference": reference, "claim": claim.text, "metric": claim.metric,
             "convention": claim.convention, "ours": ours, "against": against,
             "seeds": found.seeds, "clips": found.clips, "difference": found.mean,
             "low": found.low, "high": found.high, "p": found.p, "p_corrected": p,
             "verdict": claim.verdict(found, p), "part": claim.part,
             "against_method": claim.against, "heading": claim.heading, "family": len(family),
             "labels": (names[OURS], names[claim.against])}
        )  # fmt: skip
    return rows


def overall_verdict(verdicts: Sequence[str]) -> str:
    """Of a claim with several metrics: it holds if all hold, and fails if one fails."""
    found = set(verdicts)
    if ONE_TRAINING in found:
        return ONE_TRAINING
    if FAILS in found:
        return FAILS
    return HOLDS if found == {HOLDS} else UNDECIDED


def summary(verdicts: Sequence[str], what: str) -> str:
    """How many hold, fail and are undecided: `3 of 4 hold, 1 undecided`; `what` they are."""
    found = list(verdicts)
    if ONE_TRAINING in found:
        return f"{len(found)} {what}, {ONE_TRAINING}."
    parts = [f"{found.count(HOLDS)} of {len(found)} hold"]
    parts += [f"{found.count(FAILS)} fail"] if FAILS in found else []
    parts += [f"{found.count(UNDECIDED)} undecided"] if UNDECIDED in found else []
    return ", ".join(parts) + "."


def claim_tables(findings: pd.DataFrame, notes: Sequence[str]) -> Tables:
    """For each protocol the paper's claims; after them those by other conventions."""
    tables = []
    is_other = findings["part"] == "other"
    for reference, part in findings[~is_other].groupby("reference", sort=False):
        lines, overall = [], []
        for text, group in part.groupby("claim", sort=False):
            verdict = overall_verdict(group["verdict"])
            overall += [verdict] if group["part"].iloc[0] == "headline" else []
            rows = [_cells(row) for row in group.to_dict("records")]
            if len(rows) > 1:
                rows = [["…", *cells[1:]] for cells in rows]
                rows.insert(0, [text, verdict, summary(group["verdict"], "metrics"), *[""] * 6])
            lines += [[rows[0][0], f"**{verdict}**", *rows[0][2:]], *rows[1:]]
        about = summary(overall, "claims") if overall else ""
        cells = pd.DataFrame(lines, columns=HEADINGS)
        tables.append(Table(protocol_label(reference), cells, about, reference=reference))
    for reference, part in findings[is_other].groupby("reference", sort=False):
        lines = [_cells(row) for row in part.to_dict("records")]
        heading = f"By other metrics and conventions: {protocol_label(reference)}"
        cells = pd.DataFrame(lines, columns=HEADINGS)
        tables.append(Table(heading, cells, OTHER_CAPTION, reference=reference, folded=True))
    return Tables("claims", tables, caption=CAPTION, notes=notes)


def _cells(row: Mapping[str, Any]) -> list[str]:
    first = metric(row["metric"], row["convention"]).unit.split()[0]
    unit, decimals = (f" {first}", 2) if first in ("px", "dB") else ("", 3)
    means = [f"{number(row[name], decimals)}{unit}" for name in ("ours", "against")]
    difference = number(row["difference"], decimals + 1)
    ends = interval(row["low"], row["high"], decimals + 1)
    p = row["p_corrected"]
    return [
        row["claim"], row["verdict"], row["heading"],
        *(f"{mean}\n{label}" for mean, label in zip(means, row["labels"], strict=True)),
        f"{difference}\n{ends}" if ends else difference,
        "< 0.001" if p < 0.001 else number(p, 3),
        str(row["clips"]), str(row["seeds"]),
    ]  # fmt: skip
