import threading
import time

import numpy as np
import pytest
import torch
from choices import alternatives
from method_factory import CROP_SIZE, landmark_model, translator

from emohead.generate.ahead import ahead
from emohead.generate.stages import predict_stream, translate_stream
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.predict import emotion_probabilities, predict_landmarks
from emohead.translator.inference import for_inference
from emohead.translator.render import translate

FRAMES = 150
MFCC = np.random.default_rng(0).normal(0, 20, (FRAMES, 28, 12)).astype(np.float32)
REFERENCE = np.random.default_rng(1).uniform(4, 28, (68, 2)).astype(np.float32)
MODELS = {
    "default": {},
    "loss.emotion: softmax": {"loss": LossWeights(emotion="softmax")},
    **{
        name: changes
        for name, changes in alternatives(LandmarkModelOptions).items()
        if not name.startswith(("reference: ", "c0: "))
    },
}


def in_windows(*lengths: int):
    """A pass over MFCC in windows of these lengths, again and again."""

    def windows():
        start = 0
        while start < FRAMES:
            for length in lengths:
                if start < FRAMES:
                    yield MFCC[start : start + length]
                start += length

    return windows


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("lengths", [(7,), (64,), (FRAMES,), (1, 50, 3)], ids=str)
def test_windows_give_what_the_whole_gives(options, lengths):
    model = landmark_model(**options)
    whole, belief = predict_landmarks(model, MFCC, REFERENCE, CROP_SIZE)
    assert np.abs(whole - REFERENCE).max() > 0.1  # it isn't a copy
    seen = list(predict_stream(model, in_windows(*lengths), REFERENCE, CROP_SIZE))
    landmarks = np.concatenate([window.landmarks for window in seen])
    assert landmarks.dtype == np.float32
    np.testing.assert_allclose(landmarks, whole, atol=1e-4)
    if belief is None:
        assert all(window.emotion_logits is None for window in seen)
    else:
        logits = np.concatenate([window.emotion_logits for window in seen])
        assert logits.shape == (FRAMES, 8)
        mean = emotion_probabilities(model, torch.from_numpy(logits.mean(0)))
        np.testing.assert_allclose(mean, belief, atol=1e-5)


def test_the_first_pass_and_the_carried_state_matter():
    """Windows that know nothing of each other give other landmarks: the test above can fail."""
    model = landmark_model()
    whole, _ = predict_landmarks(model, MFCC, REFERENCE, CROP_SIZE)
    apart = [
        predict_landmarks(model, MFCC[start : start + 50], REFERENCE, CROP_SIZE)[0]
        for start in range(0, FRAMES, 50)
    ]
    assert np.abs(np.concatenate(apart) - whole).max() > 0.01


def test_the_memory_says_the_same_however_long_the_sound_is():
    """Sound that repeats itself: the L1 cancels what the softmax loses to more frames."""
    memory = landmark_model().msef.memory
    f = torch.from_numpy(np.random.default_rng(2).normal(0, 1, (1, 40, 12)).astype(np.float32))
    once = memory.forward_window(f, memory.log_sums(f))
    log_sums = memory.log_sums(f) + np.log(1000)  # of a thousand times the same
    torch.testing.assert_close(memory.forward_window(f, log_sums), once, atol=1e-4, rtol=0)


def test_one_frame_is_too_short_for_the_memory():
    with pytest.raises(ValueError, match="2 frames"):
        list(predict_stream(landmark_model(), lambda: [MFCC[:1]], REFERENCE, CROP_SIZE))


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(ValueError, match="eval"):
        list(predict_stream(landmark_model().train(), in_windows(9), REFERENCE, CROP_SIZE))


FACE = np.random.default_rng(3).integers(0, 255, (CROP_SIZE, CROP_SIZE, 3), np.uint8)
MOVING = REFERENCE + np.linspace(0, 3, 22, dtype=np.float32)[:, None, None]


@pytest.mark.parametrize("lengths", [(22,), (3, 1), (7, 9)], ids=str)
def test_frames_are_those_of_the_whole(lengths):
    model = translator()
    whole = np.stack(list(translate(model, MOVING, FACE)))
    assert whole.std(axis=0).max() > 1  # frames differ
    blocks, start = [], 0
    while start < len(MOVING):
        length = lengths[len(blocks) % len(lengths)]
        blocks.append(MOVING[start : start + length])
        start += length
    made = list(translate_stream(for_inference(model, bf16=False), iter(blocks), FACE))
    frames = np.concatenate(made)
    assert frames.dtype == np.uint8
    # Rounding to a grey level may fall to the other side.
    assert np.abs(frames.astype(int) - whole).max() <= 1


def test_what_goes_wrong_before_is_raised_behind():
    def landmarks():
        yield MOVING[:9]
        raise ValueError("the sound is damaged")

    stream = translate_stream(for_inference(translator(), bf16=False), landmarks(), FACE)
    with pytest.raises(ValueError, match="the sound is damaged"):
        list(stream)


def test_a_thread_ahead_keeps_the_order_and_ends():
    before = set(threading.enumerate())
    with ahead(iter(range(50))) as items:
        assert list(items) == list(range(50))
    assert set(threading.enumerate()) <= before


def test_a_thread_ahead_is_so_far_ahead_and_no_further():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i

    with ahead(items(), depth=2) as taken:
        assert next(taken) == 0
        deadline = time.monotonic() + 60
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) == 4  # one taken, two waiting, one in the hand
    assert len(made) <= 5


def test_leaving_early_stops_the_thread():
    def forever():
        while True:
            yield 0

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError), ahead(forever()) as items:
        next(items)
        raise RuntimeError
    assert set(threading.enumerate()) <= before
