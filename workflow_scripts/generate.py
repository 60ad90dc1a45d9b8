"""Rule generate: a sound and a picture of a face to a video in which the face says it."""

import argparse
from pathlib import Path

from emohead.generate.bundle import read_bundle
from emohead.generate.generate import generate

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--audio", type=Path, required=True, help="any file with sound")
parser.add_argument("--face", type=Path, required=True, help="a picture with a face")
parser.add_argument("--bundle", type=Path, required=True, help="the trained method, .h5")
parser.add_argument("--paste", action="store_true", help="show the whole picture, not the crop")
parser.add_argument("--watermark", action="store_true", help="draw a small visible mark")
parser.add_argument("--head", help="still, natural or a video; default: natural, if it can be")
parser.add_argument("--no-blink", action="store_true", help="leave the lids as predicted")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--out", type=Path, required=True, help="the video, .mp4")

if __name__ == "__main__":
    flags = parser.parse_args()
    bundle = read_bundle(flags.bundle)
    made = generate(
        flags.audio,
        flags.face,
        flags.out,
        bundle,
        paste=flags.paste,
        watermark=flags.watermark,
        head=flags.head or bundle.usual_head,
        blink=not flags.no_blink,
        threads=flags.threads,
        progress=False,
    )
    for note in made.notes:
        print(f"{flags.audio}: {note}")
