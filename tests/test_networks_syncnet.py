import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from emohead.evaluation.networks.speech import speech_mfcc
from emohead.evaluation.networks.sync import best_shift, face_pictures, score_sync, shift_distances
from emohead.evaluation.networks.syncnet import SyncNet, read_syncnet
from emohead.media.reading import SAMPLES_PER_FRAME

# Places and kernels of the convolutions in syncnet_v2.model: (inputs, outputs, kernel).
SOUND = {
    0: (1, 64, (3, 3)), 4: (64, 192, (3, 3)), 8: (192, 384, (3, 3)), 11: (384, 256, (3, 3)),
    14: (256, 256, (3, 3)), 18: (256, 512, (5, 4)),
}  # fmt: skip
MOUTH = {
    0: (3, 96, (5, 7, 7)), 4: (96, 256, (1, 5, 5)), 8: (256, 256, (1, 3, 3)),
    11: (256, 256, (1, 3, 3)), 14: (256, 256, (1, 3, 3)), 18: (256, 512, (1, 6, 6)),
}  # fmt: skip


def published_state() -> dict[str, torch.Tensor]:
    """Random weights under the names and in the shapes of syncnet_v2.model.

    It is older than `num_batches_tracked`.
    """
    draw, state = torch.Generator().manual_seed(0), {}

    def norm(name: str, width: int) -> None:
        for part in ("weight", "running_var"):
            state[f"{name}.{part}"] = torch.rand(width, generator=draw) + 0.5
        for part in ("bias", "running_mean"):
            state[f"{name}.{part}"] = torch.randn(width, generator=draw) * 0.1

    def weights(name: str, *shape: int) -> None:
        fan_in = np.prod(shape[1:])
        state[f"{name}.weight"] = torch.randn(*shape, generator=draw) * np.sqrt(2 / fan_in)
        state[f"{name}.bias"] = torch.randn(shape[0], generator=draw) * 0.1

    for stream, layers in (("netcnnaud", SOUND), ("netcnnlip", MOUTH)):
        for place, (inputs, outputs, kernel) in layers.items():
            weights(f"{stream}.{place}", outputs, inputs, *kernel)
            norm(f"{stream}.{place + 1}", outputs)
    for head in ("netfcaud", "netfclip"):
        weights(f"{head}.0", 512, 512)
        norm(f"{head}.1", 512)
        weights(f"{head}.3", 1024, 512)
    return {name: value.float() for name, value in state.items()}


@pytest.fixture(scope="module")
def state():
    return published_state()


@pytest.fixture(scope="module")
def network(state, tmp_path_factory) -> SyncNet:
    path = tmp_path_factory.mktemp("weights") / "syncnet_v2.model"
    torch.save(state, path, _use_new_zipfile_serialization=False)  # as PyTorch 0.4 wrote it
    return read_syncnet(path)


def test_published_file_has_the_size_that_is_known():
    """54,573,114 bytes, a few of them for names."""
    assert 0 < 54_573_114 - 4 * sum(v.numel() for v in published_state().values()) < 20_000


def layer(values: torch.Tensor, state: dict, name: str, place: int, **options) -> torch.Tensor:
    """Convolution or linear layer at a place, its normalisation at the next one, and ReLU."""
    weight, bias = state[f"{name}.{place}.weight"], state[f"{name}.{place}.bias"]
    apply = {2: functional.linear, 4: functional.conv2d, 5: functional.conv3d}[weight.ndim]
    values = apply(values, weight, bias, **options)
    of = {p: state[f"{name}.{place + 1}.{p}"].view(-1, *[1] * (values.ndim - 2))
          for p in ("weight", "bias", "running_mean", "running_var")}  # fmt: skip
    normal = (values - of["running_mean"]) / (of["running_var"] + 1e-5).sqrt()
    return (normal * of["weight"] + of["bias"]).relu()


def head(values: torch.Tensor, state: dict, name: str) -> torch.Tensor:
    hidden = layer(values.flatten(1), state, name, 0)
    return functional.linear(hidden, state[f"{name}.3.weight"], state[f"{name}.3.bias"])


