"""Signs of a bad extraction: missing clips, lips that don't go with the sound, faces cut off."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import parse_clip_id
from emohead.data.rejects import shorten
from emohead.features.lips import lag_seconds, read_curve
from emohead.features.store import Shard, StoredClip

CLIPS_PER_SHARD = 5  # looked at for landmarks outside the crop; reading all takes minutes
MOST_REJECTED = 0.05  # of a speaker's clips
MOST_OUTSIDE = 0.05  # of a speaker's frames with a landmark outside the crop
# Lips and loudness of fewer clips say nothing. Their correlation over a sentence is about .5 in the
# mini set and in people (Chandrasekaran et al. 2009); with another sentence's sound it is 0, give
# or take .25 a clip, and the best of 13 lags two of these.
LEAST_CLIPS, LEAST_CORRELATION, NOISE = 6, 0.2, 0.6
# Seconds. Lips move up to .2 s before the voice; earlier sound than .1 s is seen (ITU-R BT.1359).
EARLIEST_LIPS, LATEST_LIPS = -0.25, 0.125


def lips_by_speaker(clips: pd.DataFrame) -> pd.DataFrame:
    """How each speaker's lips go with the sound, by the mean of its clips' `lip_curve`.

    `clips` are the rows of clips.csv. Columns: clips; correlation at the best lag; lag, seconds,
    above 0 where the lips move later.
    """
    rows = {}
    for speaker, cells in clips.groupby("speaker")["lips"]:
        curve = np.mean([read_curve(cell) for cell in cells], axis=0)
        rows[speaker] = (len(cells), curve.max(), lag_seconds(curve))
    return pd.DataFrame.from_dict(rows, "index", columns=["clips", "correlation", "lag"])


def outside_by_speaker(shards: Iterable[Path]) -> pd.DataFrame:
    """Frames with landmarks `outside` the crop, of those that were `seen`, by speaker.

    Looked at are `CLIPS_PER_SHARD` clips spread over each shard.
    """
    rows = []
    for shard in map(Shard, shards):
        last = len(shard.clip_ids) - 1
        for i in np.linspace(0, last, min(last + 1, CLIPS_PER_SHARD)):
            clip = shard[shard.clip_ids[round(i)]]
            rows.append((parse_clip_id(clip.clip_id).speaker, frames_outside(clip), clip.length))
    return pd.DataFrame(rows, columns=["speaker", "outside", "seen"]).groupby("speaker").sum()


def frames_outside(clip: StoredClip) -> int:
    """Frames in which a landmark lies outside the crop."""
    landmarks = clip.landmarks
    is_outside = (landmarks < 0) | (landmarks > clip.crop_size - 1)
    return int(is_outside.any((1, 2)).sum())


def find_concerns(
    rejected: pd.DataFrame,
    counts: pd.DataFrame,
    lost: pd.DataFrame,
    outside: pd.DataFrame,
    lips: pd.DataFrame,
) -> dict[str, list[str]]:
    """What a person should look at before anything is trained: lines, by what is wrong.

    `rejected` as by `read_rejected`; `counts` and `lost` the accepted and the rejected clips,
    speakers down and emotions across; `outside` and `lips` as above.
    """
    gone, whole = lost.sum(axis=1), (counts + lost).sum(axis=1)
    cut = outside["outside"] / outside["seen"]
    known = lips[lips["clips"] >= LEAST_CLIPS]
    # Surely higher than the correlation of lips and sound that don't belong together.
    is_sure = known["correlation"] >= np.maximum(LEAST_CORRELATION, NOISE / known["clips"] ** 0.5)
    moved = known[is_sure & ~known["lag"].between(EARLIEST_LIPS, LATEST_LIPS)]
    others = rejected[rejected["speaker"].isna()]
    told = others["clip_id"] + ": " + others["reason"].map(shorten)
    return {
        "missing": [
            f"{s}: {', '.join(row.index[row == 0]) if row.any() else 'any emotion'}"
            for s, row in counts.iterrows()
            if not row.all()
        ],
        "rejected": [
            f"{s}: {gone[s]} of {whole[s]} ({100 * gone[s] / whole[s]:.3g} %)"
            for s in whole.index[gone > MOST_REJECTED * whole]
        ],
        "outside": [
            f"{s}: in {100 * share:.3g} % of the frames looked at"
            for s, share in cut[cut > MOST_OUTSIDE].items()
        ],
        "apart": [
            f"{row.Index}: correlation {row.correlation:.2f} over {row.clips} clips"
            for row in known[~is_sure].itertuples()
        ],
        "moved": [
            f"{row.Index}: {abs(row.lag):.2f} s {'early' if row.lag > 0 else 'late'} "
            f"(correlation {row.correlation:.2f} over {row.clips} clips)"
            for row in moved.itertuples()
        ],
        "files": list(told[others["stage"] == "list"]),
        "archives": list(told[others["stage"] != "list"]),
    }
