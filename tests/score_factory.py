"""Synthetic tables of scores, as the evaluation writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS, ClipName, levels_of
from emohead.evaluation import scores as tables
from emohead.evaluation.catalogue import METRICS

COLUMNS = ["clip_id", "method", "reference", "seed", "metric", "convention", "value"]
REFERENCES = ("same_emotion", "neutral")
METHODS = (
    "ground_truth", "copy_reference", "baseline", "ours_wo_msef", "ours_wo_msef_joint",
    "ours_wo_aatu", "ours",
)  # fmt: skip
NETWORK_METRICS = ("lpips", "fid", "fvd", "sync_confidence", "sync_distance", "sync_offset")

#: Of a whole method.
WHOLE = (("fid", "inception"), ("fvd", "i3d"))

#: For each metric and convention: the value of a perfect method, and how much a bad one is worse.
SCALES: dict[tuple[str, str], tuple[float, float]] = {
    **{
        (metric, f"{points}/{centring}/{size}"): (0.0, worse * size / 128)
        for metric, worse in
        {"f_lmd": 1.2, "m_lmd": 1.1, "jaw_lmd": 1.3, "f_lvd": 0.6, "m_lvd": 0.7}.items()
        for points in ("redetected", "predicted")
        for centring in ("centred", "raw")
        for size in (128, 256)
    },
    ("m_lmd", "atvg_sum"): (0.0, 22.0),
    **{("ssim", part): (1.0, -0.27) for part in ("frame", "face", "mouth")},
    **{("psnr", part): (np.inf, -22.0) for part in ("frame", "face", "mouth")},
    ("psnr_legacy", "grey_wrapped"): (np.inf, -31.0),
    ("sharpness", "cpbd"): (0.3, -0.1),
    **{("lip_correlation", points): (1.0, -0.3) for points in ("redetected", "predicted")},
    **{("lip_lag", points): (0.0, 1.0) for points in ("redetected", "predicted")},
    ("identity", "dlib_distance"): (0.0, 0.25),
    **{("emotion_accuracy", judge): (1.0, -0.3) for judge in ("landmarks", "pixels", "msef")},
    ("lip_dynamics", "theval"): (4.0, -2.0),
    ("brow_dynamics", "theval"): (0.01, -0.005),
    ("head_dynamics", "theval"): (5.0, -3.0),
    ("silent_lips", "theval"): (0.02, 0.01),
    ("lip_loudness", "theval"): (0.2, 0.1),
    ("head_motion", "ratio"): (1.0, -0.5),
    ("head_motion", "diversity"): (3.0, -1.5),
    ("fvd", "i3d"): (0.0, 300.0),
    ("identity", "arcface_cosine"): (1.0, -0.4),
    ("emotion_accuracy", "emotion_fan"): (1.0, -0.3),
    ("frames", "count"): (60.0, 0.0),
    ("faces_missed", "count"): (0.0, 0.0),
    ("lpips", "alex"): (0.0, 0.2),
    ("fid", "inception"): (0.0, 40.0),
    ("sync_confidence", "syncnet"): (7.0, -3.0),
    ("sync_distance", "syncnet"): (7.0, 2.0),
    ("sync_offset", "syncnet"): (0.0, 1.0),
}  # fmt: skip
#: What isn't named above, such as a new metric; the sound's judge is of the ablations alone.
SCALES |= {
    (m.name, m.convention): (1.0, -0.3) if m.lower_is_better is False else (0.0, 1.0)
    for m in METRICS
    if (m.name, m.convention) not in SCALES and m.convention != "sound"
}
#: How bad each method is, as a share of the scales above.
BADNESS = {
    "ground_truth": 0.0, "copy_reference": 1.2, "baseline": 1.0, "ours_wo_msef": 0.95,
    "ours_wo_msef_joint": 0.9,
    "ours_wo_aatu": 0.75, "ours": 0.7,
}  # fmt: skip


def clip_ids(
    speakers: Sequence[str] = ("W901", "W902"),
    emotions: Sequence[str] = EMOTIONS,
    levels: Sequence[int] = (3,),
    numbers: Sequence[int] = (11, 12),
) -> list[str]:
    """Clip ids of every speaker, emotion, level and number."""
    return [
        ClipName(speaker, "front", emotion, level, number).clip_id
        for speaker in speakers
        for emotion in emotions
        for level in levels_of(emotion, list(levels))
        for number in numbers
    ]


def scores_by_hand(
    method: str,
    values: Mapping[tuple[str, str], Sequence[float]],
    *,
    reference: str = "same_emotion",
    seed: int = 0,
    clips: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rows of one run: for each (metric, convention) a value per clip; nan gives no row."""
    rows = []
    for (metric, convention), numbers in values.items():
        names = clips if clips is not None else clip_ids()[: len(numbers)]
        assert len(names) == len(numbers), (metric, convention)
        for clip_id, value in zip(names, numbers, strict=True):
            if not np.isnan(value):
                rows.append([clip_id, method, reference, seed, metric, convention, value])
    return pd.DataFrame(rows, columns=COLUMNS)


