"""Rule report_landmarks: the methods' shown clips -> Fig. 5, predicted landmarks over time."""

import argparse
from pathlib import Path

from emohead.evaluation.shown import clips_to_show, of_emotions
from emohead.report.flags import add_method_flags
from emohead.report.landmarks_figure import write_landmarks_figure
from emohead.report.methods import named_methods

parser = argparse.ArgumentParser(description=__doc__)
add_method_flags(parser, "the folder of its run")
parser.add_argument(
    "--emotions", nargs="+", default=["happy", "angry", "surprised", "sad"], help="one clip each"
)
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--frames-per-clip", type=int, default=5)
parser.add_argument("--output", type=Path, nargs="+", required=True, help=".png and .pdf files")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_landmarks_figure(
        named_methods(flags.method, flags.label),
        clips=of_emotions(clips_to_show(flags.split), flags.emotions),
        frames_per_clip=flags.frames_per_clip,
        outputs=flags.output,
    )
