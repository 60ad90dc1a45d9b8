"""Rule try_motion_field: a motion field and the clips held out of its training -> its gates."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part, hold_out_validation
from emohead.evaluation.motion_gates import try_field
from emohead.features.store import open_clips
from emohead.methods.device import rendering_device
from emohead.methods.options import RenderingOptions
from emohead.motion.load import restore_field
from emohead.training.checkpoint import load_checkpoint
from emohead.training.gates import write_gates

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--field", type=Path, required=True, help="a motion field's checkpoint")
parser.add_argument("--validation", type=float, required=True, help="its training's")
parser.add_argument("--seed", type=int, required=True, help="likewise")
parser.add_argument("--rendering", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--output", type=Path, required=True, help="table of gates, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    with rendering_device(RenderingOptions(**flags.rendering), threads=flags.threads) as device:
        train = clips_of_part(flags.split, "train")
        _, held_out = hold_out_validation(train, fraction=flags.validation, seed=flags.seed)
        clips = open_clips(flags.features, held_out)
        field = restore_field(load_checkpoint(flags.field, "motion_field")).to(device.device)
        write_gates(try_field(field, clips), flags.output)