def random_scores(
    methods: Sequence[str] = METHODS,
    *,
    references: Sequence[str] = REFERENCES,
    seeds: Sequence[int] = (0, 1, 2),
    clips: Sequence[str] | None = None,
    networks: bool = True,
    random_seed: int = 0,
) -> pd.DataFrame:
    """All metrics of plausible size for whole runs, in which `ours` is best.

    As in a real run, the ground truth is there for the first reference and seed alone, the copy
    of the reference for the first seed; neither has predicted landmarks or MSEF's judgement.
    """
    clips = clip_ids() if clips is None else clips
    rng = np.random.default_rng(random_seed)
    effort = rng.uniform(0.6, 1.4, len(clips))  # some clips are harder, for every method
    parts = []
    for method in methods:
        for reference in references[:1] if method == "ground_truth" else references:
            for seed in seeds[:1] if method in ("ground_truth", "copy_reference") else seeds:
                values = _run_values(method, reference, effort, rng, networks)
                whole = {name: values.pop(name, None) for name in WHOLE}
                part = scores_by_hand(method, values, reference=reference, seed=seed, clips=clips)
                rows = [
                    ["all", method, reference, seed, *name, value[0]]
                    for name, value in whole.items()
                    if value is not None
                ]
                if rows:
                    part = pd.concat([part, pd.DataFrame(rows, columns=COLUMNS)])
                parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write_scores(folder: Path, scores: pd.DataFrame) -> list[Path]:
    """Write every run's `<method>/<reference>/seed<k>/{scores,networks}.parquet`; the paths.

    The order is that of the rows in `scores`.
    """
    paths = []
    for (method, reference, seed), run in scores.groupby(
        ["method", "reference", "seed"], sort=False
    ):
        of_networks = run["metric"].isin(NETWORK_METRICS)
        for name, part in (("scores", run[~of_networks]), ("networks", run[of_networks])):
            path = folder / str(method) / str(reference) / f"seed{seed}" / f"{name}.parquet"
            ordered = part.sort_values(["clip_id", "metric", "convention"])
            tables.write_scores(ordered.assign(value=ordered["value"].round(6)), path)
            paths.append(path)
    return paths


def _run_values(
    method: str, reference: str, effort: np.ndarray, rng: np.random.Generator, networks: bool
) -> dict[tuple[str, str], np.ndarray]:
    badness = BADNESS.get(method, 0.9) * (1.0 if reference == REFERENCES[0] else 1.3)
    values = {}
    for (metric, convention), (best, worse) in SCALES.items():
        if metric in NETWORK_METRICS and not networks:
            continue
        built_in = method in ("ground_truth", "copy_reference")
        if built_in and (convention.startswith("predicted") or convention == "msef"):
            continue
        noise = rng.normal(1, 0.1, len(effort))
        if method == "ground_truth":
            value = np.full(len(effort), best)
        elif metric == "emotion_accuracy":
            value = (rng.uniform(size=len(effort)) > 0.3 * badness).astype(float)
        elif metric == "lip_lag":
            value = np.round(badness * effort * noise)
        elif np.isinf(best):
            value = -worse + 3 * (1 - badness) * effort * noise
        else:
            value = best + worse * badness * effort * noise
        values[metric, convention] = value
    return values
