"""The claims as .csv, .md and .html."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emohead.report.claim_sentence import claim_sentence, difference, heading_of, mean, unit_of
from emohead.report.claims import ONE_TRAINING, Claims, Finding, find_claims, overall_verdict
from emohead.report.forms import write_forms
from emohead.report.render import render_template
from emohead.report.scores import REFERENCE_LABELS, read_scores

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
OTHER_COLUMNS = (
    "Verdict", "Claim", "Measured by", "Ours", "Against", "Difference (95 %)", "p, corrected"
)  # fmt: skip


def write_claims(
    scores: Sequence[Path],
    *,
    labels: Sequence[tuple[str, str]],
    given: Mapping[str, str],
    csv: Path,
    md: Path,
    html: Path,
) -> None:
    """Test the paper's claims on tables of scores and write their three forms; as `read_scores`.

    `given` says by name what the methods see, see `find_claims`.
    """
    claims = find_claims(read_scores(scores), labels, given)
    write_forms({csv: to_csv(claims), md: to_markdown(claims), html: to_html(claims)})


def to_csv(claims: Claims) -> str:
    """One line a finding, headline first."""
    columns = (
        "reference", "claim", "metric", "convention", "ours", "against", "seeds", "clips",
        "difference", "low", "high", "p", "p_corrected", "verdict", "sentence", "part",
        "against_method",
    )  # fmt: skip
    rows = [
        (
            each.reference, each.claim.text, each.claim.metric, each.claim.convention,
            each.ours, each.against, each.difference.seeds, each.difference.clips,
            each.difference.mean, each.difference.low, each.difference.high,
            each.difference.p, each.p_corrected, each.verdict, claim_sentence(each),
            each.claim.part, each.claim.against,
        )
        for each in claims.findings
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).to_csv(
        index=False, float_format="%.6f", lineterminator="\n"
    )


def to_markdown(claims: Claims) -> str:
    """For each protocol the headline's verdicts in sentences; after them the other table."""
    parts = []
    for reference in claims.references:
        parts.append(f"### {REFERENCE_LABELS.get(reference, reference)}")
        lines = [["Verdict", "Claim", "Found"], ["---"] * 3]
        for text, findings in claims.claimed(reference).items():
            if len(findings) > 1:
                lines.append([_bold(overall_verdict(findings)), text, summary(findings)])
            for finding in findings:
                claim = text if len(findings) == 1 else f"… {heading_of(finding)}"
                verdict = _bold(finding.verdict) if len(findings) == 1 else finding.verdict
                lines.append([verdict, claim, claim_sentence(finding)])
        parts.append(_pipe_table(lines))
    parts += [CAPTION, *(f"> {note}" for note in claims.notes)]
    parts += ["### By other metrics and conventions", OTHER_CAPTION]
    for reference in claims.references:
        findings = [each for group in claims.of("other", reference).values() for each in group]
        if findings:
            lines = [list(OTHER_COLUMNS), ["---"] * 3 + ["---:"] * 4, *map(other_cells, findings)]
            parts += [f"#### {REFERENCE_LABELS.get(reference, reference)}", _pipe_table(lines)]
    return "\n\n".join(parts) + "\n"


def to_html(claims: Claims) -> str:
    """A `<section>` to be set into a page; verdicts are spans of class `verdict <verdict>`."""
    return render_template(
        "claims.html.j2",
        claims=claims,
        references={each: REFERENCE_LABELS.get(each, each) for each in claims.references},
        sentence=claim_sentence,
        heading=heading_of,
        summary=summary,
        overall=overall_verdict,
        other_columns=OTHER_COLUMNS,
        other_cells=other_cells,
        caption=CAPTION,
        other_caption=OTHER_CAPTION,
    )


def summary(findings: Sequence[Finding]) -> str:
    """How many metrics of a claim hold, fail and are undecided: `3 of 4 hold, 1 undecided`."""
    verdicts = [finding.verdict for finding in findings]
    if ONE_TRAINING in verdicts:
        return f"{len(verdicts)} metrics, {ONE_TRAINING}."
    holding, failing = verdicts.count("holds"), verdicts.count("fails")
    parts = [f"{holding} of {len(verdicts)} hold"]
    parts += [f"{failing} fail"] if failing else []
    undecided = len(verdicts) - holding - failing
    return ", ".join(parts + ([f"{undecided} undecided"] if undecided else [])) + "."


def other_cells(finding: Finding) -> list[str]:
    """A line of the other table."""
    unit = f" {unit_of(finding)}" if unit_of(finding) else ""
    mean_difference, low, high = (
        difference(finding, value)
        for value in (finding.difference.mean, finding.difference.low, finding.difference.high)
    )
    p = finding.p_corrected
    return [
        finding.verdict,
        finding.claim.text,
        heading_of(finding),
        f"{mean(finding, finding.ours)}{unit}",
        f"{mean(finding, finding.against)}{unit}",
        f"{mean_difference} [{low}, {high}]",
        "< 0.001" if p < 0.001 else "–" if p != p else f"{p:.3f}",
    ]


def _pipe_table(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _bold(text: str) -> str:
    return f"**{text}**"
