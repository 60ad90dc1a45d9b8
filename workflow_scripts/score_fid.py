"""Rule score_fid: the sums of all speakers' features -> a run's FID and FVD."""

import argparse
from functools import reduce
from operator import add
from pathlib import Path

from emohead.evaluation.catalogue import ALL_CLIPS, BY_NETWORKS
from emohead.evaluation.networks.fid import fid
from emohead.evaluation.networks.run import read_sums
from emohead.evaluation.scores import score_table, write_scores

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--sums", type=Path, nargs="+", required=True, help="of each speaker, .npz")
parser.add_argument("--method", required=True)
parser.add_argument("--reference", required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--scores", type=Path, required=True, help=".parquet")

if __name__ == "__main__":
    flags = parser.parse_args()
    of_speakers = [read_sums(path) for path in flags.sums]
    values = {
        (name, BY_NETWORKS[name]): fid(
            *(reduce(add, side) for side in zip(*(sums[name] for sums in of_speakers), strict=True))
        )
        for name in of_speakers[0]
    }
    table = score_table(
        {ALL_CLIPS: values}, method=flags.method, reference=flags.reference, seed=flags.seed
    )
    write_scores(table, flags.scores)
