"""Whole clips through all metrics: known answers, and what a changed video does to each."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from method_factory import Film

from emohead.evaluation.catalogue import METRICS
from emohead.evaluation.emotion_judges import EmotionJudges, Judge
from emohead.evaluation.redetect import (
    Redetected,
    collect_redetected,
    load_redetected,
    redetect,
    save_redetected,
)
from emohead.evaluation.score import evaluate_clip
from emohead.evaluation.scores import score_table
from emohead.features.faces import FaceDescriber, FaceFinder
from emohead.features.store import ShardWriter, open_clips
from emohead.methods.rendered import RenderedClip
from emohead.mini.action_units import EXPRESSIONS
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.visemes import MouthShape

CLIP = "W901-front-happy-3-001"
FRAMES, SIZE = 24, 128
OF_NETWORKS = {"lpips", "fid", "fvd", "sync_confidence", "sync_distance", "sync_offset"}
#: Says happy of everything.
HAPPY = EmotionJudges(
    landmarks=Judge(("happy", "sad"), np.zeros((2, 136)), np.array([1.0, 0])),
    pixels=Judge(("happy", "sad"), np.zeros((2, 1024)), np.array([1.0, 0])),
)


@pytest.fixture(scope="module")
def talking():
    """A drawn face that speaks, uint8 [FRAMES, SIZE, SIZE, 3]."""
    renderer = Renderer(PORTRAITS["W901"]())
    units = EXPRESSIONS["happy"].unit_weights()
    opening = 0.5 + 0.5 * np.random.default_rng(4).uniform(-1, 1, FRAMES)
    poses = [FacePose(units, MouthShape(open=o), jaw=o) for o in opening]
    return np.stack([renderer.render(pose, SIZE) for pose in poses])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """store(frames, landmarks=...) -> the clip of these frames in a shard."""
    folder = tmp_path_factory.mktemp("shards")
    made = iter(range(1000))

    def write(frames, clip_id=CLIP, landmarks=None, attributes=None):
        path = folder / f"{next(made)}.h5"
        landmarks = np.zeros((len(frames), 68, 2)) if landmarks is None else landmarks
        with ShardWriter(path, codec="png") as writer:
            writer.add(clip_id, landmarks=landmarks, frames=frames, attributes=attributes)
        return open_clips([path])[clip_id]

    return write


@pytest.fixture(scope="module")
def see(store):
    """see(frames, landmarks=...) -> a method's clip of these frames, and what dlib sees on it."""
    finder, describer = FaceFinder(), FaceDescriber()

    def rendered(frames, **options):
        clip = as_rendered(store(frames, **options))
        return clip, redetect(clip.frames(), clip.length, finder, describer)

    return rendered


@pytest.fixture(scope="module")
def truth(store, see, talking):
    """The true clip, and what dlib sees on it."""
    seen = see(talking)[1]
    return store(talking, landmarks=seen.landmarks), seen


def as_rendered(clip):
    return RenderedClip(clip.clip_id, clip.landmarks, clip.iterate_frames, clip.attributes, "")


@pytest.fixture(scope="module")
def scored(see, truth):
    """scored(frames) -> the metrics of these frames in the place of the true ones."""

    def score(frames, judges=HAPPY, **options):
        clip, seen = see(frames, **options)
        return evaluate_clip(clip, truth[0], seen, truth[1], judges)

    return score


def moved(frames, x, y):
    way = np.array([[1, 0, x], [0, 1, y]], float)
    return np.stack(
        [cv2.warpAffine(f, way, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE) for f in frames]
    )


@pytest.fixture(scope="module")
def perfect(truth):
    return evaluate_clip(as_rendered(truth[0]), truth[0], truth[1], truth[1], HAPPY)


def test_the_truth_gets_exactly_0_0_1_and_inf(perfect):
    for (metric, convention), value in perfect.items():
        if metric.endswith(("_lmd", "_lvd")) or metric in ("identity", "lip_lag", "faces_missed"):
            assert value == 0, (metric, convention)
        elif metric == "ssim":
            assert value == 1
        elif metric.startswith("psnr"):
            assert value == math.inf
        elif metric == "lip_correlation":
            assert value == pytest.approx(1, abs=1e-12)
    assert perfect["frames", "count"] == FRAMES - 1
    assert perfect["emotion_accuracy", "landmarks"] == 1
    assert 0.05 < perfect["sharpness", "cpbd"] <= 1


