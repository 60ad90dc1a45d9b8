"""The paper's claims, each as a paired difference with its interval and a verdict.

The first part, `headline`, has the claims on the metrics of Table 1; p values are corrected (Holm)
over all of them, of all protocols. What the paper says of EVP, `evp`, is a family of its own, and
not among equals: EVP is given a video. The last, `other`, has the same comparisons by other metrics
and conventions. Each of them is corrected as if it stood in the place of its headline claim (or
beside them all, where it has none), so that only the measurement tells the two verdicts apart.
"""

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.statistics import holm, mean_over_seeds, paired_difference
from emohead.evaluation.summary import (
    clips_of,
    of_reference,
    references_of,
    speakers_of,
    table_of,
)

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

    def verdict(self, difference: float, p: float, seeds: int) -> str:
        """`holds` or `fails` where the corrected p value tells; one training decides nothing."""
        if seeds == 1:
            return ONE_TRAINING
        if not p < SIGNIFICANT:
            return UNDECIDED
        is_better = (difference < 0) == bool(self.measured.lower_is_better)
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


def find_claims(scores: pd.DataFrame, unequal: Sequence[str] = ()) -> pd.DataFrame:
    """Test every claim whose methods there are: a row each, the headlines first.

    Methods are compared on the seeds and clips that both have. On those that are `unequal` to ours
    nothing is claimed, but what the paper says of EVP. Columns: `COLUMNS`; the `rule` that was
    tested; `family`, how many claims are corrected together; how many `speakers` the clips are of;
    and `lacking`, how many more clips both have, without a finite value of each.
    """
    rows = []
    for reference in references_of(scores):
        of_protocol = of_reference(scores, reference)
        clips = {name: set(clips_of(of_protocol, name)) for name in of_protocol["method"].unique()}
        for claim in CLAIMS:
            is_equal = claim.against not in unequal or claim.part == "evp"
            if {OURS, claim.against} <= set(clips) and is_equal:
                shared = clips[OURS] & clips[claim.against]
                rows.append({"reference": reference} | _test(claim, of_protocol, shared))
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "family", "lacking", "speakers", "rule"])
    frame = frame.sort_values("part", key=lambda part: part.map(PARTS.index), kind="stable")
    frame = frame.reset_index(drop=True)
    corrected = [_correct(row, frame) for _, row in frame.iterrows()]
    frame["p_corrected"], frame["family"] = [p for p, _ in corrected], [n for _, n in corrected]
    frame["verdict"] = [
        row.rule.verdict(row.difference, row.p_corrected, row.seeds) for row in frame.itertuples()
    ]
    return frame


def _test(claim: Claim, scores: pd.DataFrame, shared: Set[str]) -> dict[str, object]:
    """Ours less the other, on those of the `shared` clips that have a finite value of each."""
    ours, against = table_of(scores, OURS, claim.metric, claim.convention).align(
        table_of(scores, claim.against, claim.metric, claim.convention), join="inner"
    )
    # Without a common seed there is nothing to be finite.
    finite = np.isfinite(pd.concat([ours, against])).all() & (len(ours) > 0)
    pair = [each.loc[:, finite].to_numpy(float) for each in (ours, against)]
    found = asdict(paired_difference(*pair, speakers=speakers_of(ours.columns[finite])))
    return {
        "claim": claim.text, "metric": claim.metric, "convention": claim.convention,
        "part": claim.part, "against_method": claim.against, "rule": claim,
        "ours": mean_over_seeds(pair[0]), "against": mean_over_seeds(pair[1]),
        "difference": found.pop("mean"), **found,
        "lacking": len(shared - set(ours.columns[finite])),
    }  # fmt: skip


def _correct(row: pd.Series, frame: pd.DataFrame) -> tuple[float, int]:
    """A p value corrected in its place among its family, and how many that are."""
    family = frame[frame["part"] == ("evp" if row["part"] == "evp" else "headline")]
    is_place = (
        (family["claim"] == row["claim"])
        & (family["reference"] == row["reference"])
        & (family["metric"] == (row["rule"].replaces or row["metric"]))
    )
    values = [*family.loc[~is_place, "p"].dropna(), row["p"]]
    return holm(np.array(values))[-1], int(np.isfinite(values).sum())


def overall_verdict(verdicts: Sequence[str]) -> str:
    """The verdict on a claim with several metrics: it holds if all hold, and fails if one fails."""
    found = set(verdicts)
    if ONE_TRAINING in found:
        return ONE_TRAINING
    if FAILS in found:
        return FAILS
    return HOLDS if found == {HOLDS} else UNDECIDED


def summary(verdicts: Sequence[str], what: str) -> str:
    """How many hold, fail and are undecided: `3 of 4 hold, 1 undecided`; `what` they are."""
    found = list(verdicts)
    if set(found) == {ONE_TRAINING}:
        return f"{len(found)} {what}, {ONE_TRAINING}."
    parts = [f"{found.count(HOLDS)} of {len(found)} hold"]
    parts += [f"{found.count(FAILS)} fail"] if FAILS in found else []
    for none in (UNDECIDED, ONE_TRAINING):
        parts += [f"{found.count(none)} {none}"] if none in found else []
    return ", ".join(parts) + "."
