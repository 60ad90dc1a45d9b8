"""Keypoints from sound: poses of a known head, nets against their formula, training, rendering."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from filelock import FileLock
from method_factory import ON_CPU
from numpy_layers import Weights, linear, lstm, mlp, sigmoid, weights_of
from scipy.spatial.transform import Rotation
from test_motion_field import SMALL, trained

from emohead.features.average_head import HEAD, RIGID
from emohead.features.store import ShardWriter, StoredClip, open_clips
from emohead.methods.method import Method, render_clip
from emohead.methods.moved import Mover
from emohead.motion import audio_data
from emohead.motion.audio import Face, MotionAudio, Scale, flat, unflat
from emohead.motion.audio_data import MotionClips, collate_motion
from emohead.motion.audio_fit import MotionAudioTask, train_motion_audio
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.field import MotionField, build_field
from emohead.motion.load import build_motion_audio, restore_motion_audio
from emohead.motion.pose import head_poses
from emohead.motion.render import find_keypoints
from emohead.training import loop
from emohead.training.gpus import RESERVED
from emohead.training.machine import Machine
from emohead.training.options import Recipe, Runtime

OPTIONS = MotionAudioOptions(hidden_width=7, audio_width=5, pose_width=4, lstm_width=6)


def seen(turn: np.ndarray, shift: np.ndarray, size: int) -> np.ndarray:
    """What a camera of Audio2Head's focal length shows of the average head, [68, 2]."""
    head = (HEAD - HEAD.mean(axis=0)) * [1, -1, -1]
    x, y, z = (Rotation.from_rotvec(turn).apply(head) + shift).T
    landmarks = np.zeros((68, 2))
    landmarks[list(RIGID)] = 233.33 / 256 * size * np.stack([x, y], 1) / z[:, None]
    return landmarks + (size - 1) / 2


@pytest.mark.parametrize("size", [128, 256])
def test_poses_are_those_of_the_head_that_is_seen(size):
    draw = np.random.default_rng(0)
    turns = draw.normal(0, 0.2, (5, 3))
    shifts = draw.normal((0, 0, 22), 1, (5, 3))
    views = np.stack([seen(*pose, size) for pose in zip(turns, shifts, strict=True)])
    found = head_poses(views.astype(np.float32), size)
    np.testing.assert_allclose(found, np.concatenate([turns, shifts], 1), atol=5e-3)


def build(options: MotionAudioOptions = OPTIONS) -> MotionAudio:
    draw = torch.Generator().manual_seed(0)
    numbers = options.heard[1]
    sound = Scale(torch.arange(numbers).float(), torch.full((numbers,), 2.0))
    torch.manual_seed(0)
    pose = Scale(torch.randn(6, generator=draw), torch.rand(6, generator=draw) + 1)
    return build_motion_audio(options, sound, pose).eval()


def given(frames: int = 7) -> tuple[torch.Tensor, Face]:
    draw = torch.Generator().manual_seed(1)
    return (
        torch.randn(1, frames, 28, 12, generator=draw) * 3,
        Face(torch.randn(1, 60, generator=draw), torch.randn(1, 6, generator=draw)),
    )


