"""Rule fetch_vgg_weights: a link to VGG-19's ImageNet weights, fetched and checked."""

import argparse
import sys
from pathlib import Path

from emohead.translator.vgg_weights import provide_imagenet_weights

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--downloads", type=Path, required=True, help="the folder they are kept in")
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    try:
        provide_imagenet_weights(flags.downloads, flags.output)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
