"""Rule score_clips: a method's clips of a speaker -> metrics, landmarks, and the clips to show."""

import argparse
from dataclasses import replace
from pathlib import Path

from emohead.data.clip_tables import read_clips
from emohead.data.split import clips_of_part
from emohead.evaluation.emotion_judges import load_judges
from emohead.evaluation.score import ScoredFiles, score_clips
from emohead.evaluation.scores import score_table, write_scores
from emohead.evaluation.shown import clips_to_show
from emohead.evaluation.study_clips import choose_clips
from emohead.features.faces import FaceFinder
from emohead.methods.flags import add_clip_flags, add_rendered_flags, rendered_clips, true_clips
from emohead.methods.rendered import PROVENANCE
from emohead.methods.video_notes import write_notes
from emohead.provenance import Provenance, find_provenance
from emohead.resume import resumable, seconds_of

parser = argparse.ArgumentParser(description=__doc__)
add_clip_flags(parser)
add_rendered_flags(parser)
parser.add_argument("--true-landmarks", type=Path, help=".npz of the ground truth; not of itself")
parser.add_argument("--judges", type=Path, required=True, help="judges of emotion, .npz")
parser.add_argument("--show-all", action="store_true", help="keep videos of all clips")
parser.add_argument(
    "--study", type=int, nargs=2, metavar=("CLIPS", "SEED"), help="keep a user study's videos, too"
)
parser.add_argument("--scores", type=Path, required=True, help="all metrics, .parquet")
parser.add_argument("--landmarks", type=Path, required=True, help="re-detected, predicted, .npz")
parser.add_argument("--shown", type=Path, required=True, help="folder of the clips to show, .mp4")
parser.add_argument(
    "--notes", type=Path, required=True, help="what became of each of --videos, .csv"
)

if __name__ == "__main__":
    flags = parser.parse_args()
    clips, finder = true_clips(flags), FaceFinder()
    takes = {take.clip_id: take for take in read_clips(flags.clips)}
    rendered, notes = rendered_clips(flags, clips, finder)
    inputs = [
        flags.code,
        *flags.features,
        flags.split,
        flags.clips,
        flags.judges,
        flags.true_landmarks,
    ]
    inputs += [flags.rendered, flags.stand_ins, flags.reference, flags.show_all, flags.study]
    inputs += [flags.start] if flags.videos else []
    show = set(clips if flags.show_all else clips_to_show(flags.split).values())
    if flags.study:
        number, seed = flags.study
        show.update(
            choose_clips(clips_of_part(flags.split, "test"), clips=number, seed=seed).clip_ids
        )
    videos = [Path(clip.attributes["video"]) for clip in rendered.values() if flags.videos]
    with resumable(flags.state, *inputs, *videos) as state:
        values = score_clips(
            rendered,
            clips,
            flags.true_landmarks,
            load_judges(flags.judges),
            finder,
            show=show,
            takes=takes,
            state=state,
            files=ScoredFiles(flags.landmarks, flags.shown),
        )
        table = score_table(values, method=flags.method, reference=flags.reference, seed=flags.seed)
        run = f"{flags.method}/{flags.reference}/seed{flags.seed}"
        by = replace(find_provenance(precision="64-true"), seconds=seconds_of(state))
        made_by = [(f"{run}: scores", by)]
        if flags.rendered:
            frames = Provenance.from_json((flags.rendered / PROVENANCE).read_text())
            made_by.insert(0, (f"{run}: frames", frames))
        write_scores(table, flags.scores, made_by)
    write_notes(notes, flags.notes)
