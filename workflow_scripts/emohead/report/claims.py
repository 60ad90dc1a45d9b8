"""The paper's claims, each as a paired difference with its interval and a verdict.

The first table, `headline`, has the claims on the metrics of Table 1; p values are corrected (Holm)
over all of them, of all protocols. What the paper says of EVP, `evp`, is a family of its own, and
not among equals: EVP is given a video. The last, `other`, has the same comparisons by other metrics
and conventions. Each of them is corrected as if it stood in the place of its headline claim (or
beside them all, where it has none), so that only the measurement tells the two verdicts apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.statistics import Difference, holm, mean_over_seeds, paired_difference
from emohead.report.scores import (
    REFERENCE_LABELS,
    label_methods,
    of_reference,
    references_of,
    speakers_of,
    table_of,
    whom_intervals_speak_of,
)

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
#: Whatever its difference: another training may give another, and by how much, one can't tell.
ONE_TRAINING = "not decided by one training"
PARTS = ("headline", "evp", "other")
SIGNIFICANT = 0.05
OURS = "ours"


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


@dataclass(frozen=True)
class Finding:
    """A claim under one protocol: both means, their paired difference, and the verdict."""

    claim: Claim
    reference: str
    ours: float
    against: float
    difference: Difference
    p_corrected: float
    #: How many claims the correction is for.
    family: int
    labels: dict[str, str]

    @property
    def is_better(self) -> bool:
        """Whether Ours has the better mean."""
        lower = bool(self.claim.measured.lower_is_better)
        return self.difference.mean < 0 if lower else self.difference.mean > 0

    @property
    def verdict(self) -> str:
        """`holds` or `fails` where the corrected p value tells; one training decides nothing."""
        if self.difference.seeds == 1:
            return ONE_TRAINING
        if not self.p_corrected < SIGNIFICANT:
            return UNDECIDED
        return HOLDS if self.is_better != self.claim.is_worse else FAILS


@dataclass(frozen=True)
class Claims:
    """All findings, headline first, and the plain notes that go under them."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def of(self, part: str, reference: str) -> dict[str, list[Finding]]:
        """The findings of a part under a protocol, by the claim's text."""
        groups: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if (finding.claim.part, finding.reference) == (part, reference):
                groups.setdefault(finding.claim.text, []).append(finding)
        return groups

    def claimed(self, reference: str) -> dict[str, list[Finding]]:
        """The paper's claims under a protocol: on our methods, then on EVP."""
        return self.of("headline", reference) | self.of("evp", reference)

    @property
    def references(self) -> list[str]:
        """The protocols with a finding, in their order."""
        return list(dict.fromkeys(finding.reference for finding in self.findings))


def overall_verdict(findings: Sequence[Finding]) -> str:
    """Of a claim with several metrics: it holds if all hold, and fails if one fails."""
    verdicts = {finding.verdict for finding in findings}
    if ONE_TRAINING in verdicts:
        return ONE_TRAINING
    if FAILS in verdicts:
        return FAILS
    return HOLDS if verdicts == {HOLDS} else UNDECIDED


def _claims() -> tuple[Claim, ...]:
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
    return tuple(claims)


#: What is tested, whatever the run has.
CLAIMS = _claims()