def poses_by_formula(sound: np.ndarray, face: np.ndarray, pose: np.ndarray, w: Weights):
    h = np.tanh(linear(np.concatenate([face, pose]), w, "pose_start"))
    c, poses = np.zeros_like(h), []
    for heard in sound:
        x = np.concatenate([heard, pose])
        gates = w["pose_lstm.weight_ih"] @ x + w["pose_lstm.bias_ih"]
        i, f, g, o = np.split(gates + w["pose_lstm.weight_hh"] @ h + w["pose_lstm.bias_hh"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        pose = pose + linear(h, w, "pose_last")
        poses.append(pose)
    return np.stack(poses)


def keypoints_by_formula(x: np.ndarray, face: np.ndarray, model: MotionAudio) -> np.ndarray:
    w = weights_of(model)
    backwards = {
        name.removesuffix("_reverse"): v for name, v in w.items() if name.endswith("_reverse")
    }
    hidden = np.concatenate(
        [lstm(x, w, "lstm", 1), lstm(x[::-1], backwards, "lstm", 1)[::-1]], axis=1
    )
    return face + linear(hidden, w, "last")


@pytest.mark.parametrize("told", [False, True])
def test_networks_by_formula(told):
    model = build()
    w = weights_of(model)
    heard, seen = given()
    mfcc, face, pose = (e.double().numpy()[0] for e in (heard, seen.keypoints, seen.pose))
    windows = (mfcc - np.arange(12)) / 2
    sounds = [mlp(windows.reshape(7, -1), w, name) for name in ("pose_encoder", "encoder")]
    expected = poses_by_formula(sounds[0], face, pose, w)
    true = np.random.default_rng(0).normal(size=(7, 6))
    x = np.concatenate([sounds[1], true if told else expected, np.tile(face, (7, 1))], axis=1)
    poses = torch.tensor(true[None]).float() if told else None
    with torch.no_grad():
        made = model(*given(), torch.tensor([7]), poses)
    np.testing.assert_allclose(made.poses[0], expected, atol=1e-4)
    np.testing.assert_allclose(made.keypoints[0], keypoints_by_formula(x, face, model), atol=1e-4)


def test_mixed_precision_leaves_the_lstm_in_float32():
    model = build()
    heard, face = given()
    poses = torch.randn(1, 7, 6, generator=torch.Generator().manual_seed(2))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        encoded = model.encoder(heard.flatten(2))[0].double().numpy()
        found, _ = model.keypoints(heard, poses, face, torch.tensor([7]), None)
    keypoints = face.keypoints[0].double().numpy()
    x = np.concatenate([encoded, poses[0].double(), np.tile(keypoints, (7, 1))], axis=1)
    np.testing.assert_allclose(found[0], keypoints_by_formula(x, keypoints, model), atol=1e-4)


def test_a_clip_does_not_hear_the_padding():
    model, (mfcc, face) = build(), given()
    padded = torch.cat([mfcc, torch.full((1, 3, 28, 12), 9.0)], dim=1)
    with torch.no_grad():
        alone = model(mfcc, face, torch.tensor([7]))
        beside = model(padded, face, torch.tensor([7]))
    for a, b in zip(alone, beside, strict=True):
        torch.testing.assert_close(a, b[:, :7])


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, StoredClip]:
    """Five clips of a head that turns; their frames are noise of 32 pixels."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("clips") / "clips.h5"
    with ShardWriter(path, codec="png") as writer:
        for number in range(1, 6):
            length = 6 + number
            turns = np.cumsum(draw.normal(0, 0.05, (length, 3)), axis=0)
            writer.add(
                f"W901-front-happy-3-00{number}",
                landmarks=np.stack([seen(turn, np.array([0, 0, 22]), 32) for turn in turns]),
                frames=draw.integers(0, 256, (length, 32, 32, 3), dtype=np.uint8),
                mfcc=draw.normal(0, 3, (length, 28, 12)),
            )
    return open_clips([path])


def test_targets_are_the_fields_keypoints_and_the_poses(clips):
    field = trained(build_field(SMALL))
    samples = MotionClips(clips, OPTIONS)
    samples.find_keypoints(field)
    batch = collate_motion([samples[0], samples[1]])
    assert batch.lengths.tolist() == [7, 8] and batch.face.tolist() == [0, 0]
    first = next(iter(clips.values()))
    torch.testing.assert_close(unflat(batch.keypoints[0, :7]).jacobians,
                               find_keypoints(field, first.frames()).jacobians)  # fmt: skip
    torch.testing.assert_close(batch.poses[0, :7], torch.tensor(head_poses(first.landmarks, 32)))


def test_losses_are_means_over_true_frames(clips):
    samples = MotionClips(clips, OPTIONS)
    samples.find_keypoints(trained(build_field(SMALL)))
    task = MotionAudioTask(build(), MotionAudioLossOptions(2, 3, 4, 5)).eval()
    batch = collate_motion([samples[0], samples[4]])
    poses = task.model.normalise_pose(batch.poses)
    with torch.no_grad():
        terms = {name: float(value) for name, value in task(batch).items()}
        face = Face(batch.keypoints[:, 0], poses[:, 0])
        made = task.model(batch.sound, face, batch.lengths, poses)
    poses_off = [(made.poses - poses)[i, :n] for i, n in enumerate((7, 11))]
    off = [(made.keypoints - batch.keypoints)[i, :n].abs() for i, n in enumerate((7, 11))]
    steps = [each.diff(dim=0).abs() for each in poses_off]
    expected = {
        "place": torch.cat([each[:, :20] for each in off]).mean(),
        "jacobian": torch.cat([each[:, 20:] for each in off]).mean(),
        "pose": torch.cat(
            [(made.poses - poses)[i, :n].abs() for i, n in enumerate((7, 11))]
        ).mean(),
        "pose_velocity": torch.cat(steps).mean(),
    }
    for name, value in expected.items():
        assert terms[name] == pytest.approx(float(value), rel=1e-4), name
    total = sum(w * terms[name] for w, name in zip((2, 3, 4, 5), expected, strict=True))
    assert terms["loss"] == pytest.approx(total, rel=1e-4)


def fitted(
    clips: dict[str, StoredClip], state: Path, epochs: int, options: MotionAudioOptions
) -> MotionAudio:
    recipe = Recipe(epochs=epochs, batch_size=2, learning_rate=3e-3, validation=0.2)
    checkpoint = train_motion_audio(
        clips, trained(build_field(SMALL)), options, MotionAudioLossOptions(), recipe, Runtime(),
        seed=0, state=state,
    )  # fmt: skip
    place = checkpoint.history["place"].tolist()
    assert len(place) == epochs and (epochs < 4 or place[-1] < place[0])
    return restore_motion_audio(checkpoint)


def check_learns_and_resumes_to_the_bit(
    clips: dict[str, StoredClip], folder: Path, epochs: int, options: MotionAudioOptions
) -> None:
    unbroken = fitted(clips, folder / "unbroken", epochs, options)
    fitted(clips, folder / "broken", epochs // 2, options)
    resumed = fitted(clips, folder / "broken", epochs, options)
    for name, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_training_learns_and_resumes_to_the_bit(clips, tmp_path):
    check_learns_and_resumes_to_the_bit(clips, tmp_path, 6, OPTIONS)


def test_keypoints_are_found_on_the_gpu_that_the_training_has_reserved(
    clips, tmp_path, monkeypatch
):
    """The second of two GPUs that aren't there; the training is broken off at the first clip."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the locks are
    monkeypatch.setattr(loop, "choose_machine", lambda *_: Machine("cuda", 1, "32-true", False, 0))
    monkeypatch.setattr(loop, "gpu_names", lambda: ["a", "b"])

    def start(machine, gpus, *_):
        return SimpleNamespace(device=torch.device("cuda", gpus[0]), is_global_zero=False)

    def move(field, device=None, **_):
        if device is not None:
            asked.append(str(device))
        return field

    def break_off(field, frames):
        asked.append(os.environ.get(RESERVED))
        raise KeyboardInterrupt

    asked = []
    monkeypatch.setattr(loop, "_start", start)
    monkeypatch.setattr(MotionField, "to", move)
    monkeypatch.setattr(audio_data, "find_keypoints", break_off)
    with FileLock(tmp_path / "emohead-gpu-a.lock"), pytest.raises(KeyboardInterrupt):
        fitted(clips, tmp_path / "state", 2, OPTIONS)
    assert asked == ["cuda:1", "1"]


def test_clips_are_rendered_from_sound_and_one_face(clips):
    """Without landmarks; otherwise with the true pose, and moved as the true frames are."""
    field, sound = trained(build_field(SMALL)), build()
    torch.nn.init.normal_(sound.last.weight)
    clip, other = list(clips.values())[:2]
    heard = Method("heard", "truth", "truth", ON_CPU, mover=Mover(field, sound))
    rendering = render_clip(heard, clip, other)
    made = np.stack(list(rendering.frames))
    assert made.shape == (7, 32, 32, 3) and np.isnan(rendering.landmarks).all()
    truth = Method("truth", "truth", "truth", ON_CPU, mover=Mover(field))
    posed = Method("posed", "truth", "truth", ON_CPU, "truth", mover=Mover(field, sound))
    others = [np.stack(list(render_clip(each, clip, other).frames)) for each in (truth, posed)]
    assert all((frames != made).any() for frames in others)


def test_flat_keypoints_are_keypoints():
    numbers = torch.arange(120.0).reshape(2, 60)
    assert torch.equal(flat(unflat(numbers)), numbers)
    assert unflat(numbers).places.shape == (2, 10, 2)
