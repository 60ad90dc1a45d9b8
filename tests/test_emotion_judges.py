import cv2
import numpy as np
import pytest

from emohead.evaluation.emotion_judges import (
    EmotionJudges,
    Judge,
    landmark_features,
    load_judges,
    picture_features,
    save_judges,
    small_grey,
)
from emohead.evaluation.judge_fitting import fit_judge, fit_judges
from emohead.features.store import ShardWriter, open_clips

SAYS = {"happy": 6.0, "sad": -6.0, "neutral": 0.0}  # how far up the corners of the lips go, px


def face(emotion, speaker, draw):
    """Landmarks [68, 2] of an emotion: corners of the lips, on a speaker's own face."""
    points = np.random.default_rng(speaker).uniform(30, 100, (68, 2))
    points[[48, 54], 1] -= SAYS[emotion]
    return points + draw.normal(0, 0.5, points.shape)


def write_clips(path, *, numbers, emotions=tuple(SAYS), speakers=(1, 2), seed=0, frames=20):
    """Clips whose landmarks show the emotion in every frame, and their pictures as a patch."""
    draw = np.random.default_rng(seed)
    with ShardWriter(path, codec="png") as writer:
        for speaker in speakers:
            for emotion in emotions:
                for number in numbers:
                    pictures = draw.integers(90, 110, (frames, 64, 64, 3), np.uint8)
                    pictures += np.uint8(10 * speaker)
                    pictures[:, 40:50, 10:50] += np.uint8(40 + 5 * SAYS[emotion])
                    level = 1 if emotion == "neutral" else 3
                    writer.add(
                        f"W{speaker}-front-{emotion}-{level}-{number:03d}",
                        landmarks=[face(emotion, speaker, draw) for _ in range(frames)],
                        frames=pictures,
                    )
    return open_clips([path])


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    path = tmp_path_factory.mktemp("judges") / "train.h5"
    return fit_judges(write_clips(path, numbers=range(1, 4)))


def test_clips_not_seen_in_training_are_named(judges, tmp_path):
    for clip_id, clip in write_clips(tmp_path / "test.h5", numbers=[9], seed=1).items():
        emotion = clip_id.split("-")[2]
        assert judges.landmarks.name(landmark_features(clip.landmarks, 64)) == emotion
        seen = picture_features([small_grey(frame) for frame in clip.frames()[::5]])
        assert judges.pixels.name(seen) == emotion


def test_a_shift_of_the_whole_face_says_nothing(judges):
    points = face("happy", 1, np.random.default_rng(3))[None]
    shifted = landmark_features(points + np.array([9, -9]), 64)
    np.testing.assert_allclose(shifted, landmark_features(points, 64), atol=1e-12)
    assert judges.landmarks.name(shifted) == "happy"


def test_landmark_features_are_of_the_crop():
    points = np.random.default_rng(0).uniform(0, 128, (7, 68, 2))
    features = landmark_features(points, 128)
    centred = points - points.mean(axis=1)[:, None]
    np.testing.assert_allclose(features.reshape(68, 2), centred.mean(0) / 128)
    np.testing.assert_allclose(landmark_features(2 * points, 256), features)


def test_picture_features_are_the_mean_grey_picture():
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    frames[0, :32] = 255
    features = picture_features([small_grey(f) for f in frames]).reshape(32, 32)
    np.testing.assert_allclose(features[:16], 0.5)
    np.testing.assert_allclose(features[16:], 0)


def test_two_gaussians_by_their_discriminant():
    """Of equal spherical noise, the judge is the nearest mean, at any shrinkage."""
    draw = np.random.default_rng(0)
    means = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2]])
    examples = np.concatenate([mean + draw.normal(0, 1, (2000, 3)) for mean in means])
    judge = fit_judge(examples, ["angry"] * 2000 + ["happy"] * 2000 + ["sad"] * 2000)
    points = draw.normal(0.7, 1, (500, 3))
    nearest = np.linalg.norm(points[:, None] - means, axis=-1)
    order = np.sort(nearest, axis=1)
    clear = order[:, 1] - order[:, 0] > 0.2
    named = [judge.name(point) for point in points[clear]]
    assert named == [("angry", "happy", "sad")[k] for k in nearest[clear].argmin(1)]


def test_two_emotions(tmp_path):
    judges = fit_judges(
        write_clips(tmp_path / "s.h5", numbers=[1, 2], emotions=["happy", "neutral"])
    )
    draw = np.random.default_rng(8)
    for emotion in ("happy", "neutral"):
        features = landmark_features(face(emotion, 2, draw)[None], 64)
        assert judges.landmarks.name(features) == emotion


def test_one_long_take_of_each_emotion_is_many_examples(tmp_path):
    long = write_clips(tmp_path / "long.h5", numbers=[1], speakers=[1], frames=150)
    judge = fit_judges(long).landmarks
    named = judge.name(landmark_features(face("sad", 1, np.random.default_rng(8))[None], 64))
    assert named == "sad"
    short = write_clips(tmp_path / "short.h5", numbers=[1], speakers=[1], frames=50)
    assert fit_judges(short).landmarks.emotions == ()


def test_more_clips_of_an_emotion_make_it_no_likelier():
    draw = np.random.default_rng(0)
    examples = np.concatenate([draw.normal(-1, 1, (4000, 1)), draw.normal(1, 1, (200, 1))])
    judge = fit_judge(examples, ["happy"] * 4000 + ["sad"] * 200)
    boundary = (judge.bias[0] - judge.bias[1]) / (judge.weights[1, 0] - judge.weights[0, 0])
    assert boundary == pytest.approx(0, abs=0.12)


def test_nothing_is_judged_with_too_little_to_go_by():
    assert fit_judge(np.zeros((5, 2)), ["sad"] * 5).name(np.zeros(2)) is None
    assert fit_judge(np.eye(2), ["sad", "happy"]).name(np.zeros(2)) is None


def test_no_verdict_on_what_was_not_seen(judges):
    assert judges.landmarks.name(np.full(136, np.nan)) is None


def test_judges_come_back_from_disk(judges, tmp_path):
    save_judges(tmp_path / "judges.npz", judges)
    again = load_judges(tmp_path / "judges.npz")
    for one, other in zip(vars(judges).values(), vars(again).values(), strict=True):
        assert one.emotions == other.emotions == ("happy", "neutral", "sad")
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.bias, other.bias)


def test_judges_of_nothing_come_back_too(tmp_path):
    nothing = Judge((), np.zeros((0, 3)), np.zeros(0))
    save_judges(tmp_path / "judges.npz", EmotionJudges(nothing, nothing))
    assert load_judges(tmp_path / "judges.npz").pixels.name(np.zeros(3)) is None


def test_a_judge_is_linear():
    judge = Judge(("angry", "sad"), np.array([[1.0, 0], [0, 1]]), np.array([0, 0.5]))
    assert judge.name(np.array([1.0, 0.4])) == "angry"
    assert judge.name(np.array([1.0, 0.6])) == "sad"


def test_blur_does_not_change_the_verdict(judges, tmp_path):
    for clip_id, clip in write_clips(tmp_path / "t.h5", numbers=[9], seed=2, frames=5).items():
        soft = [small_grey(cv2.GaussianBlur(frame, (0, 0), 1.5)) for frame in clip.frames()]
        assert judges.pixels.name(picture_features(soft)) == clip_id.split("-")[2]
