"""FVD, CSIM and Emotion-FAN by small made weights, under the published names."""

import re

import cv2
import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from emohead.evaluation.identity import described_frames
from emohead.evaluation.networks import arcface, emotion_fan
from emohead.evaluation.networks.fvd import i3d_features, read_i3d
from emohead.evaluation.networks.run import Networks, score_networks
from emohead.features.store import ShardWriter, open_clips
from emohead.methods.rendered import open_rendering
from emohead.resume import resumable

DRAW = np.random.default_rng(0)


class Means(nn.Module):
    """In I3D's place: the mean and the extremes of a film, as its TorchScript file is called."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, film, rescale: bool, resize: bool, return_features: bool):
        assert return_features and not rescale and not resize
        whole = film.flatten(1)
        values = [whole.mean(1), whole.amin(1), whole.amax(1), self.scale * float(film.shape[2])]
        return torch.stack(values, dim=1)


def test_i3d_sees_pieces_of_16_frames_from_minus_one_to_one(tmp_path):
    torch.jit.script(Means()).save(str(tmp_path / "i3d.pt"))
    film = np.stack([np.full((32, 32, 3), 7 * t, np.uint8) for t in range(36)])
    features = i3d_features(read_i3d(tmp_path / "i3d.pt"), film)
    levels = [np.arange(k, k + 16) * 7 / 127.5 - 1 for k in (0, 16)]
    expected = [(each.mean(), each.min(), each.max(), 16) for each in levels]
    np.testing.assert_allclose(features, expected, atol=1e-5)
    assert len(i3d_features(read_i3d(tmp_path / "i3d.pt"), film[:15])) == 0


def randomised(network):
    """The same network with weights, and statistics of batch norm, that do something."""
    torch.manual_seed(0)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.copy_(
                torch.rand_like(value) + 0.5
                if name.endswith(("running_var", "bn3.weight"))
                else torch.randn_like(value) * (0.3 / max(1, value[0].numel()) ** 0.5)
            )
    return network


def normed(state, name, maps):
    mean, var, weight, bias = (
        state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(maps, mean, var, weight, bias, eps=1e-5)


def insightface(state, faces):
    """InsightFace's iresnet, read from its state dict."""
    maps = functional.conv2d(faces, state["conv1.weight"], padding=1)
    maps = functional.prelu(normed(state, "bn1", maps), state["prelu.weight"])
    for block in dict.fromkeys(re.findall(r"(?m)^(layer\d\.\d+)", "\n".join(state))):
        first = block.endswith(".0")
        made = functional.conv2d(
            normed(state, f"{block}.bn1", maps), state[f"{block}.conv1.weight"], padding=1
        )
        made = functional.prelu(normed(state, f"{block}.bn2", made), state[f"{block}.prelu.weight"])
        weight = state[f"{block}.conv2.weight"]
        made = functional.conv2d(made, weight, stride=2 if first else 1, padding=1)
        if first:
            kept = functional.conv2d(maps, state[f"{block}.downsample.0.weight"], stride=2)
            maps = normed(state, f"{block}.downsample.1", kept)
        maps = normed(state, f"{block}.bn3", made) + maps
    flat = normed(state, "bn2", maps).flatten(1)
    return normed(state, "features", flat @ state["fc.weight"].T + state["fc.bias"])


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A file of a backbone of another depth than any published, and its state dict."""
    path = tmp_path_factory.mktemp("weights") / "backbone.pth"
    state = randomised(arcface.IResNet((1, 2, 1, 1))).state_dict()
    torch.save(state, path)
    return path, state


@torch.inference_mode()
def test_arcface_is_insightfaces_and_as_deep_as_its_file(backbone):
    path, state = backbone
    network = arcface.read_arcface(path)
    faces = torch.from_numpy(DRAW.uniform(-1, 1, (2, 3, 112, 112))).float()
    torch.testing.assert_close(network(faces), insightface(state, faces), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_csim_is_the_cosine_of_the_embeddings(backbone):
    path, state = backbone
    one, other = DRAW.integers(0, 256, (2, 2, 112, 112, 3), dtype=np.uint8)
    sides = [
        insightface(state, torch.from_numpy(f).permute(0, 3, 1, 2) / 127.5 - 1).double().numpy()
        for f in (one, other)
    ]
    a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    network = arcface.read_arcface(path)
    assert arcface.csim(network, one, other) == pytest.approx((a * b).sum(1).mean(), abs=1e-4)
    assert arcface.csim(network, one, one) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("length", [2, 26, 27, 60])
def test_csim_is_of_the_frames_that_dlib_describes(tmp_path, monkeypatch, length):
    """As the catalogue says; frame t is grey t here, and its face is all of it."""
    clip_id = "W901-front-happy-3-001"
    film = [np.full((16, 16, 3), t, np.uint8) for t in range(length)]
    (tmp_path / "state").mkdir()
    with ShardWriter(tmp_path / "clips.h5", codec="bmp") as writer:
        writer.add(clip_id, landmarks=np.zeros((length, 68, 2)), frames=film)
    seen = []

    def csim(network, *sides):
        seen.extend([face.mean() for face in side] for side in sides)
        return 0.5

    monkeypatch.setattr("emohead.evaluation.networks.run.csim", csim)
    monkeypatch.setattr("emohead.evaluation.networks.run.face_picture", lambda face, _: face)
    values = score_networks(
        open_rendering(tmp_path, "ours"), open_clips([tmp_path / "clips.h5"]),
        Networks(arcface=nn.Identity()), takes={clip_id: None}, state=tmp_path / "state", sums=None,
        seen={clip_id: np.zeros((length, 68, 2))},
    )  # fmt: skip
    assert values == {clip_id: {("identity", "arcface_cosine"): 0.5}}
    assert seen == [list(described_frames(length))] * 2
    assert seen[0] == list(range(1, length, 25))


def test_csim_aligns_both_sides_by_what_dlib_sees(tmp_path, monkeypatch):
    """By the stored landmarks, which extraction tracks, the truth would differ from itself."""
    clip_id, sides = "W901-front-happy-3-001", []
    film = DRAW.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    stored, points, others = DRAW.uniform(10, 50, (3, 3, 68, 2))
    with ShardWriter(tmp_path / "clips.h5", codec="bmp") as writer:
        writer.add(clip_id, landmarks=stored, frames=film)
    monkeypatch.setattr(
        "emohead.evaluation.networks.run.csim", lambda _, *both: sides.append(both) or 0.5
    )

    def score(**truth_seen):
        with resumable(tmp_path / "state") as state:
            values = score_networks(
                open_rendering(tmp_path, "ours"), open_clips([tmp_path / "clips.h5"]),
                Networks(arcface=nn.Identity()), takes={clip_id: None}, state=state, sums=None,
                seen={clip_id: points}, **truth_seen,
            )  # fmt: skip
        return values[clip_id]

    assert score() == score(truth_seen={clip_id: others})
    for (made, true), by in zip(sides, (points, others), strict=True):
        np.testing.assert_array_equal(made, [arcface.face_picture(film[1], points[1])])
        np.testing.assert_array_equal(true, [arcface.face_picture(film[1], by[1])])
    assert score(truth_seen={clip_id: np.full_like(points, np.nan)}) == {}  # no face was seen


def test_the_face_is_turned_to_where_arcface_wants_it():
    """Points on a picture, moved as their landmarks are: they come to lie at the template's."""
    template = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)])
    turn = np.array([[0.8, -0.5, 60], [0.5, 0.8, 20]])
    landmarks = np.zeros((68, 2))
    for points, place in zip(
        (range(36, 42), range(42, 48), [30], [48], [54]), template, strict=True
    ):
        landmarks[list(points)] = turn[:, :2] @ place + turn[:, 2]
    frame = np.zeros((256, 256, 3), np.uint8)
    for x, y in landmarks[[36, 42, 30, 48, 54]].round().astype(int):
        cv2.circle(frame, (int(x), int(y)), 3, (255, 255, 255), -1)
    face = arcface.face_picture(frame, landmarks)
    assert face.shape == (112, 112, 3)
    assert all(face[round(y), round(x)].min() > 200 for x, y in template)


