"""Made-up raters with known effects, to try the analysis and to look at the report."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from scipy import stats

from emohead.evaluation.summary import COPY_REFERENCE, GROUND_TRUTH
from emohead.files import whole_file
from emohead.study.key import SCALES, TRAP, Key

_STARTED = datetime(2000, 1, 1)
#: Standard deviations in points: of raters, of clips, of both by method, of one answer.
RATER, CLIP, RATER_METHOD, CLIP_METHOD, REST = 1.0, 0.6, 0.9, 0.6, 1.5
#: That of an answer, with all of them.
TOTAL = float(np.sqrt(np.square([RATER, CLIP, RATER_METHOD, CLIP_METHOD, REST]).sum()))


def draw_ratings(
    levels: Mapping[str, float],
    raters: int,
    clips: int,
    points: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Whole points [raters, clips] by method; `levels` are the means before they are rounded."""
    of_rater = rng.normal(0, RATER, (raters, 1))
    of_clip = rng.normal(0, CLIP, clips)
    return {
        method: np.clip(
            np.rint(
                level
                + of_rater
                + of_clip
                + rng.normal(0, RATER_METHOD, (raters, 1))
                + rng.normal(0, CLIP_METHOD, clips)
                + rng.normal(0, REST, (raters, clips))
            ),
            1,
            points,
        )
        for method, level in levels.items()
    }


def expected_rating(level: float, points: int) -> float:
    """The mean of `draw_ratings` over all raters and clips: of a rounded and clipped normal."""
    edges = np.arange(1.5, points)
    return 1 + float(stats.norm.sf(edges, level, TOTAL).sum())


def default_levels(key: Key) -> dict[str, float]:
    """From 4 to 6.5 of ten points in the order of the methods, between the two anchors."""
    own = [method for method in key.methods if method not in (GROUND_TRUTH, COPY_REFERENCE)]
    levels = dict(zip(own, np.linspace(4, 6.5, len(own)), strict=True))
    levels |= {GROUND_TRUTH: 7.5, COPY_REFERENCE: 3.0}
    return {method: levels[method] * key.points / 10 for method in key.methods}


def simulate_answers(key: Key, raters: int, folder: Path, *, seed: int = 0) -> None:
    """Write an answer file for each of so many made-up raters, marked `simulated`."""
    rng = np.random.default_rng(seed)
    clips, levels = key.clip_ids, default_levels(key)
    drawn = {s: draw_ratings(levels, raters, len(clips), key.points, rng) for s in SCALES}
    for rater in range(raters):
        turn = rater % len(key.orders)
        trials, seen = [], {}
        for item in key.order(turn):
            if item.clip_id in clips and item.kind != TRAP:
                place = rater, clips.index(item.clip_id)
                values = {scale: int(drawn[scale][item.method][place]) for scale in SCALES}
            else:
                values = {scale: int(np.clip(rng.normal(5, 1), 1, key.points)) for scale in SCALES}
            if item.kind == TRAP:
                values["ls"] = int(rng.integers(1, 4))
            if item.id in seen:
                values = {
                    s: int(np.clip(v + rng.integers(-1, 2), 1, key.points))
                    for s, v in seen[item.id].items()
                }
            seen.setdefault(item.id, values)
            opened = item.seconds + float(rng.uniform(0.1, 0.3))
            trials.append(
                {"item": item.id, **values, "plays": 1, "opened": round(opened, 3),
                 "seconds": round(opened + float(rng.gamma(4, 1.0)) + 1, 3)}
            )  # fmt: skip
        taken = timedelta(seconds=60 + round(sum(trial["seconds"] for trial in trials)))
        answer = {
            "format": 1, "study": key.study, "rater": rng.bytes(16).hex(), "turn": turn,
            "consent": True, "started": f"{_STARTED.isoformat()}Z",
            "finished": f"{(_STARTED + taken).isoformat()}Z",
            "hearing": key.hearing, "hearing_tries": 1, "simulated": True, "trials": trials,
        }  # fmt: skip
        path = folder / f"emohead-study-{key.study}-{answer['rater']}.json"
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(answer), encoding="utf-8")
