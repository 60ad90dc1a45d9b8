"""The job that scores a method's clips: what it writes, what it shows, and how it goes on."""

from dataclasses import replace

import numpy as np
import pytest

from emohead.data.mead import Clip, parse_clip_id
from emohead.evaluation.emotion_judges import EmotionJudges, Judge
from emohead.evaluation.redetect import load_redetected, redetect
from emohead.evaluation.score import ScoredFiles, evaluate_clip, evaluate_dynamics, score_clips
from emohead.features.faces import FaceDescriber, FaceFinder
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import read_audio, read_video
from emohead.media.writing import write_audio, write_video
from emohead.methods.rendered import RenderedClip, stand_in_clips, write_clip
from emohead.mini.action_units import EXPRESSIONS
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.visemes import MouthShape

CLIPS = tuple(f"W901-front-{name}" for name in ("happy-3-001", "happy-3-002", "sad-3-001"))
FRAMES, SIZE = 13, 96
JUDGES = EmotionJudges(
    landmarks=Judge(("happy", "sad"), np.zeros((2, 136)), np.array([1.0, 0])),
    pixels=Judge(("happy", "sad"), np.zeros((2, 1024)), np.array([1.0, 0])),
)


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """Three clips of a drawn face that speaks."""
    renderer, draw = Renderer(PORTRAITS["W901"]()), np.random.default_rng(0)
    path = tmp_path_factory.mktemp("truth") / "features.h5"
    with ShardWriter(path, codec="png") as writer:
        for clip_id in CLIPS:
            units = EXPRESSIONS[parse_clip_id(clip_id).emotion].unit_weights()
            poses = [FacePose(units, MouthShape(open=o), jaw=o) for o in draw.uniform(0, 1, FRAMES)]
            frames = [renderer.render(pose, SIZE) for pose in poses]
            points = draw.uniform(20, 70, (FRAMES, 68, 2))
            writer.add(clip_id, landmarks=points, frames=frames)
    return open_clips([path])


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    sound = np.random.default_rng(5).normal(0, 0.1, FRAMES * 640).astype(np.float32)
    path = folder / "take.mp4"
    write_video(path, np.zeros((FRAMES, 16, 16, 3), np.uint8), audio=sound)
    return {clip_id: Clip(**vars(parse_clip_id(clip_id)), video=path, audio=path)
            for clip_id in CLIPS}  # fmt: skip


@pytest.fixture
def run(truth, takes, finder, tmp_path):
    """run(rendered) -> the values; the files are in tmp_path."""

    def job(rendered, *, truth_seen=None, show=(), clips=truth):
        (tmp_path / "state").mkdir(exist_ok=True)
        return score_clips(
            rendered, clips, truth_seen, JUDGES, finder, show=show, takes=takes,
            state=tmp_path / "state",
            files=ScoredFiles(tmp_path / "out/landmarks.npz", tmp_path / "out/videos"),
        )  # fmt: skip

    return job


def stand_ins(truth, what):
    return stand_in_clips(truth, "same_emotion", method="m", landmarks=what, translator=what)


