"""Flags of the scripts that read a method's clips, and the clips that they name."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from emohead.data.references import PROTOCOLS
from emohead.data.split import clips_of_part
from emohead.features.faces import FaceFinder
from emohead.features.store import StoredClip, open_clips
from emohead.methods.foreign_videos import ForeignVideos, place_videos
from emohead.methods.rendered import STAND_INS, RenderedClip, open_rendering, stand_in_clips
from emohead.methods.video_names import OUR_NAMES
from emohead.methods.video_notes import Note


def add_clip_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name a speaker's true test clips and the reference faces."""
    parser.add_argument(
        "--features", type=Path, nargs="+", required=True, help="the speaker's feature shards"
    )
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--speaker", required=True)
    parser.add_argument(
        "--state", type=Path, required=True, help="folder of what an unfinished job has done"
    )
    parser.add_argument(
        "--code", required=True, help="a digest of the code: what other code did is done again"
    )


def add_rendered_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name a run and where its clips come from."""
    parser.add_argument("--method", required=True)
    parser.add_argument("--reference", choices=PROTOCOLS, required=True, help="whose face is given")
    parser.add_argument("--seed", type=int, required=True, help="of the models' training")
    parser.add_argument("--clips", type=Path, required=True, help="clips.csv, for the sound")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--rendered", type=Path, help="folder of rendered clips, .h5")
    source.add_argument(
        "--stand-ins", nargs=2, choices=STAND_INS, metavar=("LANDMARKS", "FRAMES"),
        help="`truth` or `reference`, for what needs no model",
    )  # fmt: skip
    add_video_flags(parser, source)


def add_video_flags(
    parser: argparse.ArgumentParser, group: argparse._MutuallyExclusiveGroup | None = None
) -> None:
    """Add the flags of somebody else's videos; `--videos` to `group`, if there is one."""
    (group or parser).add_argument("--videos", type=Path, help="folder of somebody else's videos")
    parser.add_argument("--names", default=OUR_NAMES, help="of the videos: a pattern, or a table")
    parser.add_argument(
        "--start", type=int, default=0, help="the frame of a video that shows the clip's first"
    )


def foreign_videos(flags: argparse.Namespace) -> ForeignVideos:
    """The method of videos that the flags of `add_video_flags` describe."""
    return ForeignVideos(flags.videos, flags.names, flags.start)


def true_clips(flags: argparse.Namespace) -> dict[str, StoredClip]:
    """The speaker's test clips."""
    return open_clips(flags.features, clips_of_part(flags.split, "test", flags.speaker))


def rendered_clips(
    flags: argparse.Namespace, clips: Mapping[str, StoredClip], finder: FaceFinder
) -> tuple[dict[str, RenderedClip], list[Note]]:
    """The method's clips, and notes on each of somebody else's videos."""
    if flags.rendered:
        return open_rendering(flags.rendered, flags.method), []
    if flags.stand_ins:
        landmarks, frames = flags.stand_ins
        made = stand_in_clips(
            clips, flags.reference, method=flags.method, landmarks=landmarks, translator=frames
        )
        return made, []
    return place_videos(
        foreign_videos(flags), clips, finder, method=flags.method, reference=flags.reference
    )