@torch.inference_mode()
def test_sounds_layer_by_layer(network, state):
    mfcc = torch.randn(3, 13, 20, generator=torch.Generator().manual_seed(1))
    x = layer(mfcc[:, None], state, "netcnnaud", 0, padding=1)
    x = functional.max_pool2d(layer(x, state, "netcnnaud", 4, padding=1), 3, (1, 2))
    for place in (8, 11, 14):
        x = layer(x, state, "netcnnaud", place, padding=1)
    x = layer(functional.max_pool2d(x, 3, 2), state, "netcnnaud", 18)
    assert x.shape == (3, 512, 1, 1)
    expected = head(x, state, "netfcaud")
    assert network.sounds(mfcc).shape == (3, 1024)
    torch.testing.assert_close(network.sounds(mfcc), expected, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_mouths_layer_by_layer_and_window_by_window(network, state):
    faces = 255 * torch.rand(7, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    x = torch.stack([faces[t : t + 5].transpose(0, 1) for t in range(3)])  # [3, 3, 5, 224, 224]
    x = layer(x, state, "netcnnlip", 0, stride=(1, 2, 2))
    x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2))
    x = layer(x, state, "netcnnlip", 4, stride=(1, 2, 2), padding=(0, 1, 1))
    x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for place in (8, 11, 14):
        x = layer(x, state, "netcnnlip", place, padding=(0, 1, 1))
    x = layer(functional.max_pool3d(x, (1, 3, 3), (1, 2, 2)), state, "netcnnlip", 18)
    assert x.shape == (3, 512, 1, 1, 1)
    expected = head(x, state, "netfclip")
    found = network.mouths(faces)
    assert found.shape == (3, 1024)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-2)


def test_mfcc_are_those_of_python_speech_features():
    """Computed once with python_speech_features 0.6 from these 16-bit samples."""
    t = np.arange(8000) / 16000
    chirp = np.round(8000 * np.sin(2 * np.pi * (200 * t + 1500 * t * t))) / 32768
    found = speech_mfcc(chirp.astype(np.float32))
    assert found.shape == (49, 13)
    assert found[[0, 25, 48]] == pytest.approx(np.array([
        [17.9023, 24.8435, 16.0175, 9.2437, 1.5866, -6.9192, -13.8963,
         -19.6038, -22.2347, -22.0059, -18.6061, -14.0846, -8.7605],
        [20.6426, 17.3132, -20.641, -34.0833, -12.6653, 19.0073, 27.2551,
         3.6087, -23.7324, -26.5864, -4.3505, 15.2439, 13.2123],
        [21.4461, -5.1971, -36.393, -5.4957, 30.6861, 6.6428, -28.7011,
         -9.6062, 23.9062, 8.2151, -21.1116, -10.2956, 14.0235],
    ]), abs=1e-3)  # fmt: skip
    assert np.isfinite(speech_mfcc(np.zeros(8000, np.float32))).all()


def test_confidence_by_hand():
    distances = torch.arange(31.0) % 7 + 8  # five each of 8, 9, 10, then four each of 11 to 14
    distances[19] = 6.5  # was 13; the 16th of the 31 by size, their median, is the last 10
    score = best_shift(distances)
    assert (score.confidence, score.distance, score.offset) == (3.5, 6.5, -4)


def test_shift_distances_by_hand():
    mouths, sounds = torch.tensor([[3.0, 4.0], [0, 0]]), torch.tensor([[0.0, 4.0], [6, 8]])
    distances = shift_distances(mouths, sounds).tolist()
    # Alone against silence: (5 + 0) / 2. By one frame: the sound before, or after, its mouth.
    expected = dict.fromkeys(range(31), 2.5)
    expected |= {14: (5 + 4) / 2, 15: (3 + 10) / 2, 16: (5 + 0) / 2}
    assert distances == pytest.approx([expected[k] for k in range(31)], abs=1e-4)


