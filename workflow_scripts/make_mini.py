"""Make one speaker of the embedded mini data set."""

import argparse
from pathlib import Path

from emohead.mead import EMOTIONS
from emohead.mini.dataset import make_speaker


def main() -> None:
    """Read the flags and write the clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speaker", required=True)
    parser.add_argument("--emotions", nargs="+", default=EMOTIONS)
    parser.add_argument("--levels", type=int, nargs="+", default=[3])
    parser.add_argument("--sentences", type=int, default=10)
    parser.add_argument("--frame-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="the speaker's own folder")
    options = parser.parse_args()
    if options.output.name != options.speaker:
        parser.error(f"--output {options.output} has to end in the speaker's id {options.speaker}")
    make_speaker(
        options.output.parent,
        options.speaker,
        emotions=options.emotions,
        levels=options.levels,
        sentences=options.sentences,
        frame_size=options.frame_size,
        seed=options.seed,
        workers=options.workers,
    )


if __name__ == "__main__":
    main()
