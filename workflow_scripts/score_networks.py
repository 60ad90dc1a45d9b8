"""Rule score_networks: LPIPS and SyncNet of a speaker's clips, and what FID must know of them."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from emohead.data.clip_tables import read_clips
from emohead.evaluation.networks.run import Networks, score_networks
from emohead.evaluation.scores import score_table, write_scores
from emohead.features.faces import FaceFinder
from emohead.methods.device import RenderingOptions, rendering_device
from emohead.methods.flags import add_clip_flags, add_rendered_flags, rendered_clips, true_clips
from emohead.resume import resumable, seconds_of


def weights(value: str) -> Path | None:
    """A path, or None for `none`."""
    return None if value == "none" else Path(value)


parser = argparse.ArgumentParser(description=__doc__)
add_clip_flags(parser)
add_rendered_flags(parser)
parser.add_argument("--lpips", type=weights, required=True, help="AlexNet's weights, or `none`")
parser.add_argument("--fid", type=weights, required=True, help="Inception's weights, or `none`")
parser.add_argument("--syncnet", type=weights, required=True, help="syncnet_v2.model, or `none`")
parser.add_argument("--rendering", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--scores", type=Path, required=True, help="metrics, .parquet")
parser.add_argument("--sums", type=Path, help="of Inception's features, .npz; with --fid")

if __name__ == "__main__":
    flags = parser.parse_args()
    files = (flags.lpips, flags.fid, flags.syncnet)
    with rendering_device(RenderingOptions(**flags.rendering), threads=flags.threads) as device:
        try:
            networks = Networks.read(*files, device)
        except ValueError as error:
            sys.exit(str(error))
        clips = true_clips(flags)
        takes = {take.clip_id: take for take in read_clips(flags.clips)}
        rendered, _ = rendered_clips(flags, clips, FaceFinder())
        inputs = [flags.code, *flags.features, flags.split, flags.clips, *filter(None, files)]
        inputs += [flags.rendered, flags.stand_ins, flags.reference]
        inputs += [flags.start] if flags.videos else []
        videos = [Path(clip.attributes["video"]) for clip in rendered.values() if flags.videos]
        with resumable(flags.state, *inputs, *videos) as state:
            values = score_networks(
                rendered, clips, networks, takes=takes, state=state, sums=flags.sums
            )
            table = score_table(
                values, method=flags.method, reference=flags.reference, seed=flags.seed
            )
            run = f"{flags.method}/{flags.reference}/seed{flags.seed}"
            by = replace(device.provenance, seconds=seconds_of(state), precision="32-true")
            write_scores(table, flags.scores, [(f"{run}: networks", by)])
