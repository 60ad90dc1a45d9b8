"""Rule redetect_landmarks: a method's rendered clips -> the landmarks that dlib sees on them."""

import argparse
from pathlib import Path

from emohead.evaluation.redetect import redetect, save_redetected
from emohead.faces import FaceFinder
from emohead.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--output", type=Path, required=True, help="landmarks, .npz")

if __name__ == "__main__":
    flags = parser.parse_args()
    finder = FaceFinder()
    clips = open_clips([flags.shard])
    save_redetected(flags.output, {name: redetect(clip, finder) for name, clip in clips.items()})
