"""Heads that move and lids that blink: seeded, without jumps, whatever is taken at a time."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from method_factory import (
    CONFIG,
    CROP_SIZE,
    landmark_model,
    save_models,
    translator,
    write_face,
    write_voice,
)

from emohead.data.mead import EMOTIONS, FPS
from emohead.features.faces import FaceFinder, NoFaceError
from emohead.features.pose import head_movements
from emohead.features.store import ShardWriter, open_clips
from emohead.generate.bundle import Bundle, export_bundle, read_bundle
from emohead.generate.card import make_card
from emohead.generate.generate import generate
from emohead.generate.head_bank import JOINT, HeadBank, collect_movements
from emohead.generate.movement import Blinks, Movement, NaturalHead, VideoHead, close_lids
from emohead.media.writing import write_video
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose, HeadPose
from emohead.mini.rendering import Renderer

FACE = np.random.default_rng(0).uniform(30, 100, (68, 2)).astype(np.float32)


def bank() -> HeadBank:
    """Slow waves, the angry ones of scale alone, the others of the angle."""
    t = np.arange(80)
    waves = [np.zeros((80, 4), np.float32) for _ in range(6)]
    for i, wave in enumerate(waves):
        wave[:, 0 if i < 3 else 1] = 0.05 * np.sin(t / 12 + i)
    return HeadBank(tuple(waves), ("angry",) * 3 + ("sad",) * 3)


def test_it_is_the_same_however_much_is_taken_at_a_time():
    emotions = ["angry"] * 150 + ["sad"] * 150
    whole = NaturalHead(bank()).take(emotions)
    head = NaturalHead(bank())
    pieces = [head.take(emotions[start : start + 37]) for start in range(0, 300, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert not np.array_equal(NaturalHead(bank(), seed=1).take(emotions), whole)


def test_it_begins_at_rest_and_never_jumps():
    movement = NaturalHead(bank()).take([None] * 2000)
    assert np.abs(movement[0]).max() < 0.002
    step = 0.05 * (1 / 12)  # the waves' own steepest
    assert np.abs(np.diff(movement, axis=0)).max() < 0.1 * 1.6 / JOINT + step
    assert np.abs(movement).max() > 0.04


def test_movements_are_those_of_the_emotion():
    angry = NaturalHead(bank()).take(["angry"] * 200)
    assert np.abs(angry[:, 0]).max() > 0.02 and not angry[:, 1:].any()
    sad = NaturalHead(bank()).take(["sad"] * 200)
    assert np.abs(sad[:, 1]).max() > 0.02 and not sad[:, 0].any()
    unheard = NaturalHead(bank()).take(["happy"] * 900)  # of which the bank has none: any
    assert unheard[:, 0].any() and unheard[:, 1].any()


def test_the_bank_has_every_emotions_clips_about_their_middle(tmp_path):
    random = np.random.default_rng(1)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        for emotion, length in (("angry", 40), ("sad", 50), ("happy", 2 * JOINT)):
            angle = 0.1 * np.sin(np.arange(length) / 8)
            moved = (FACE[:, 0] + 1j * FACE[:, 1]) * np.exp(1j * angle)[:, None]
            moved = np.stack([moved.real, moved.imag], -1) + random.normal(0, 0.05, (68, 2))
            writer.add(
                f"W901-front-{emotion}-3-001",
                landmarks=moved,
                frames=np.zeros((length, 8, 8, 3), np.uint8),
            )
    found = collect_movements(open_clips([tmp_path / "s.h5"]))
    assert found.emotions == ("angry", "sad")  # the happy one is too short to be joined
    assert [len(each) for each in found.movements] == [40, 50]
    for each in found.movements:
        t = np.arange(len(each))
        wave = 0.1 * np.sin(t / 8)
        assert np.corrcoef(each[:, 1], wave)[0, 1] > 0.99
        assert np.abs(each.mean(axis=0)).max() < 0.02


def test_lids_close_some_fifteen_times_a_minute():
    closure = Blinks().take(20 * 60 * FPS)
    shut = np.flatnonzero((closure[1:] == 1) & (closure[:-1] < 1))
    assert 20 * 10 < len(shut) < 20 * 22
    assert np.diff(shut).min() >= FPS
    assert 0.02 < (closure > 0).mean() < 0.12
    blinks = Blinks()
    pieces = np.concatenate([blinks.take(n) for n in (1, 99, 250)])
    np.testing.assert_array_equal(pieces, closure[:350])


def test_a_closed_lid_comes_near_the_other_and_nothing_else_moves():
    landmarks = np.repeat(FACE[None], 3, axis=0)
    closed = close_lids(landmarks, np.array([0, 0.5, 1]))
    np.testing.assert_array_equal(closed[0], FACE)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        gap = np.linalg.norm(closed[:, upper] - closed[:, lower], axis=-1)
        np.testing.assert_allclose(gap / gap[0], [1, 0.65, 0.3], atol=1e-3)
    others = np.setdiff1d(np.arange(68), (37, 38, 43, 44))
    np.testing.assert_array_equal(closed[:, others], landmarks[:, others])


def test_blinks_and_heads_go_together():
    """Lids close in the face as it was predicted, and the head takes them along."""
    landmarks = np.repeat(FACE[None], 400, axis=0)
    logits = np.zeros((400, 8))
    logits[:, EMOTIONS.index("angry")] = 1
    moved = Movement(FACE, NaturalHead(bank()), Blinks())(landmarks, logits)
    np.testing.assert_allclose(
        head_movements(moved, FACE), NaturalHead(bank()).take(["angry"] * 400), atol=1e-4
    )
    gap = np.linalg.norm(moved[:, 37] - moved[:, 41], axis=-1)
    assert gap.min() < 0.4 * np.median(gap)
    np.testing.assert_array_equal(Movement(FACE, None, None)(landmarks, None), landmarks)


@pytest.fixture(scope="module")
def nodding(tmp_path_factory):
    """A video of a head that turns and shifts, 40 frames."""
    renderer, path = Renderer(PORTRAITS["W902"]()), tmp_path_factory.mktemp("v") / "nod.mp4"
    rolls = 6 * np.sin(np.arange(40) / 6)
    pose = FacePose.at_rest()
    frames = [renderer.render(replace(pose, head=HeadPose(roll=roll, dx=roll))) for roll in rolls]
    write_video(path, iter(frames), comment="test")
    return path, rolls


def test_a_videos_movements_are_taken_forth_and_back(nodding):
    video, rolls = nodding
    head = VideoHead(video, FaceFinder())
    movement = np.concatenate([head.take([None] * n) for n in (30, 70)])
    assert np.corrcoef(movement[:40, 1], rolls)[0, 1] > 0.98
    assert np.ptp(movement[:40, 1]) == pytest.approx(np.radians(np.ptp(rolls)), rel=0.2)
    np.testing.assert_array_equal(movement[40:79], movement[38::-1][:39])
    np.testing.assert_array_equal(movement[78:100], movement[:22])


def test_a_video_without_a_face_is_refused_in_words(tmp_path):
    path = tmp_path / "grey.mp4"
    write_video(path, iter(np.full((20, 128, 128, 3), 90, np.uint8)), comment="test")
    with pytest.raises(NoFaceError, match=r"grey\.mp4: no face whose movements"):
        VideoHead(path, FaceFinder())


def test_a_bundle_carries_its_movements(tmp_path):
    out = tmp_path / "b.h5"
    export_bundle(*save_models(tmp_path), out, card=make_card(CONFIG, "ours", 0), head=bank())
    found = read_bundle(out)
    assert found.usual_head == "natural"
    assert found.to("cpu").head.emotions == bank().emotions
    for mine, stored in zip(bank().movements, found.head.movements, strict=True):
        np.testing.assert_array_equal(stored, mine)
    with h5py.File(out, "r+") as file:
        del file["head/0000"]
        file["head/0000"] = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match="too short"):
        read_bundle(out)


def test_generating_moves_the_head_and_the_lids(tmp_path):
    made = Bundle(landmark_model(), translator(), CROP_SIZE, make_card(CONFIG, "ours", 0), bank())
    voice, face = write_voice(tmp_path / "v.wav", 6), write_face(tmp_path / "f.png")
    points = {}
    for head, blink in (("still", False), ("natural", False), ("still", True)):
        generate(voice, face, tmp_path / "t.mp4", made, head=head, blink=blink, progress=False,
                 save_landmarks=tmp_path / "l.npz")  # fmt: skip
        with np.load(tmp_path / "l.npz") as saved:
            points[head, blink] = saved["landmarks"]
    still, natural, blinking = points.values()
    moved = np.abs(natural - still).max(axis=(1, 2))
    assert moved[0] < 0.05 and moved.max() > 0.4
    lids = np.abs(blinking - still)
    assert lids[:, [37, 38, 43, 44]].max() > 0.5
    assert lids[:, np.setdiff1d(np.arange(68), (37, 38, 43, 44))].max() == 0


def test_without_movements_it_says_what_to_do(tmp_path):
    made = Bundle(landmark_model(), translator(), CROP_SIZE, make_card(CONFIG, "ours", 0))
    assert made.usual_head == "still"
    voice, face = write_voice(tmp_path / "v.wav", 1), write_face(tmp_path / "f.png")
    with pytest.raises(ValueError, match="has no movements of heads: export it again"):
        generate(voice, face, tmp_path / "t.mp4", made, head="natural", progress=False)
    with pytest.raises(ValueError, match=r"v\.wav: is named twice"):
        generate(voice, face, voice, made, head=voice, progress=False)