def test_the_catalogue_is_computed_whole(perfect):
    elsewhere = {("emotion_accuracy", "sound")}  # in the ablations
    elsewhere |= {("identity", "arcface_cosine"), ("emotion_accuracy", "emotion_fan")}
    of_dynamics = {(m.name, m.convention) for m in METRICS if m.convention == "theval"}
    elsewhere |= of_dynamics | {("head_motion", "ratio"), ("head_motion", "diversity")}
    expected = {(m.name, m.convention) for m in METRICS if m.name not in OF_NETWORKS} - elsewhere
    assert set(perfect) == expected


def test_a_shifted_video(scored, talking):
    """Raw distances grow by the shift, centred ones and the lips stay; pictures lose."""
    values = scored(moved(talking, 3, 4))
    for metric in ("f_lmd", "m_lmd", "jaw_lmd"):
        assert values[metric, "redetected/raw/128"] == pytest.approx(5, abs=0.35)
        assert values[metric, "redetected/raw/256"] == pytest.approx(10, abs=0.7)
        assert values[metric, "redetected/centred/128"] < 0.6
    assert values["psnr", "face"] < 27
    assert values["ssim", "frame"] < 0.9
    assert values["lip_correlation", "redetected"] > 0.9
    assert values["lip_lag", "redetected"] == 0
    assert values["identity", "dlib_distance"] < 0.2


def test_a_blurred_video(scored, talking, perfect):
    soft, softer = (
        scored(np.stack([cv2.GaussianBlur(f, (0, 0), s) for f in talking])) for s in (1, 2)
    )
    order = [perfect, soft, softer]
    for metric, convention in (("sharpness", "cpbd"), ("psnr", "frame"), ("ssim", "mouth")):
        values = [each[metric, convention] for each in order]
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == 3
    assert softer["f_lmd", "redetected/centred/128"] < 1.5
    assert softer["psnr_legacy", "grey_wrapped"] > softer["psnr", "frame"]


@pytest.mark.parametrize("late", [2, -3])
def test_a_delayed_video(scored, talking, truth, perfect, late):
    shown = np.clip(np.arange(FRAMES) - late, 0, FRAMES - 1)
    values = scored(talking[shown], landmarks=truth[0].landmarks[shown])
    assert values["lip_lag", "redetected"] == late
    assert values["lip_lag", "predicted"] == late
    assert values["lip_correlation", "redetected"] < 0.7
    assert values["m_lvd", "redetected/centred/128"] > 0.3
    assert values["sharpness", "cpbd"] == pytest.approx(perfect["sharpness", "cpbd"], abs=0.1)


def test_a_still_picture_has_no_lips_to_compare(scored, talking):
    values = scored(np.repeat(talking[:1], FRAMES, axis=0))
    assert math.isnan(values["lip_correlation", "redetected"])
    assert math.isnan(values["lip_lag", "redetected"])
    assert values["m_lmd", "redetected/centred/128"] > 0.3


def test_sums_and_sizes_of_one_distance(scored, talking):
    values = scored(moved(talking[::-1], 1, 0))
    mean = values["m_lmd", "redetected/centred/128"]
    assert values["m_lmd", "atvg_sum"] == pytest.approx(20 * mean)
    assert values["m_lmd", "redetected/centred/256"] == pytest.approx(2 * mean)


def test_predicted_landmarks_are_the_shard_s(scored, talking, truth):
    values = scored(talking, landmarks=truth[0].landmarks + np.array([6, 8]))
    assert values["f_lmd", "predicted/raw/128"] == pytest.approx(10, rel=1e-5)
    assert values["f_lmd", "predicted/centred/128"] == pytest.approx(0, abs=1e-4)
    assert values["f_lmd", "redetected/raw/128"] == 0


def test_another_face_is_another_person(scored):
    other = Renderer(PORTRAITS["W902"]()).render(FacePose.at_rest(), SIZE)
    values = scored(np.repeat(other[None], FRAMES, axis=0))
    assert values["identity", "dlib_distance"] > 0.6


def test_a_foreign_clip_without_landmarks_and_end(scored, talking):
    nothing = np.full((10, 68, 2), np.nan)
    values = scored(talking[:10], landmarks=nothing)
    assert values["frames", "count"] == 9
    assert values["psnr", "frame"] == math.inf
    assert values["f_lmd", "redetected/centred/128"] < 0.1
    table = score_table({CLIP: values}, method="evp", reference="same_emotion", seed=0)
    assert not table["convention"].str.startswith("predicted").any()
    assert len(table[table["convention"] == "redetected/raw/256"]) == 5