def softened(truth):
    """A method that makes all frames of two clips a little darker."""
    return {
        clip_id: RenderedClip(
            clip_id, clip.landmarks + 1,
            lambda clip=clip: (frame - frame // 16 for frame in clip.iterate_frames()),
            {"reference_clip": clip_id}, "made by darker",
        )
        for clip_id, clip in list(truth.items())[:2]
    }  # fmt: skip


def test_values_are_those_of_each_clip_by_itself(run, truth, takes, finder, tmp_path):
    describer = FaceDescriber()
    seen = {i: redetect(c.iterate_frames(), FRAMES, finder, describer) for i, c in truth.items()}
    run(stand_ins(truth, "truth"))
    (tmp_path / "out/landmarks.npz").rename(tmp_path / "true.npz")
    (tmp_path / "state").rename(tmp_path / "earlier")
    ours = softened(truth)
    values = run(ours, truth_seen=tmp_path / "true.npz")
    assert list(values) == list(ours)
    for clip_id, clip in ours.items():
        ours_seen = redetect(clip.frames(), FRAMES, finder, describer)
        both = (clip, truth[clip_id], ours_seen, seen[clip_id])
        expected = {**evaluate_clip(*both, JUDGES), **evaluate_dynamics(*both, takes[clip_id])}
        assert values[clip_id].keys() == expected.keys()
        for name, value in expected.items():
            assert values[clip_id][name] == pytest.approx(value, nan_ok=True, abs=1e-12), name
        again = load_redetected(tmp_path / "out/landmarks.npz")[clip_id]
        np.testing.assert_array_equal(again.landmarks, ours_seen.landmarks)
        with np.load(tmp_path / "out/landmarks.npz") as arrays:
            np.testing.assert_array_equal(arrays[f"{clip_id}/predicted"], clip.landmarks)
        assert values[clip_id]["f_lmd", "predicted/raw/128"] == pytest.approx(
            2**0.5 * 128 / SIZE, rel=1e-5
        )


def test_the_ground_truth_needs_no_other(run, truth):
    values = run(stand_ins(truth, "truth"))
    assert list(values) == list(truth)
    for clip in values.values():
        assert clip["f_lmd", "redetected/raw/128"] == 0
        assert clip["ssim", "frame"] == 1
        assert clip["identity", "dlib_distance"] == 0


@pytest.mark.parametrize("shown", [set(), {CLIPS[1]}, {CLIPS[1], CLIPS[2], "W902-x"}, set(CLIPS)])
def test_clips_to_show_are_kept_and_others_are_not(run, truth, takes, tmp_path, shown):
    ours = softened(truth)
    run(ours, show=shown)
    expected = sorted(shown & set(ours))
    assert sorted(path.name for path in (tmp_path / "out/videos").iterdir()) == [
        f"{clip_id}.mp4" for clip_id in expected
    ]
    for clip_id in expected:
        video = read_video(tmp_path / f"out/videos/{clip_id}.mp4").astype(float)
        assert video.shape == (FRAMES, SIZE, SIZE, 3)
        frames = list(ours[clip_id].frames())
        assert np.abs(video.mean((1, 2)) - np.mean(frames, (1, 2))).max() < 4
        heard = read_audio(tmp_path / f"out/videos/{clip_id}.mp4")[: FRAMES * 640]
        sung = read_audio(takes[clip_id].audio)[: len(heard)]
        assert np.corrcoef(heard, sung)[0, 1] > 0.9


def test_a_kept_part_has_its_own_piece_of_the_sound(tmp_path):
    """The sound goes from 300 to 1200 Hz at 1.2 s; the test part starts at 1 s, with frame 25."""
    clip_id = CLIPS[0]
    seconds = np.arange(2 * 16_000) / 16_000
    pitch = np.where(seconds < 1.2, 300, 1200)
    sound = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / 16_000)
    write_audio(tmp_path / "001.m4a", sound.astype(np.float32), 16_000)
    greys = np.arange(50, dtype=np.uint8)[:, None, None, None] * 5
    film = np.broadcast_to(greys, (50, 64, 64, 3))
    write_video(tmp_path / "001.mp4", film)
    take = Clip("W901", "front", "happy", 3, 1, tmp_path / "001.mp4", tmp_path / "001.m4a")
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        writer.add(clip_id, landmarks=np.zeros((50, 68, 2)), frames=film)
    clips = open_clips([tmp_path / "s.h5"], {clip_id: range(25, 50)})
    made = stand_ins(clips, "truth")[clip_id]
    video = tmp_path / "kept.mp4"
    write_clip(made, clips[clip_id], take, video)
    shown = read_video(video).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, greys[25:].ravel(), atol=3)
    heard = read_audio(video)
    assert len(heard) == pytest.approx(16_000, abs=1024)  # whole blocks of AAC
    spectra = np.abs(np.fft.rfft(heard[: 98 * 160].reshape(-1, 160)))  # bins of 100 Hz
    pitches = spectra.argmax(axis=1) * 100
    change = int(np.flatnonzero(pitches == 1200)[0])
    assert change / 100 == pytest.approx(0.2, abs=0.02)
    assert set(pitches[1 : change - 1]) == {300}
    assert set(pitches[change + 1 : -1]) == {1200}


def test_a_copied_reference_is_looked_at_once(run, truth, monkeypatch):
    """Each of 13 frames of three clips is one and the same picture."""
    described, looked = [], []
    describe, near, boxes = FaceDescriber.describe, FaceFinder.box_near, FaceFinder.boxes
    monkeypatch.setattr(
        FaceDescriber, "describe", lambda self, *a: described.append(1) or describe(self, *a)
    )
    for name, method in (("box_near", near), ("boxes", boxes)):
        monkeypatch.setattr(
            FaceFinder, name, lambda self, *a, method=method: looked.append(1) or method(self, *a)
        )
    run(stand_ins(truth, "reference"))
    assert len(described) == len(looked) == 3


def test_a_clip_that_is_no_test_clip_is_named_before_anything_is_scored(run, truth, tmp_path):
    known = {clip_id: clip for clip_id, clip in truth.items() if clip_id != CLIPS[1]}
    with pytest.raises(ValueError, match=rf"^1 rendered clips are no test clips, .* {CLIPS[1]}"):
        run(softened(truth), clips=known)
    assert not list((tmp_path / "state").iterdir())


def test_a_shorter_clip_is_scored_as_far_as_it_goes(run, truth, tmp_path):
    whole = stand_ins(truth, "truth")[CLIPS[0]]
    short = replace(
        whole, landmarks=whole.landmarks[:5], frames=lambda: iter(list(whole.frames())[:5])
    )
    run(stand_ins(truth, "truth"))
    (tmp_path / "out/landmarks.npz").rename(tmp_path / "true.npz")
    (tmp_path / "state").rename(tmp_path / "earlier")
    values = run({CLIPS[0]: short}, truth_seen=tmp_path / "true.npz", show={CLIPS[0]})[CLIPS[0]]
    assert values["frames", "count"] == 4
    assert values["f_lmd", "redetected/raw/128"] < 0.2
    assert len(read_video(tmp_path / f"out/videos/{CLIPS[0]}.mp4")) == 5


def test_no_clips_are_no_scores(run, tmp_path):
    """Of a speaker of whom somebody else made no video."""
    assert run({}) == {}
    assert load_redetected(tmp_path / "out/landmarks.npz") == {}
    assert list((tmp_path / "out/videos").iterdir()) == []
