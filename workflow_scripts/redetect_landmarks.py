"""Rule redetect_landmarks: rendered clips -> what dlib sees on them: landmarks, and who it is."""

import argparse
from pathlib import Path

from emohead.evaluation.identity import FaceDescriber
from emohead.evaluation.redetect import redetect, save_redetected
from emohead.features.faces import FaceFinder
from emohead.features.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--output", type=Path, required=True, help="landmarks, .npz")

if __name__ == "__main__":
    flags = parser.parse_args()
    finder, describer = FaceFinder(), FaceDescriber()
    clips = open_clips([flags.shard])
    seen = {clip_id: redetect(clip, finder, describer) for clip_id, clip in clips.items()}
    save_redetected(flags.output, seen)
