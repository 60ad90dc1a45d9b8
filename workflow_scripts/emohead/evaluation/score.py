"""The metrics of a method's rendered clips against the true ones."""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from emohead.data.mead import EMOTIONS, Clip, parse_clip_id
from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.dynamics import dynamics_values
from emohead.evaluation.emotion_judges import (
    PICTURE_EVERY,
    EmotionJudges,
    landmark_features,
    picture_features,
    small_grey,
)
from emohead.evaluation.identity import identity_distance
from emohead.evaluation.landmark_metrics import landmark_values
from emohead.evaluation.picture_metrics import boxes_of, picture_values
from emohead.evaluation.redetect import (
    Redetected,
    collect_redetected,
    load_redetected,
    redetect,
    save_redetected,
)
from emohead.evaluation.scores import Values, values_from_json, values_to_json
from emohead.features.faces import FaceDescriber, FaceFinder
from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.media.reading import SAMPLES_PER_FRAME, clip_audio
from emohead.methods.rendered import RenderedClip, sound_of, write_clip
from emohead.resume import say_resumed, timed

_NAN = float("nan")


def evaluate_clip(
    ours: RenderedClip,
    truth: StoredClip,
    ours_seen: Redetected,
    truth_seen: Redetected,
    judges: EmotionJudges,
) -> Values:
    """The metrics of one rendered clip; nan where one can't be computed.

    `ours_seen` and `truth_seen` are what dlib sees on the two. A rendered clip may be shorter than
    the true one: the frames that both have are scored, without the first one, which can be the
    reference face that the method was given. Raises ValueError for a longer clip, or for frames of
    another size.
    """
    if ours.length > truth.length:
        raise ValueError(
            f"{ours.clip_id}: {ours.length} frames rendered, more than the true {truth.length}"
        )
    scored = slice(FIRST_SCORED, ours.length)
    values: dict[tuple[str, str], float] = {
        ("frames", "count"): max(0, ours.length - FIRST_SCORED),
        ("faces_missed", "count"): int((~ours_seen.found[scored]).sum()),
    }
    if ours.length <= FIRST_SCORED:
        return values
    size = truth.crop_size
    made = next(ours.frames()).shape[0]
    if made != size:
        raise ValueError(
            f"{ours.clip_id}: rendered frames have {made} pixels, the true ones {size}: render "
            "again with today's features.crop_size"
        )
    for points, seen, true in (
        ("redetected", ours_seen.landmarks, truth_seen.landmarks),
        ("predicted", ours.landmarks, truth.landmarks),
    ):
        seen, true = (each[scored].astype(np.float64) / size for each in (seen, true))
        values |= landmark_values(seen, true, points)
    judged: list[np.ndarray] = []
    values |= picture_values(
        zip(
            _keeping_judged(islice(ours.frames(), FIRST_SCORED, None), judged),
            islice(truth.iterate_frames(), FIRST_SCORED, ours.length),
            strict=True,
        ),
        boxes_of(truth.landmarks, size),
    )
    values["identity", "dlib_distance"] = identity_distance(
        ours_seen.descriptors, truth_seen.descriptors
    )
    named = {
        "landmarks": judges.landmarks.name(landmark_features(ours_seen.landmarks[scored], size)),
        "pixels": judges.pixels.name(picture_features(judged)),
        "msef": emotion_of_msef(ours),
    }
    emotion = parse_clip_id(ours.clip_id).emotion
    for convention, name in named.items():
        values["emotion_accuracy", convention] = _NAN if name is None else float(name == emotion)
    return values


