"""Rule render_clips: a landmark model and a translator render a speaker's test clips."""

import argparse
import json
from pathlib import Path

from emohead.data.references import PROTOCOLS, choose_target_clip
from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.methods.device import rendering_device
from emohead.methods.flags import add_clip_flags, true_clips
from emohead.methods.method import read_method, render_clips
from emohead.methods.options import RenderingOptions
from emohead.methods.rendered import BUNDLE, MOTION, STAND_INS, WARP
from emohead.resume import resumable

parser = argparse.ArgumentParser(description=__doc__)
add_clip_flags(parser)
parser.add_argument("--landmarks", required=True, help="a checkpoint, `truth` or `reference`")
parser.add_argument(
    "--translator", required=True, help="a checkpoint, `truth`, `reference` or `warp`"
)
parser.add_argument(
    "--bundle", type=Path, help="a bundle, of which those parts are that are called `bundle`"
)
parser.add_argument("--field", type=Path, help="a motion field, in the place of both")
parser.add_argument("--sound", type=Path, help="its keypoints from sound; else the clip's own")
parser.add_argument("--pose", choices=("own", "truth"), default="own", help="of the heads")
parser.add_argument(
    "--target", action="store_true", help="a neutral training clip is the target video"
)
parser.add_argument("--told", action="store_true", help="the emotion is told, not heard")
parser.add_argument("--method", required=True)
parser.add_argument("--reference", choices=PROTOCOLS, required=True, help="whose face is given")
parser.add_argument("--rendering", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--keep", action="store_true", help="compress the frames: they stay")
parser.add_argument("--folder", type=Path, required=True, help="of rendered clips, .h5")

if __name__ == "__main__":
    flags = parser.parse_args()
    options = RenderingOptions(**flags.rendering)
    with rendering_device(options, threads=flags.threads) as device:
        print(device, flush=True)
        parts = (flags.landmarks, flags.translator)
        models = [*filter(None, (flags.bundle, flags.field, flags.sound))]
        models += [Path(part) for part in parts if part not in (*STAND_INS, WARP, BUNDLE, MOTION)]
        inputs = [
            flags.code,
            *parts,
            *models,
            *flags.features,
            flags.split,
            flags.reference,
            flags.pose,
            device.precision,
        ]
        target = None
        if flags.target:
            train = open_clips(flags.features, clips_of_part(flags.split, "train", flags.speaker))
            target = train[choose_target_clip(train, flags.speaker)]
        with resumable(flags.state, *inputs, flags.target, flags.told, flags.keep) as state:
            render_clips(
                read_method(
                    flags.method,
                    flags.landmarks,
                    flags.translator,
                    device,
                    flags.pose,
                    flags.bundle,
                    target,
                    told=flags.told,
                    field=flags.field,
                    sound=flags.sound,
                ),
                true_clips(flags),
                reference=flags.reference,
                keep=flags.keep,
                state=state,
                folder=flags.folder,
            )