@pytest.mark.parametrize("late", [-11, 0, 3])
def test_offset_of_a_late_mouth(late):
    words = torch.randn(120, 1024, generator=torch.Generator().manual_seed(3))
    score = best_shift(shift_distances(words[20 - late : 100 - late], words[20:100]))
    assert score.offset == late
    assert score.confidence > 10


class Loudness(nn.Module):
    """Stands in for SyncNet: brightness of the 5 frames, loudness of the 5 x 40 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def sounds(self, mfcc: torch.Tensor) -> torch.Tensor:
        assert mfcc.shape[1:] == (13, 20)
        loudness = mfcc[:, 0].unflatten(1, (5, 4)).mean(2)
        return loudness - loudness.mean(1, keepdim=True)

    def mouths(self, faces: torch.Tensor) -> torch.Tensor:
        assert faces.shape[1:] == (3, 224, 224)
        brightness = faces[:, :, 100:124, 100:124].mean((1, 2, 3)).unfold(0, 5, 1) / 50
        return brightness - brightness.mean(1, keepdim=True)


def film(brightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames [T, 64, 64, 3] of this brightness, and noise whose log energy follows it."""
    frames = np.broadcast_to(brightness[:, None, None, None], (len(brightness), 64, 64, 3))
    noise = np.random.default_rng(6).normal(0, 1, len(brightness) * SAMPLES_PER_FRAME)
    amplitude = 1e-3 * np.exp(brightness / 100).repeat(SAMPLES_PER_FRAME)
    return frames.astype(np.uint8), (amplitude * noise).astype(np.float32)


@pytest.mark.parametrize("late", [-7, 0, 4])
def test_pictures_and_sound_are_laid_beside_each_other(late):
    brightness = np.random.default_rng(7).integers(0, 250, 90).astype(float)
    frames, samples = film(brightness)
    landmarks = np.random.default_rng(8).uniform(16, 48, (60, 68, 2))
    first = 15 * SAMPLES_PER_FRAME
    cut = samples[first : first + 60 * SAMPLES_PER_FRAME]
    score = score_sync(Loudness(), frames[15 - late : 75 - late], cut, landmarks)
    assert score.offset == late
    assert score.confidence > score.distance


def test_clips_without_a_window_have_no_score():
    frames, samples = film(np.full(6, 90.0))
    landmarks = np.random.default_rng(8).uniform(16, 48, (6, 68, 2))
    assert score_sync(Loudness(), frames[:5], samples, landmarks[:5]) is None
    assert score_sync(Loudness(), frames, samples[:-1], landmarks) is None
    assert score_sync(Loudness(), frames, samples, landmarks) is not None


def test_faces_are_cut_as_syncnets_pipeline_does():
    # Points from 20 to 60 across and 40 to 80 down: the face reaches from 40 - .27 * 40 = 29.2 to
    # 80, half of it is 25.4; the square is 2.8 times as long, 71.12, from 29.2 down, around x = 40.
    landmarks = np.full((2, 68, 2), 50.0)
    landmarks[:, 0], landmarks[:, 1] = (20, 40), (60, 80)
    landmarks += [[[-3, 2]], [[3, -2]]]  # the head moves, the square stays
    frames = np.full((2, 96, 96, 3), (10, 20, 30), np.uint8)
    frames[:, 60:, 40:] = (200, 100, 50)
    faces = np.stack(list(face_pictures(frames, landmarks)))
    assert faces.shape == (2, 3, 224, 224)
    scale = 224 / 71.12
    column, row = round((39.5 - 4.44) * scale), round((59.5 - 29.2 + 0.5) * scale)
    assert faces[0, :, row + 4, column + 4].tolist() == [50, 100, 200]  # blue first
    assert faces[0, :, row - 4, column + 4].tolist() == [30, 20, 10]
    assert faces[0, :, row + 4, column - 4].tolist() == [30, 20, 10]
    below = round((96 - 29.2) * scale)
    assert faces[0, :, below + 4, 100].tolist() == [110, 110, 110]
    assert (faces[0] == faces[1]).all()
