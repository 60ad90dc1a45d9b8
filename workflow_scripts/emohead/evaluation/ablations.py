"""Ablations: what each choice does, one stage at a time, beside the model that makes none."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import Metric, metric
from emohead.evaluation.statistics import paired_difference
from emohead.evaluation.summary import of_reference, references_of, score, speakers_of, table_of

#: What each stage is scored by: metric and convention.
STAGE_METRICS = {
    "landmarks": (
        ("f_lmd", "predicted/centred/128"),
        ("m_lmd", "predicted/centred/128"),
        ("lip_correlation", "predicted"),
        ("emotion_accuracy", "msef"),
    ),
    "translator": (("ssim", "frame"), ("psnr", "frame"), ("psnr", "face"), ("psnr", "mouth")),
}
#: The columns of ablations.csv, a row for each model, kind of reference face and metric.
COLUMNS = [
    "stage", "reference", "model", "label", "metric", "convention", "mean", "sd", "low", "high",
    "difference", "difference_low", "difference_high", "verdict",
]  # fmt: skip


def compare(scores: pd.DataFrame, labels: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Every model's mean by every metric, and what it differs from its stage's first model.

    `labels` gives for each stage the names' texts. The columns are `COLUMNS`, and whether the model
    is the `first`. The verdict is `better`, `worse`, or nothing: of one training, or where the
    interval holds zero. ValueError when a model has no scores.
    """
    rows = []
    for stage, named in labels.items():
        first = next(iter(named))
        for reference in references_of(scores):
            part = of_reference(scores, reference)
            for name, label in named.items():
                if name not in set(part["method"].unique()):
                    raise ValueError(f"{stage} model {name!r} has no scores: evaluate it first")
                for each, convention in STAGE_METRICS[stage]:
                    ours, base = (table_of(part, n, each, convention) for n in (name, first))
                    row = {"stage": stage, "reference": reference, "model": name, "label": label}
                    row |= {"metric": each, "convention": convention, "first": name == first}
                    row |= score(ours)._asdict()
                    rows.append(
                        row | _difference(ours, base, metric(each, convention), name == first)
                    )
    return pd.DataFrame(rows)


def _difference(
    ours: pd.DataFrame, base: pd.DataFrame, measured: Metric, is_first: bool
) -> dict[str, float | str]:
    ends = COLUMNS[-4:-1]
    ours, base = ours.align(base, join="inner")
    if is_first or ours.empty:
        return dict.fromkeys(ends, np.nan) | {"verdict": ""}
    pair = (ours.to_numpy(float), base.to_numpy(float))
    found = paired_difference(*pair, speakers=speakers_of(ours.columns))
    row = dict(zip(ends, (found.mean, found.low, found.high), strict=True))
    is_sure = found.seeds > 1 and (found.low > 0 or found.high < 0)
    word = "better" if (found.mean < 0) == measured.lower_is_better else "worse"
    return row | {"verdict": word if is_sure else ""}