@torch.inference_mode()
def test_emotion_fan_is_the_published_formula(tmp_path):
    """With its doubtful part: the sum is divided by beta, and isn't weighed by it."""
    backbone = randomised(torchvision.models.resnet18(weights=None)).eval()
    state = {f"module.{k}": v for k, v in backbone.state_dict().items() if "fc" not in k}
    heads = {
        "alpha.0": nn.Linear(512, 1), "beta.0": nn.Linear(1024, 1),
        "pred_fc1": nn.Linear(512, 8), "pred_fc2": nn.Linear(1024, 8),
    }  # fmt: skip
    state |= {
        f"module.{n}.{k}": v for n, head in heads.items() for k, v in head.state_dict().items()
    }
    torch.save({"epoch": 61, "accuracy": 84.4, "state_dict": state}, tmp_path / "fan")
    network = emotion_fan.read_emotion_fan(tmp_path / "fan")
    frames = DRAW.integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    backbone.fc = nn.Identity()
    f = backbone(torch.from_numpy(frames).permute(0, 3, 1, 2) / 255).double().numpy()

    def head(name, x):
        weight, bias = (state[f"module.{name}.{k}"].double().numpy() for k in ("weight", "bias"))
        return x @ weight.T + bias

    alpha = 1 / (1 + np.exp(-head("alpha.0", f)))
    both = np.concatenate([f, np.repeat((f * alpha).sum(0)[None] / alpha.sum(), 3, 0)], axis=1)
    beta = 1 / (1 + np.exp(-head("beta.0", both)))
    logits = head("pred_fc2", (both * alpha).sum(0) / (alpha * beta).sum())
    classes = ["happy", "angry", "disgusted", "fear", "sad", "neutral", "surprised", "contempt"]
    np.testing.assert_allclose(network(torch.from_numpy(f).float()), logits, rtol=1e-3, atol=1e-4)
    assert emotion_fan.named_emotion(network, frames) == classes[logits.argmax()]


def test_the_chip_is_an_upright_face():
    """dlib's: of a face that is turned by 20 degrees, the same as of the face itself, about."""
    import skimage.data

    from emohead.features.faces import FaceFinder

    image = skimage.data.astronaut()[0:256, 96:352]
    finder = FaceFinder()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    landmarks = finder.landmarks(image, finder.boxes(grey)[0])
    turn = cv2.getRotationMatrix2D((128, 128), 20, 1)
    turned = cv2.warpAffine(image, turn, (256, 256))
    moved = landmarks @ turn[:, :2].T + turn[:, 2]
    one, other = emotion_fan.face_chip(image, landmarks), emotion_fan.face_chip(turned, moved)
    assert one.shape == (224, 224, 3)
    assert np.abs(one.astype(int) - other)[40:-40, 40:-40].mean() < 8
