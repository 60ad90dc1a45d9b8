"""Audio2Head's 3-D hourglass: its size, its formula, its windows, training and rendering."""

import dataclasses

import numpy as np
import pytest
import torch
from method_factory import ON_CPU
from numpy.lib.stride_tricks import sliding_window_view
from numpy_layers import Weights, batch_norm, conv, conv_transpose, relu, softmax, weights_of
from test_motion_audio import build, check_learns_and_resumes_to_the_bit, seen
from test_motion_field import SMALL, shrunk_by_scipy, trained

from emohead.features.store import ShardWriter, StoredClip, open_clips, open_hdf5
from emohead.methods.method import Method, render_clip
from emohead.methods.moved import Mover
from emohead.motion.audio import Face, Scale, unflat
from emohead.motion.audio_data import MotionClips, collate_motion
from emohead.motion.audio_fit import MotionAudioTask
from emohead.motion.audio_hourglass import HourglassAudio
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.field import build_field
from emohead.motion.load import build_motion_audio
from emohead.motion.pose import pose_picture
from emohead.options import OptionError

OPTIONS = MotionAudioOptions(
    network="hourglass", sound="mfcc_fbank_f0", hidden_width=7, audio_width=5, pose_width=4,
    hourglass_grid=16, hourglass_width=2, hourglass_max=3, hourglass_levels=2, window=8,
)  # fmt: skip


def test_size_is_that_of_audio2heads():
    """84.9 million, as its modules/audio2kp.py with config/parameters.yaml makes them."""
    options = MotionAudioOptions(network="hourglass", sound="mfcc_fbank_f0")
    with torch.device("meta"):
        scales = (Scale(torch.zeros(n), torch.ones(n)) for n in (41, 6))
        model = build_motion_audio(options, *scales)
    parts = (model.sound_maps, model.hourglass, model.heatmaps, model.jacobians)
    assert sum(p.numel() for part in parts for p in part.parameters()) == 84_914_064


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"sound": "mfcc"}, "sound"),
        ({"hourglass_levels": 3, "window": 12}, "window"),
        ({"hourglass_grid": 18}, "hourglass_grid"),
    ],
)
def test_an_hourglass_that_cant_be(changes, option):
    with pytest.raises(OptionError, match=r"mfcc_fbank_f0|multiple of") as error:
        dataclasses.replace(OPTIONS, **changes)
    assert error.value.option == option


def conv3d(x: np.ndarray, w: Weights, name: str, edges: tuple[int, int, int]) -> np.ndarray:
    """[B, C, T, H, W], so many zeros beside each axis."""
    kernel, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    padded = np.pad(x, ((0, 0), (0, 0), *((edge, edge) for edge in edges)))
    windows = sliding_window_view(padded, kernel.shape[2:], axis=(2, 3, 4))
    made = np.einsum("bcthwijk,ocijk->bothw", windows, kernel, optimize=True)
    return made + bias[:, None, None, None]