def test_a_rendering_without_a_face_is_counted(scored):
    values = scored(np.full((FRAMES, SIZE, SIZE, 3), 120, np.uint8))
    assert values["faces_missed", "count"] == FRAMES - 1
    for name in (("f_lmd", "redetected/centred/128"), ("identity", "dlib_distance"),
                 ("lip_lag", "redetected"), ("emotion_accuracy", "landmarks")):  # fmt: skip
        assert math.isnan(values[name])
    assert values["psnr", "frame"] < 20


def test_the_first_frame_is_not_scored(scored, talking):
    frames = talking.copy()
    frames[0] = 0
    values = scored(frames)
    assert values["psnr", "frame"] == math.inf
    assert values["frames", "count"] == FRAMES - 1


def test_a_clip_of_one_frame_has_nothing_to_score(scored, talking):
    assert scored(talking[:1])["frames", "count"] == 0


def test_longer_or_larger_than_the_truth_is_an_error(see, truth, talking):
    long = see(np.concatenate([talking, talking[:1]]))
    with pytest.raises(ValueError, match=rf"{CLIP}: 25 frames rendered, more than the true 24"):
        evaluate_clip(long[0], truth[0], long[1], truth[1], HAPPY)
    large = np.stack([cv2.resize(frame, (160, 160)) for frame in talking[:5]])
    large = see(large)
    with pytest.raises(ValueError, match="160 pixels, the true ones 128"):
        evaluate_clip(large[0], truth[0], large[1], truth[1], HAPPY)


@pytest.mark.parametrize(("emotion", "right"), [(4, 1.0), (6, 0.0)])
def test_msef_names_the_emotion(scored, talking, emotion, right):
    probabilities = [0.05] * 8
    probabilities[emotion] = 0.9  # 4 is happy, 6 sad
    values = scored(talking[:5], attributes={"emotion_probabilities": json.dumps(probabilities)})
    assert values["emotion_accuracy", "msef"] == right
    assert math.isnan(scored(talking[:5])["emotion_accuracy", "msef"])


def test_judges_name_the_emotion(scored, talking):
    said_sad = replace(HAPPY, pixels=replace(HAPPY.pixels, bias=np.array([0.0, 1])))
    values = scored(talking[:5], judges=said_sad)
    assert values["emotion_accuracy", "pixels"] == 0
    assert values["emotion_accuracy", "landmarks"] == 1


def test_what_dlib_saw_comes_back_from_disk(truth, tmp_path):
    predicted = truth[0].landmarks + 1
    save_redetected(tmp_path / "a.npz", {CLIP: truth[1]}, {CLIP: predicted})
    other = Redetected(*(array[:9] for array in vars(truth[1]).values()))
    save_redetected(tmp_path / "b.npz", {"W901-x": other}, {"W901-x": predicted[:9]})
    collect_redetected([tmp_path / "a.npz", tmp_path / "b.npz"], tmp_path / "landmarks.npz")
    found = load_redetected(tmp_path / "landmarks.npz")
    for clip_id, expected in ((CLIP, truth[1]), ("W901-x", other)):
        for name in ("landmarks", "found", "descriptors"):
            np.testing.assert_array_equal(getattr(found[clip_id], name), getattr(expected, name))
    assert found[CLIP].descriptors.shape == (1, 128)  # of frame 1
    with np.load(tmp_path / "landmarks.npz") as arrays:
        np.testing.assert_array_equal(arrays[f"{CLIP}/predicted"], predicted)


def test_a_long_clip_is_scored_a_few_frames_at_a_time(tmp_path):
    film = Film(600, 64)
    points = np.random.default_rng(0).uniform(10, 54, (600, 68, 2)).astype(np.float32)
    with ShardWriter(tmp_path / "s.h5", codec="bmp") as writer:
        writer.add(CLIP, landmarks=points, frames=Film(600, 64)())
    clip = open_clips([tmp_path / "s.h5"])[CLIP]
    ours = RenderedClip(CLIP, points, film, {}, "")
    seen = Redetected(points, np.ones(600, bool), np.zeros((60, 128)))
    values = evaluate_clip(ours, clip, seen, seen, HAPPY)
    assert values["frames", "count"] == 599
    assert values["ssim", "frame"] == 1
    assert film.most < 6
