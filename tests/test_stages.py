"""The stages by themselves: predictions scored by NumPy, and what plain sound tells."""

from functools import partial

import numpy as np
import pytest
from method_factory import CROP_SIZE, ON_CPU, landmark_model, translator
from skimage.metrics import peak_signal_noise_ratio

from emohead.data.mead import EMOTIONS
from emohead.evaluation.sound import evaluate_sound
from emohead.evaluation.stages import evaluate_landmark_model, evaluate_stage, evaluate_translator
from emohead.features.store import ShardWriter, open_clips
from emohead.landmarks.predict import predict_landmarks
from emohead.translator.render import translate

FRAMES = 6


def clips_in(path, emotions, numbers, shift=0.0):
    """Clips of noise; each emotion's sound has a level of its own."""
    rng = np.random.default_rng(1)
    face = rng.uniform(8, 24, (68, 2))
    with ShardWriter(path) as writer:
        for emotion in emotions:
            for number in numbers:
                level = 3 * EMOTIONS.index(emotion) + shift
                writer.add(
                    f"W901-front-{emotion}-1-{number:03d}",
                    landmarks=face + rng.normal(0, 1, (FRAMES, 68, 2)),
                    frames=rng.integers(0, 256, (FRAMES, CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8),
                    mfcc=rng.normal(level, 1, (FRAMES, 28, 12)),
                )
    return open_clips([path])


@pytest.fixture
def clips(tmp_path):
    return clips_in(tmp_path / "clips.h5", ("happy", "neutral"), (1, 2))


@pytest.mark.parametrize("reference", ["same_emotion", "neutral"])
def test_landmark_model_is_scored_on_what_it_predicts(clips, reference, tmp_path):
    model = landmark_model()
    evaluate = partial(evaluate_landmark_model, model)
    found = evaluate_stage(evaluate, clips, reference, state=tmp_path)
    assert found.keys() == clips.keys()
    for clip_id, clip in clips.items():
        given = clip if reference == "same_emotion" else clips["W901-front-neutral-1-001"]
        made, belief = predict_landmarks(model, clip.mfcc, given.landmarks[0], CROP_SIZE)
        ours, true = made[1:] * 128 / CROP_SIZE, clip.landmarks[1:] * 128 / CROP_SIZE
        raw = np.sqrt(((ours - true) ** 2).sum(-1)).mean()
        values = found[clip_id]
        assert values["f_lmd", "predicted/raw/128"] == pytest.approx(raw, rel=1e-4)
        centred = (ours - ours.mean(1, keepdims=True)) - (true - true.mean(1, keepdims=True))
        expected = np.sqrt((centred**2).sum(-1)).mean()
        assert values["f_lmd", "predicted/centred/128"] == pytest.approx(expected, rel=1e-4)
        right = EMOTIONS[belief.argmax()] in clip_id
        assert values["emotion_accuracy", "msef"] == right


@pytest.mark.parametrize("reference", ["same_emotion", "neutral"])
def test_translator_is_given_the_true_landmarks(clips, reference, tmp_path):
    model = translator()
    evaluate = partial(evaluate_translator, model, ON_CPU)
    found = evaluate_stage(evaluate, clips, reference, state=tmp_path)
    for clip_id, clip in clips.items():
        given = clip if reference == "same_emotion" else clips["W901-front-neutral-1-001"]
        frames = list(translate(model, clip.landmarks, given.frame(0)))
        pairs = zip(clip.frames()[1:], frames[1:], strict=True)
        expected = np.mean([peak_signal_noise_ratio(a, b, data_range=255) for a, b in pairs])
        assert found[clip_id]["psnr", "frame"] == pytest.approx(expected, abs=1e-6)


def test_what_is_done_is_not_done_again(clips, tmp_path):
    """Pieces of one reference face say nothing about another."""
    calls = []

    def evaluate(clip, reference):
        calls.append((clip.clip_id, reference.clip_id))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return {("ssim", "frame"): 0.1 * len(calls), ("psnr", "frame"): float("inf")}

    with pytest.raises(KeyboardInterrupt):
        evaluate_stage(evaluate, clips, "same_emotion", state=tmp_path)
    found = evaluate_stage(evaluate, clips, "same_emotion", state=tmp_path)
    assert [clip_id for clip_id, _ in calls] == [*clips][:3] + [*clips][2:]
    assert [values["ssim", "frame"] for values in found.values()] == [0.1, 0.2, 0.4, 0.5]
    assert all(values["psnr", "frame"] == float("inf") for values in found.values())
    evaluate_stage(evaluate, clips, "neutral", state=tmp_path)
    assert {reference for _, reference in calls[5:]} == {"W901-front-neutral-1-001"}
    assert len(calls) == 9


def test_sound_of_its_own_level_is_told_and_another_is_not(tmp_path):
    emotions = ("angry", "happy", "sad")
    train = clips_in(tmp_path / "train.h5", emotions, range(1, 6))
    test = clips_in(tmp_path / "test.h5", emotions, (6, 7))
    told = evaluate_sound(train, test)
    assert [values["emotion_accuracy", "sound"] for values in told.values()] == [1.0] * 6
    # The levels of the others: every clip but the loudest emotion's is taken for the next one.
    moved = clips_in(tmp_path / "moved.h5", emotions, (8, 9), shift=12.0)
    assert (
        np.mean([*(v["emotion_accuracy", "sound"] for v in evaluate_sound(train, moved).values())])
        < 1
    )