def find_claims(
    scores: pd.DataFrame,
    labels: Sequence[tuple[str, str]] = (),
    given: Mapping[str, str] | None = None,
) -> Claims:
    """Test every claim whose methods there are in the long rows of `read_scores`.

    Methods are compared on the seeds and clips that both have; a claim without them is left out,
    with a note where it is a headline. So is a claim on methods that aren't `given` the same, which
    says by name what each sees beside the sound; those on EVP stay, with a note.
    """
    names = label_methods(scores, labels)
    given = given or {}
    unequal = {
        (claim.against, claim.part == "evp")
        for claim in CLAIMS
        if claim.against in names and given.get(claim.against) != given.get(OURS)
    }
    compared: list[tuple[Claim, str, float, float, Difference]] = []
    notes = [
        f"Ours is given other things ({given.get(OURS)}) than {names[method]} "
        f"({given.get(method)}): "
        + (
            "what the paper says of the two is not said among equals."
            if stays
            else "no claims are made on the two."
        )
        for method, stays in sorted(unequal)
    ]
    for reference in references_of(scores):
        rows = of_reference(scores, reference)
        notes += _note_missing(rows, reference, names | dict(labels))
        for claim in CLAIMS:
            if (claim.against, False) in unequal:
                continue
            pair = _paired_values(rows, claim)
            if pair is not None:
                *values, clips = pair
                finite = np.isfinite(np.concatenate(values)).all(axis=0)
                ours, against = (of_method[:, finite] for of_method in values)
                result = paired_difference(ours, against, speakers=speakers_of(clips[finite]))
                means = mean_over_seeds(ours), mean_over_seeds(against)
                compared.append((claim, reference, *means, result))
                notes += _note_left_out(claim, reference, int((~finite).sum()), len(finite))
            else:
                notes += _note_untested(rows, claim, reference)
    families = {
        part: {
            (claim.text, claim.metric, reference): result.p
            for claim, reference, *_, result in compared
            if claim.part == part
        }
        for part in ("headline", "evp")
    }
    findings = []
    for claim, reference, ours, against, result in compared:
        place = (claim.text, claim.replaces or claim.metric, reference)
        others = families["evp" if claim.part == "evp" else "headline"]
        corrected, family = _correct(others | {place: result.p}, result.p)
        findings.append(Finding(claim, reference, ours, against, result, corrected, family, names))
    findings.sort(key=lambda each: PARTS.index(each.claim.part))
    return Claims(tuple(findings), (*notes, *_note_seeds(findings), *_note_speakers(findings)))


def _correct(claims: dict[tuple[str, str, str], float], p: float) -> tuple[float, int]:
    """One of the p values after correction for all of them, and how many there are; NaNs aside."""
    family = [each for each in claims.values() if not np.isnan(each)]
    if np.isnan(p):
        return float("nan"), len(family)
    return float(holm(np.array(family))[family.index(p)]), len(family)


def _paired_values(
    rows: pd.DataFrame, claim: Claim
) -> tuple[np.ndarray, np.ndarray, pd.Index] | None:
    """The values [seeds, clips] of ours and the other on their common seeds and clips; these."""
    ours, other = (
        table_of(rows, method, claim.metric, claim.convention) for method in (OURS, claim.against)
    )
    seeds = ours.index.intersection(other.index)
    clips = ours.columns.intersection(other.columns)
    if seeds.empty or clips.empty:
        return None
    return ours.loc[seeds, clips].to_numpy(float), other.loc[seeds, clips].to_numpy(float), clips


def _note_missing(rows: pd.DataFrame, reference: str, labels: dict[str, str]) -> list[str]:
    """A sentence for each method whose absence leaves out headline claims."""
    there = set(rows["method"].unique())
    needed = dict.fromkeys([OURS, *(each.against for each in CLAIMS if each.part != "evp")])
    lacking = [method for method in needed if method not in there]
    names = " and ".join(labels.get(method, method) for method in lacking)
    protocol = REFERENCE_LABELS.get(reference, reference)
    return [f"{protocol}: claims on {names} are left out, having no scores."] if lacking else []


def _note_untested(rows: pd.DataFrame, claim: Claim, reference: str) -> list[str]:
    """A sentence for a headline claim whose methods have scores, but none of its metric to pair."""
    there = set(rows["method"].unique())
    if claim.part != "headline" or not {OURS, claim.against} <= there:
        return []
    return [
        f"{REFERENCE_LABELS.get(reference, reference)}, {claim.text}, {claim.measured.heading}: "
        "left out, since the two methods have no clip and seed in common with a value."
    ]


def _note_left_out(claim: Claim, reference: str, left_out: int, clips: int) -> list[str]:
    if claim.part != "headline" or not left_out:
        return []
    return [
        f"{REFERENCE_LABELS.get(reference, reference)}, {claim.text}, {claim.measured.heading}: "
        f"{left_out} of {clips} clips lack a finite value and are left out."
    ]


def _note_seeds(findings: Sequence[Finding]) -> list[str]:
    if all(finding.difference.seeds > 1 for finding in findings):
        return []
    return [
        "One seed: the intervals speak of these trainings alone, and no claim about the methods is "
        "decided; other trainings of the same may differ by more than the methods do. Give more "
        "seeds (`seeds: [0, 1, 2]` in the config)."
    ]


def _note_speakers(findings: Sequence[Finding]) -> list[str]:
    counts = {finding.difference.speakers for finding in findings}
    return [whom_intervals_speak_of(count) for count in sorted(counts) if count]
