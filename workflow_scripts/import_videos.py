"""Rule import_videos: a folder of videos that somebody else's method made -> rendered clips."""

import argparse
from pathlib import Path

from emohead.data.references import PROTOCOLS
from emohead.data.split import clips_of_part
from emohead.features.faces import FaceFinder
from emohead.features.store import open_clips
from emohead.methods.foreign_videos import import_videos

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--videos", type=Path, required=True, help="folder of <clip_id>.mp4")
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--clips", type=Path, required=True, help="clips.csv, for the sound")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--method", required=True, help="its name, for the videos' metadata")
parser.add_argument("--reference", choices=PROTOCOLS, required=True, help="whose face it was given")
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--output-videos", type=Path, required=True, help="folder of clips, .mp4")
parser.add_argument("--notes", type=Path, required=True, help="what became of each video, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    import_videos(
        flags.videos,
        open_clips(flags.features, clips_of_part(flags.split, "test")),
        FaceFinder(),
        clip_table=flags.clips,
        method=flags.method,
        reference=flags.reference,
        shard=flags.shard,
        videos=flags.output_videos,
        notes=flags.notes,
    )
