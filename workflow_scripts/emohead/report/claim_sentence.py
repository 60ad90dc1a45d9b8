"""What was found of a claim, in a sentence with its numbers."""

import math

from emohead.evaluation.catalogue import HEADLINE
from emohead.report.claims import FAILS, HOLDS, ONE_TRAINING, OURS, SIGNIFICANT, Finding
from emohead.report.table1 import number

_DECIMALS = {"px": 2, "dB": 2}  # of a mean; a difference has one more
_OTHER_DECIMALS = 3


def claim_sentence(finding: Finding) -> str:
    """For example `F-LMD: 1.09 px for Ours, 1.20 px for Baseline. Ours is 0.110 px lower ...`."""
    labels, result = finding.labels, finding.difference
    unit = f" {unit_of(finding)}" if unit_of(finding) else ""
    ours, against = labels[OURS], labels[finding.claim.against]
    means = (
        f"{heading_of(finding)}: {mean(finding, finding.ours)}{unit} for {ours}, "
        f"{mean(finding, finding.against)}{unit} for {against}."
    )
    if math.isnan(result.p):
        return f"{means} Too few clips ({result.clips}) for an interval."
    found = f"{_signed(finding, result.mean, unit)} (95 % interval {interval_in_words(finding)})"
    counted = f"{_plural(result.clips, 'clip')}, {_plural(result.seeds, 'seed')}"
    if result.speakers:
        whose = f"of {_plural(result.speakers, 'speaker')}"
        counted = f"{_plural(result.clips, 'clip')} {whose}, {_plural(result.seeds, 'seed')}"
    p = "" if finding.verdict == ONE_TRAINING else f"; {p_in_words(finding)}"
    return f"{means} {ours} is {found}, {_so(finding)}. {counted}{p}."


def heading_of(finding: Finding) -> str:
    """The metric's name, with its convention where it isn't Table 1's."""
    measured = finding.claim.measured
    in_table_1 = HEADLINE.get(measured.name) == measured.convention and not finding.claim.replaces
    return measured.heading if in_table_1 else f"{measured.heading} ({measured.convention})"


def unit_of(finding: Finding) -> str:
    """`px`, `dB`, or nothing."""
    first = finding.claim.measured.unit.split()[0]
    return first if first in _DECIMALS else ""


def mean(finding: Finding, value: float) -> str:
    """A mean with the metric's decimals."""
    return number(value, _DECIMALS.get(unit_of(finding), _OTHER_DECIMALS))


def difference(finding: Finding, value: float) -> str:
    """A difference, or an end of its interval, with one decimal more than the means."""
    return number(value, _DECIMALS.get(unit_of(finding), _OTHER_DECIMALS) + 1)


def interval_in_words(finding: Finding) -> str:
    """`0.05 to 0.17 lower`, or `0.05 lower to 0.01 higher`."""
    low, high = finding.difference.low, finding.difference.high
    if low < 0 < high:
        return f"{_signed(finding, low)} to {_signed(finding, high)}"
    near, far = sorted((low, high), key=abs)
    return f"{difference(finding, abs(near))} to {_signed(finding, far)}"


def p_in_words(finding: Finding) -> str:
    """`p = 0.012 after correction for 16 claims`."""
    shown = "p < 0.001" if finding.p_corrected < 0.001 else f"p = {finding.p_corrected:.3f}"
    return f"{shown} after correction for {_plural(finding.family, 'claim')}"


def _signed(finding: Finding, value: float, unit: str = "") -> str:
    direction = "lower" if value < 0 else "higher"
    return f"{difference(finding, abs(value))}{unit} {direction}"


def _so(finding: Finding) -> str:
    if finding.verdict == ONE_TRAINING:
        return "which one training doesn't decide"
    if finding.verdict == HOLDS:
        return "as claimed"
    if finding.verdict == FAILS:
        return "the opposite of the claim"
    if finding.difference.p < SIGNIFICANT:
        return "which doesn't outlast the correction"
    return "which decides nothing"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
