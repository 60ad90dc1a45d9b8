"""The protocol of a study: what will be done with the answers, written before there are any."""

from collections.abc import Mapping

from emohead.evaluation.study_clips import PRACTICE, TRAPS
from emohead.evaluation.summary import BUILT_IN
from emohead.study.answers import QUICKEST, REPEAT_MARGIN, TRAP_MARGIN
from emohead.study.design import REPEATS
from emohead.study.key import SCALES, Key
from emohead.study.power import CLIP_METHOD, POWER, RATER_METHOD, REST, smallest_difference

#: Of the power table.
RATERS, CLIPS = (12, 24, 30, 60, 100), (8, 12, 16, 32)
TEXT = """\
# Protocol of study {study}

Written with the study, before any answer. The number above is a hash of all that a rater sees (the
page's videos, questions, orders and text of consent) and of this text.

## What is shown

{rated} clips of the test part, each by {methods} methods: {names}. `ground_truth` (the data set's
own clip) and `copy_reference` (the reference face, which stays still) are hidden anchors. Reference
face: {reference}. Every rater sees every method of every clip: {trials} videos in about {minutes}
minutes, among them {practice} for practice, {traps} traps (a real clip with another clip's sound)
and {repeats} repeats. All videos are encoded anew in one way, and a clip's have as many frames
and bytes; no name, number or metadata of the page tells a method. Methods follow a Williams design
over clips and rounds, clips come in random order. Questions open when a video has ended.

## What is asked, from 1 to {points}

{questions}

## Who is left out, and nobody else

A file is refused when it can't be what the page wrote: no JSON, larger than 256 kB, another
study's, without consent, missing, repeated or unknown trials, values out of range, a second file of
one rater, times that can't be. A rater is excluded who

- did not type the digits that are spoken at the start;
- answered in the median less than {quickest:g} s after a video's end;
- gave the traps on average less than {trap:g} points fewer for lip synchronisation than the real
  clips;
- rated the repeated videos on average more than {repeat:g} points apart.

All of them are listed with the reason, and counted beside the table.

## What is computed

- The mean of each method and question, with a 95 % interval over raters *and* clips: both are
  samples, and cross. Practice, traps and second ratings don't count.
- Agreement: ICC(2,1), ICC(2,k) and Krippendorff's alpha (ordinal), over all rated videos.
- {compared}
- How ratings go together with the metrics: Spearman's correlation over the methods' videos of lip
  synchronisation with M-LMD and lip correlation, of video quality with SSIM, PSNR, wrapped PSNR and
  sharpness; with intervals over resampled clips, without tests.

## What it can find

The least difference in points between two methods that is found with a probability of {power:g},
assuming standard deviations of {rater:g} (rater by method), {clip:g} (clip by method) and {rest:g}
(one answer). In brackets: after Holm's correction, for the strictest of {family} comparisons.

{table}

## Consent, as shown

{consent}
"""


def protocol_text(key: Key, *, questions: Mapping[str, Mapping[str, str]], consent: str) -> str:
    """The protocol as Markdown."""
    against = [method for method in key.methods if method not in BUILT_IN and method != key.ours]
    family = max(len(SCALES) * len(against), 1)
    compared = (
        f"Paired differences of `{key.ours}` less {', '.join(f'`{each}`' for each in against)}, "
        f"with intervals over raters and clips; p values with Holm's correction over all {family}. "
        "Beside them, as a check, Wilcoxon's signed-rank test on raters' means, uncorrected."
        if against
        else "No differences: there is one method alone beside the anchors."
    )
    scale = key.points / 10
    rows = [["raters", *(f"{clips} clips" for clips in CLIPS)], ["---:"] * (1 + len(CLIPS))]
    for raters in RATERS:
        cells = [
            f"{scale * smallest_difference(raters, clips):.2f} "
            f"({scale * smallest_difference(raters, clips, comparisons=family):.2f})"
            for clips in CLIPS
        ]
        rows.append([str(raters), *cells])
    return TEXT.format(
        study=key.study,
        rated=len(key.clip_ids),
        methods=len(key.methods),
        names=", ".join(f"`{method}`" for method in key.methods),
        reference=key.reference,
        trials=len(key.orders[0]),
        minutes=key.minutes,
        practice=PRACTICE,
        traps=TRAPS,
        repeats=REPEATS,
        points=key.points,
        questions="\n".join(
            f"- {name.upper()}: {questions[name]['text']} (1: {questions[name]['low']}; "
            f"{key.points}: {questions[name]['high']})"
            for name in SCALES
        ),
        quickest=QUICKEST,
        trap=TRAP_MARGIN * key.points,
        repeat=REPEAT_MARGIN * key.points,
        compared=compared,
        power=POWER, rater=scale * RATER_METHOD, clip=scale * CLIP_METHOD, rest=scale * REST,
        family=family,
        table="\n".join(f"| {' | '.join(row)} |" for row in rows),
        consent="\n".join(f"> {line}" for line in consent.splitlines()),
    )  # fmt: skip
