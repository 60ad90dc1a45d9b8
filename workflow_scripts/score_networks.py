"""Rule score_networks: a speaker's clips -> the networks' metrics, and what FID and FVD need."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from emohead.data.clip_tables import read_clips
from emohead.evaluation.networks.run import Networks, score_networks
from emohead.evaluation.redetect import load_redetected
from emohead.evaluation.scores import score_table, write_scores
from emohead.features.faces import FaceFinder
from emohead.flags import name_and_path
from emohead.methods.device import rendering_device
from emohead.methods.flags import add_clip_flags, add_rendered_flags, rendered_clips, true_clips
from emohead.methods.options import RenderingOptions
from emohead.resume import resumable, seconds_of

parser = argparse.ArgumentParser(description=__doc__)
add_clip_flags(parser)
add_rendered_flags(parser)
parser.add_argument(
    "--weights", action="append", default=[], type=name_and_path, metavar="KEY=FILE",
    help="of a network, by its key in evaluation.weights; repeat",
)  # fmt: skip
parser.add_argument("--landmarks", type=Path, help=".npz of the run, for networks of faces")
parser.add_argument("--true-landmarks", type=Path, help=".npz of the ground truth; not of itself")
parser.add_argument("--rendering", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--scores", type=Path, required=True, help="metrics, .parquet")
parser.add_argument("--sums", type=Path, help="of features, .npz; for FID and FVD")

if __name__ == "__main__":
    flags = parser.parse_args()
    with rendering_device(RenderingOptions(**flags.rendering), threads=flags.threads) as device:
        try:
            networks = Networks.read(dict(flags.weights), device)
        except ValueError as error:
            sys.exit(str(error))
        clips = true_clips(flags)
        takes = {take.clip_id: take for take in read_clips(flags.clips)}
        rendered, _ = rendered_clips(flags, clips, FaceFinder())
        inputs = [flags.code, *flags.features, flags.split, flags.clips, flags.landmarks]
        inputs += [flags.true_landmarks, flags.rendered, flags.stand_ins, flags.reference]
        inputs += [path for _, path in flags.weights]
        inputs += [flags.start] if flags.videos else []
        videos = [Path(clip.attributes["video"]) for clip in rendered.values() if flags.videos]
        with resumable(flags.state, *inputs, *videos) as state:
            seen, truth_seen = (
                path and {i: each.landmarks for i, each in load_redetected(path).items()}
                for path in (flags.landmarks, flags.true_landmarks)
            )
            values = score_networks(
                rendered,
                clips,
                networks,
                takes=takes,
                state=state,
                sums=flags.sums,
                seen=seen,
                truth_seen=truth_seen,
            )
            table = score_table(
                values, method=flags.method, reference=flags.reference, seed=flags.seed
            )
            run = f"{flags.method}/{flags.reference}/seed{flags.seed}"
            by = replace(device.provenance, seconds=seconds_of(state), precision="32-true")
            write_scores(table, flags.scores, [(f"{run}: networks", by)])
