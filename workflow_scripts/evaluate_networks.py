"""Rule evaluate_networks: LPIPS, FID and SyncNet of rendered clips, where weights are given."""

import argparse
import sys
from pathlib import Path

from emohead.evaluation.long_table import long_table, write_table
from emohead.evaluation.networks.run import Networks, evaluate_networks
from emohead.features.store import open_clips


def weights(value: str) -> Path | None:
    """A path, or None for `none`."""
    return None if value == "none" else Path(value)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--true-shard", type=Path, required=True)
parser.add_argument("--videos", type=Path, required=True, help="<clip_id>.mp4, for the sound")
parser.add_argument("--method", required=True)
parser.add_argument("--reference", required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--lpips", type=weights, required=True, help="AlexNet's weights, or `none`")
parser.add_argument("--fid", type=weights, required=True, help="Inception's weights, or `none`")
parser.add_argument("--syncnet", type=weights, required=True, help="syncnet_v2.model, or `none`")
parser.add_argument("--output", type=Path, required=True, help="long table, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    try:
        clips = open_clips([flags.shard])
        values = evaluate_networks(
            clips,
            open_clips([flags.true_shard], list(clips)),
            flags.videos,
            Networks.read(flags.lpips, flags.fid, flags.syncnet),
        )
    except ValueError as error:
        sys.exit(str(error))
    table = long_table(values, method=flags.method, reference=flags.reference, seed=flags.seed)
    write_table(table, flags.output)
