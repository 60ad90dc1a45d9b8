"""The target video: what plays, where it lies, and how its head and the landmarks' mouth meet."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emohead.data.references import choose_target_clip
from emohead.methods.target import RIGID, back_and_forth, one_euro, place_target, retarget

DRAW = np.random.default_rng(0)
FACE = DRAW.uniform(30, 100, (68, 2))


def moved(points: np.ndarray, scale: float, angle: float, shift: tuple[float, float]):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ turn.T + shift


def test_a_video_plays_forwards_and_backwards():
    assert back_and_forth(4, 9).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert back_and_forth(4, 3).tolist() == [0, 1, 2]
    assert back_and_forth(1, 3).tolist() == [0, 0, 0]
    assert back_and_forth(2, 5).tolist() == [0, 1, 0, 1, 0]


def test_the_first_face_is_brought_to_the_reference():
    heads = np.stack([FACE, FACE + 2, FACE + 5])
    frames = DRAW.integers(0, 255, (3, 128, 128, 3), np.uint8)
    frames = np.stack([cv2.GaussianBlur(each, (0, 0), 4) for each in frames])
    clip = SimpleNamespace(landmarks=heads, length=3, crop_size=128, frame=lambda t: frames[t])
    shift = np.array([3, -4])
    target = place_target(clip, FACE + shift, 5)
    np.testing.assert_allclose(target.landmarks[0], FACE + shift, atol=1e-6)
    np.testing.assert_allclose(target.landmarks[3], FACE + 2 + shift, atol=1e-6)
    shown = list(target.frames())
    assert len(shown) == 5
    np.testing.assert_allclose(shown[1][:-4, 3:], frames[1][4:, :-3], atol=1)
    np.testing.assert_array_equal(shown[3], shown[1])
    assert (shown[1][-1, 3:] == shown[1][-5, 3:]).all()  # the rim goes on


def test_a_head_moves_as_the_targets_and_the_mouth_as_the_prediction():
    """With a still filter's input: a similarity apart, the prediction lies on the target."""
    predicted = np.repeat(FACE[None], 30, axis=0)
    head = np.repeat(moved(FACE, 1.1, 0.05, (4, -3))[None], 30, axis=0)
    expected = head.copy()
    predicted[:, 60] += [0, 3]
    expected[:, 60] = moved(predicted[0, 60], 1.1, 0.05, (4, -3))
    head[:, 48:] = -1  # the target's own mouth doesn't matter
    np.testing.assert_allclose(retarget(predicted, head, 128), expected, atol=1e-3)
    assert not set(RIGID) & set(range(48, 68))


def one_euro_by_formula(values: np.ndarray, cutoff: float, beta: float, rate: float):
    """Casiez et al. 2012, algorithm 1, for one number."""

    def alpha(frequency: float) -> float:
        tau = 1 / (2 * np.pi * frequency)
        return 1 / (1 + tau * rate)

    made, derivative = [values[0]], 0.0
    for value in values[1:]:
        change = (value - made[-1]) * rate
        derivative = alpha(1.0) * change + (1 - alpha(1.0)) * derivative
        a = alpha(cutoff + beta * abs(derivative))
        made.append(a * value + (1 - a) * made[-1])
    return np.array(made)


@pytest.mark.parametrize("size", [256, 128])
def test_one_euro_is_the_papers_with_evps_parameters(size):
    track = DRAW.standard_normal((40, 2)).cumsum(axis=0)
    expected = [one_euro_by_formula(256 / size * each, 0.01, 0.7, 100) for each in track.T]
    np.testing.assert_allclose(
        one_euro(track, size), size / 256 * np.stack(expected, axis=1), atol=1e-9
    )


def test_the_target_is_the_first_neutral_training_clip():
    clips = [
        "W901-front-neutral-1-004", "W901-front-neutral-1-002", "W901-front-angry-3-001",
        "W902-front-neutral-1-001",
    ]  # fmt: skip
    assert choose_target_clip(clips, "W901") == "W901-front-neutral-1-002"
    with pytest.raises(ValueError, match="W903 has no neutral training clip"):
        choose_target_clip(clips, "W903")