def norm3d(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    return batch_norm(x.reshape(*x.shape[:3], -1), w, name).reshape(x.shape)


def residual(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    y = x
    for i in (0, 3):
        y = relu(norm3d(y, w, f"{name}.convolutions.{i}"))
        y = conv3d(y, w, f"{name}.convolutions.{i + 2}", (1, 1, 1))
    return relu(norm3d(x + y, w, f"{name}.norm"))


def convolution(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    return relu(norm3d(conv3d(x, w, f"{name}.0", (1, 1, 1)), w, f"{name}.1"))


def halved(x: np.ndarray) -> np.ndarray:
    b, c, *sides = x.shape
    t, h, w = (side // 2 for side in sides)
    return x.reshape(b, c, t, 2, h, 2, w, 2).mean(axis=(3, 5, 7))


def doubled(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=2).repeat(2, axis=3).repeat(2, axis=4)


def hourglass(x: np.ndarray, w: Weights, levels: int) -> np.ndarray:
    passed = [x]
    for i in range(levels):
        name = f"hourglass.downs.{i}"
        passed.append(halved(convolution(residual(passed[-1], w, f"{name}.0"), w, f"{name}.1")))
    x = passed.pop()
    for i in range(levels):
        name = f"hourglass.ups.{i}"
        up = residual(convolution(doubled(x), w, f"{name}.1"), w, f"{name}.2")
        x = np.concatenate([up, residual(passed.pop(), w, f"hourglass.skips.{i}")], axis=1)
    return x


def window_by_formula(
    heard: np.ndarray, poses: np.ndarray, picture: np.ndarray, w: Weights
) -> np.ndarray:
    """Keypoints [W, 60] of a window's sound [W, 4, 41] and poses [W, 6], and a face [3, S, S]."""
    maps = conv_transpose(heard[:, None], w, "sound_maps.0", (1, 1), (0, 11))
    maps = conv(relu(batch_norm(maps, w, "sound_maps.1")), w, "sound_maps.3")
    maps = maps[:, :, ::2, ::2]  # the nearest of 32 on 16
    face = shrunk_by_scipy(picture[None], 2).repeat(len(heard), 0)
    drawn = np.stack([pose_picture(pose, picture.shape[-1]) / 255.0 for pose in poses])
    boxes = shrunk_by_scipy(drawn[:, None], 2)
    x = np.concatenate([maps, face, boxes], axis=1).transpose(1, 0, 2, 3)[None]
    features = hourglass(x, w, 2)
    heat = conv3d(features, w, "heatmaps", (3, 0, 0))[0].transpose(1, 0, 2, 3)
    turns = conv(features[0].transpose(1, 0, 2, 3), w, "jacobians")[:, :, 3:-3, 3:-3]
    weights = softmax(heat.reshape(*heat.shape[:2], -1) / 0.1, axis=-1)
    cells = np.linspace(-1, 1, 16)[3:-3]
    places = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
    turns = turns.reshape(len(heard), 10, 4, -1)
    jacobians = np.einsum("tkp,tkcp->tkc", weights, turns)
    return np.concatenate([(weights @ places).reshape(-1, 20), jacobians.reshape(-1, 40)], axis=1)


def model_with_weights() -> HourglassAudio:
    model = build(OPTIONS)
    trained(model)
    for layer in model.hourglass.modules():
        if isinstance(layer, torch.nn.Conv3d):
            layer.weight.data *= 0.3  # about as large inside as outside
    model.heatmaps.weight.data *= 0.01  # or each keypoint were at one cell
    model.jacobians.weight.data *= 0.1
    return model


def given(frames: int) -> tuple[torch.Tensor, Face, torch.Tensor]:
    """Sound, a face with its picture, and poses of heads that are seen."""
    draw = torch.Generator().manual_seed(1)
    sound = torch.randn(1, frames, 4, 41, generator=draw) * 3 + torch.arange(41)
    picture = torch.rand(1, 3, 32, 32, generator=draw)
    face = Face(torch.randn(1, 60, generator=draw), torch.randn(1, 6, generator=draw), picture)
    poses = torch.randn(1, frames, 6, generator=draw) * 0.1
    poses[..., 5] += 22
    return sound, face, poses


def test_windows_and_their_formula():
    """14 frames: windows from 0, 4, 8 and 12 on, used for 0-5, 6-9, 10-13 and none."""
    model = model_with_weights()
    sound, face, poses = given(14)
    with torch.no_grad():
        normal = model.normalise_pose(poses)
        made = model(sound, face, torch.tensor([14]), normal)
    assert made.made.all()
    w = weights_of(model)
    heard = (sound[0].double().numpy() - np.arange(41)) / 2
    heard = np.concatenate([heard, np.zeros((8, 4, 41))])
    shown = np.concatenate([poses[0].numpy(), poses[0, -1:].numpy().repeat(8, axis=0)])
    picture = face.picture[0].double().numpy()
    for begin, used in ((0, range(6)), (4, range(6, 10)), (8, range(10, 14))):
        part = slice(begin, begin + 8)
        expected = window_by_formula(heard[part], shown[part], picture, w)
        np.testing.assert_allclose(
            made.keypoints[0, list(used)], expected[[t - begin for t in used]], atol=5e-4
        )


def test_training_hears_one_window_of_each_clip():
    model = model_with_weights()
    sound, face, poses = given(14)
    two = Face(*(each.repeat(2, *[1] * (each.dim() - 1)) for each in face))
    with torch.no_grad():
        normal = model.normalise_pose(poses)
        whole = model(sound, face, torch.tensor([14]), normal)
        made = model(
            sound.repeat(2, 1, 1, 1), two, torch.tensor([14, 14]), normal.repeat(2, 1, 1),
            torch.tensor([4, 10]),
        )  # fmt: skip
    assert made.made.nonzero().tolist() == [
        *([0, t] for t in range(4, 12)),
        *([1, t] for t in range(10, 14)),
    ]
    found, expected = (each.keypoints[0, 6:10] for each in (made, whole))
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-4)
    assert not made.keypoints[~made.made].any()


def test_a_clip_does_not_hear_the_padding():
    model = model_with_weights()
    sound, face, poses = given(14)
    with torch.no_grad():
        alone = model(sound[:, :9], face, torch.tensor([9]))
        beside = model(sound, face, torch.tensor([9]))
    torch.testing.assert_close(beside.keypoints[:, :9], alone.keypoints, rtol=0, atol=5e-4)
    assert beside.made.sum() == 9 and poses.shape[1] == 14


def test_a_new_model_finds_no_turn_and_the_middle():
    made = build(OPTIONS)(*given(8)[:2], torch.tensor([8]))
    keypoints = unflat(made.keypoints[0])
    torch.testing.assert_close(keypoints.jacobians, torch.eye(2).expand(8, 10, 2, 2))
    assert keypoints.places.abs().max() < 0.7


@pytest.mark.parametrize("size", [128, 256])
def test_the_box_of_a_pose_is_where_the_camera_sees_it(size):
    """Straight ahead: two squares about the middle; to the right and up where the head is."""
    focal, middle = 233.33 / 256 * size, (size - 1) / 2
    picture = pose_picture(np.array([0, 0, 0, 0, 0, 30.0]), size)
    near, far = focal * 7.5 / 30, focal * 10 / 40
    row = picture[round(middle)].astype(int)
    lit = np.flatnonzero(row > 60)
    for offset in (near, far):
        for side in (middle - offset, middle + offset):
            assert np.abs(lit - side).min() <= 1.5
    assert lit.min() > middle - max(near, far) - 3
    moved = pose_picture(np.array([0, 0, 0, 3.0, -2.0, 30.0]), size)
    rows, columns = np.nonzero(moved > 60)
    assert columns.mean() > middle + focal * 2 / 40 and rows.mean() < middle - focal / 40
    turned = pose_picture(np.array([0, 0, 0.3, 0, 0, 30.0]), size)
    assert (turned != picture).any()


def test_a_pose_behind_the_camera_is_a_picture():
    for depth in (-5.0, 0.0, 1e-9):
        assert pose_picture(np.array([0.1, 0.2, 0, 50, 0, depth]), 64).shape == (64, 64)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, StoredClip]:
    """Five clips, longer and shorter than a window, and their sound beside them."""
    draw = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("results")
    path = folder / "features/clips.h5"
    path.parent.mkdir()
    (folder / "sound").mkdir()
    with (
        ShardWriter(path, codec="png") as writer,
        open_hdf5(folder / "sound/clips.h5", "w") as file,
    ):
        for number in range(1, 6):
            length, clip_id = 3 + 3 * number, f"W901-front-happy-3-00{number}"
            turns = np.cumsum(draw.normal(0, 0.05, (length, 3)), axis=0)
            writer.add(
                clip_id,
                landmarks=np.stack([seen(turn, np.array([0, 0, 22]), 32) for turn in turns]),
                frames=draw.integers(0, 256, (length, 32, 32, 3), dtype=np.uint8),
                mfcc=draw.normal(0, 3, (length, 28, 12)),
            )
            file[clip_id] = draw.normal(5, 3, (length, 4, 41)).astype(np.float32)
    return open_clips([path])


def test_samples_are_the_stored_numbers_and_the_drawn_faces(clips):
    samples = MotionClips(clips, OPTIONS, seed=3)
    samples.find_keypoints(trained(build_field(SMALL)))
    starts = set()
    for epoch in range(20):
        samples.set_epoch(epoch)
        sound, _, keypoints, picture, face, start = samples[4]
        np.testing.assert_array_equal(picture, list(clips.values())[4].frame(face))
        assert sound.shape == (18, 4, 41) and len(keypoints) == 18
        starts.add(start)
    assert starts <= set(range(15)) and max(starts) > 9 and min(starts) < 4
    assert samples.sound_scale.mean.numpy() == pytest.approx(np.full(41, 5), abs=1)
    batch = collate_motion([samples[0], samples[4]])
    assert batch.pictures.shape == (2, 32, 32, 3) and batch.starts.shape == (2,)
    task = MotionAudioTask(model_with_weights(), MotionAudioLossOptions())
    for mode in (True, False):
        assert torch.isfinite(task.train(mode)(batch)["loss"])


def test_training_learns_and_resumes_to_the_bit(clips, tmp_path):
    check_learns_and_resumes_to_the_bit(clips, tmp_path, 4, OPTIONS)


def test_clips_are_rendered_from_sound_and_one_face(clips):
    clip, other = list(clips.values())[:2]
    mover = Mover(trained(build_field(SMALL)), model_with_weights())
    made = [
        np.stack(list(render_clip(method, clip, other).frames))
        for method in (
            Method("heard", "truth", "truth", ON_CPU, mover=mover),
            Method("posed", "truth", "truth", ON_CPU, "truth", mover=mover),
        )
    ]
    assert made[0].shape == (6, 32, 32, 3) and (made[0] != made[1]).any()