def _keeping_judged(frames: Iterable[np.ndarray], judged: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The same frames; those that the picture judge looks at are put into `judged`, small."""
    for t, frame in enumerate(frames):
        if t % PICTURE_EVERY == 0:
            judged.append(small_grey(frame))
        yield frame


def emotion_of_msef(clip: RenderedClip) -> str | None:
    """The emotion that the method's own classifier named, where it has one."""
    probabilities = clip.attributes.get("emotion_probabilities")
    return None if probabilities is None else EMOTIONS[int(np.argmax(json.loads(probabilities)))]


def evaluate_dynamics(
    ours: RenderedClip,
    truth: StoredClip,
    ours_seen: Redetected,
    truth_seen: Redetected,
    take: Clip,
) -> Values:
    """How the face of a rendered clip moves, beside its sound in `take`; nothing without a face."""
    scored = slice(FIRST_SCORED, ours.length)
    points, true = (seen.landmarks[scored].astype(float) for seen in (ours_seen, truth_seen))
    if not len(points) or np.isnan(points).any() or np.isnan(true).any():
        return {}
    sound = sound_of(truth, clip_audio(take))
    piece = sound[FIRST_SCORED * SAMPLES_PER_FRAME : ours.length * SAMPLES_PER_FRAME]
    return dynamics_values(points / truth.crop_size, true / truth.crop_size, piece)


@dataclass(frozen=True)
class ScoredFiles:
    """What `score_clips` writes: `landmarks` .npz, the predicted and the re-detected ones; and
    `videos`, a folder of `<clip_id>.mp4` of the clips that are to be shown.
    """

    landmarks: Path
    videos: Path


def score_clips(
    rendered: Mapping[str, RenderedClip],
    truth: Mapping[str, StoredClip],
    truth_seen: Path | None,
    judges: EmotionJudges,
    finder: FaceFinder,
    *,
    show: Collection[str],
    takes: Mapping[str, Clip],
    state: Path,
    files: ScoredFiles,
) -> dict[str, Values]:
    """The metrics of all rendered clips of a method, which need not be all that there are.

    `truth_seen` is the `landmarks` file of the ground truth, None for the ground truth itself.
    `takes` name the files of the clips' sound. Finished clips are kept in `state` (see
    `emohead.resume.resumable`) until all are. Raises ValueError for a clip that isn't a test clip.
    """
    unknown = sorted(set(rendered) - set(truth))
    if unknown:
        raise ValueError(
            f"{len(unknown)} rendered clips are no test clips, for example {unknown[0]}: "
            "render the method again"
        )
    cv2.setNumThreads(1)
    true = None if truth_seen is None else load_redetected(truth_seen)
    describer = FaceDescriber()
    say_resumed(sum(_Piece(state, clip_id).result.exists() for clip_id in rendered), len(rendered))
    for clip_id, clip in tqdm(rendered.items(), desc="scoring", unit="clip", mininterval=5):
        piece = _Piece(state, clip_id)
        if piece.result.exists():
            continue
        with timed(state):
            seen = redetect(clip.frames(), clip.length, finder, describer)
            true_seen = seen if true is None else true[clip_id]
            values = {
                **evaluate_clip(clip, truth[clip_id], seen, true_seen, judges),
                **evaluate_dynamics(clip, truth[clip_id], seen, true_seen, takes[clip_id]),
            }
            if clip_id in show:
                write_clip(clip, truth[clip_id], takes[clip_id], piece.video)
            save_redetected(piece.landmarks, {clip_id: seen}, {clip_id: clip.landmarks})
        piece.write(values)
    pieces = [_Piece(state, clip_id) for clip_id in rendered]
    _collect(pieces, files)
    return {piece.clip_id: piece.read() for piece in pieces}


@dataclass(frozen=True)
class _Piece:
    """One clip's files in the state folder; `result` is written last: then all are whole."""

    state: Path
    clip_id: str

    @property
    def result(self) -> Path:
        return self.state / f"{self.clip_id}.json"

    @property
    def landmarks(self) -> Path:
        return self.state / f"{self.clip_id}.npz"

    @property
    def video(self) -> Path:
        return self.state / f"{self.clip_id}.mp4"

    def write(self, values: Values) -> None:
        with whole_file(self.result) as unfinished:
            unfinished.write_text(values_to_json(values))

    def read(self) -> Values:
        return values_from_json(self.result.read_text())


def _collect(pieces: Sequence[_Piece], files: ScoredFiles) -> None:
    """Put the pieces together."""
    collect_redetected([piece.landmarks for piece in pieces], files.landmarks)
    files.videos.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        if piece.video.exists():
            shutil.copyfile(piece.video, files.videos / piece.video.name)
