"""The weights here are random, in files of the published form; no test goes to the internet."""

import csv
import math
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from scipy.linalg import sqrtm
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from emohead.evaluation.catalogue import metric
from emohead.evaluation.networks.fid import add_frames, fid, read_fid
from emohead.evaluation.networks.lpips import lpips_distance, read_lpips
from emohead.evaluation.networks.reasons import not_computed
from emohead.evaluation.networks.run import Networks, evaluate_networks
from emohead.evaluation.networks.sync import score_sync
from emohead.evaluation.networks.syncnet import SyncNet
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import SAMPLES_PER_FRAME, read_audio
from emohead.media.writing import write_video

ROOT = Path(__file__).parent.parent
HAPPY, SAD = "W901-front-happy-3-011", "W901-front-sad-3-012"


def pictures(count: int, *, size: int = 64, seed: int = 0) -> np.ndarray:
    """Frames of coarse random patches, which are structure to AlexNet."""
    draw = np.random.default_rng(seed)
    patches = draw.integers(0, 256, (count, size // 8, size // 8, 3), dtype=np.uint8)
    return patches.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    network = torchvision.models.alexnet(weights=None)
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({k: v for k, v in network.state_dict().items() if "features" in k}, path)
    return path


@pytest.fixture(scope="module")
def lpips(alexnet):
    return read_lpips(alexnet)


def lpips_by_formula(state: dict, heads: dict, one: np.ndarray, other: np.ndarray) -> float:
    """Zhang et al., eq. (1), of one pair of frames, in doubles."""

    def features(image: np.ndarray) -> list[np.ndarray]:
        mean, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
        values = torch.from_numpy((image / 127.5 - 1 - mean) / scale).permute(2, 0, 1)[None]
        seen = []
        for place, stride, padding in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
            if place in (3, 6):
                values = nn.functional.max_pool2d(values, 3, 2)
            weight, bias = (state[f"features.{place}.{w}"].double() for w in ("weight", "bias"))
            values = nn.functional.conv2d(values, weight, bias, stride, padding).relu()
            seen.append((values[0] / values[0].norm(dim=0).clamp(min=1e-12)).numpy())
        return seen

    total = 0.0
    for layer, (a, b) in enumerate(zip(features(one), features(other), strict=True)):
        weight = heads[f"lin{layer}.model.1.weight"].double().numpy().reshape(-1, 1, 1)
        total += (weight * (a - b) ** 2).sum(axis=0).mean()
    return total


def test_lpips_is_the_papers_formula(alexnet, lpips):
    ours, truth = pictures(3), pictures(3, seed=1)
    package = Path(find_spec("torchmetrics").origin).parent
    heads = torch.load(package / "functional/image/lpips_models/alex.pth", "cpu", weights_only=True)
    state = torch.load(alexnet, weights_only=True)
    expected = [lpips_by_formula(state, heads, *pair) for pair in zip(ours, truth, strict=True)]
    assert lpips_distance(lpips, ours, truth) == pytest.approx(np.mean(expected), rel=1e-3)


def test_lpips_of_equal_frames_is_zero_and_grows_with_noise(lpips):
    truth = pictures(20)  # more than one batch
    noise = np.random.default_rng(2).normal(0, 1, truth.shape)
    distances = [
        lpips_distance(lpips, (truth + level * noise).clip(0, 255).astype(np.uint8), truth)
        for level in (0, 10, 40)
    ]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]


class FourFeatures(nn.Module):
    """Stands in for Inception: the three colours' means, and the upper half's brightness."""

    num_features = 4

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = images.double()
        upper = values[:, :, : images.shape[2] // 2].mean((1, 2, 3))
        return torch.column_stack([values.mean((2, 3)), upper])


def four_features(frames: np.ndarray) -> np.ndarray:
    upper = frames[:, : frames.shape[1] // 2].mean((1, 2, 3))
    return np.column_stack([frames.mean((1, 2)), upper])


def test_fid_is_the_frechet_distance_of_the_features():
    metric = FrechetInceptionDistance(FourFeatures())
    ours = np.concatenate([pictures(40, seed=1) // 2, pictures(7, seed=2)])
    truth = pictures(47, seed=3)
    for part in (slice(0, 20), slice(20, None)):
        add_frames(metric, ours[part], truth[part])
    a, b = four_features(ours), four_features(truth)
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum()
    expected += np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert fid(metric) == pytest.approx(expected, rel=1e-6)
    assert expected > 100


def test_fid_of_equal_frames_is_zero_and_of_one_frame_unknown():
    metric, frames = FrechetInceptionDistance(FourFeatures()), pictures(30)
    add_frames(metric, frames[:1], frames[:1])
    assert math.isnan(fid(metric))
    add_frames(metric, frames[1:], frames[1:])
    assert fid(metric) == pytest.approx(0, abs=1e-6)


def test_fid_reads_the_published_names(tmp_path):
    torch.manual_seed(0)
    # torchvision's Inception has the FID Inception's names and shapes, and pools otherwise.
    network = torchvision.models.inception_v3(
        weights=None, num_classes=1008, aux_logits=False, init_weights=False
    )
    torch.save(network.state_dict(), tmp_path / "inception.pth")
    metric = read_fid(tmp_path / "inception.pth")
    loaded = metric.inception.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items())
    add_frames(metric, pictures(1), pictures(1, seed=1))
    assert metric.fake_features_sum.shape == (2048,)
    assert metric.fake_features_sum.std() > 0


@pytest.fixture
def shards(tmp_path):
    """A method's clips and the true ones: the second rendered clip lacks the last two frames."""
    for seed, (name, lengths) in enumerate({"ours": (9, 7), "truth": (9, 9)}.items()):
        with ShardWriter(tmp_path / f"{name}.h5", codec="png") as writer:
            for k, (clip_id, count) in enumerate(zip((HAPPY, SAD), lengths, strict=True)):
                points = np.random.default_rng(k).uniform(10, 50, (count, 68, 2))
                frames = pictures(count, seed=10 * seed + k)
                writer.add(clip_id, landmarks=points, frames=frames)
    sound = np.random.default_rng(5).normal(0, 0.1, 9 * SAMPLES_PER_FRAME).astype(np.float32)
    for clip_id in (HAPPY, SAD):
        write_video(tmp_path / f"{clip_id}.mp4", pictures(9), audio=sound, comment="test")
    return tmp_path


def test_every_network_is_scored_over_the_common_frames_but_the_first(shards, lpips):
    ours, truth = (open_clips([shards / f"{name}.h5"]) for name in ("ours", "truth"))
    torch.manual_seed(1)
    networks = Networks(lpips, FrechetInceptionDistance(FourFeatures()), SyncNet().eval())
    values = evaluate_networks(ours, truth, shards, networks)
    sync = [(f"sync_{what}", "syncnet") for what in ("confidence", "distance", "offset")]
    assert [*values] == [HAPPY, SAD, "all"]
    assert [*values[HAPPY]] == [*values[SAD]] == [("lpips", "alex"), *sync]
    assert [*values["all"]] == [("fid", "inception")]
    for clip in values.values():
        assert all(metric(*name) for name in clip)  # each stands in the catalogue
    short = lpips_distance(lpips, ours[SAD].frames()[1:7], truth[SAD].frames()[1:7])
    assert values[SAD]["lpips", "alex"] == pytest.approx(short)
    sound = read_audio(shards / f"{SAD}.mp4")[SAMPLES_PER_FRAME:]
    alone = score_sync(
        networks.syncnet, ours[SAD].frames()[1:7], sound, truth[SAD].landmarks[1:7]
    )  # fmt: skip
    assert values[SAD]["sync_distance", "syncnet"] == pytest.approx(alone.distance, rel=1e-6)
    again = FrechetInceptionDistance(FourFeatures())
    for clip_id, stop in ((HAPPY, 9), (SAD, 7)):
        add_frames(again, ours[clip_id].frames()[1:stop], truth[clip_id].frames()[1:stop])
    assert values["all"]["fid", "inception"] == pytest.approx(fid(again))


def run_script(monkeypatch, folder: Path, **paths: object) -> list[list[str]]:
    flags = {
        "shard": folder / "ours.h5", "true-shard": folder / "truth.h5", "videos": folder,
        "method": "ours", "reference": "neutral", "seed": 2,
        "lpips": "none", "fid": "none", "syncnet": "none", "output": folder / "out/networks.csv",
    } | paths  # fmt: skip
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", ["evaluate_networks.py", *words])
    runpy.run_path(str(ROOT / "workflow_scripts/evaluate_networks.py"), run_name="__main__")
    with open(folder / "out/networks.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_script_writes_a_long_table(shards, alexnet, lpips, monkeypatch):
    rows = run_script(monkeypatch, shards, lpips=alexnet)
    assert rows[0] == ["clip_id", "method", "reference", "seed", "metric", "convention", "value"]
    assert [row[:6] for row in rows[1:]] == [
        [clip_id, "ours", "neutral", "2", "lpips", "alex"] for clip_id in (HAPPY, SAD)
    ]
    expected = lpips_distance(lpips, pictures(9)[1:], pictures(9, seed=10)[1:])
    assert rows[1][6] == f"{expected:.6f}"


def test_script_without_weights_writes_the_head_alone(shards, monkeypatch):
    assert len(run_script(monkeypatch, shards)) == 1


@pytest.mark.parametrize("key", ["lpips", "fid", "syncnet"])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no file"),
        (b"<html>404</html>", "it is no PyTorch state dict"),
        ({"features.0.weight": torch.ones(2)}, "features.0.weight is|lacks|another network"),
        ([1, 2], "it holds a list"),
    ],
)
def test_wrong_files_end_with_a_sentence(key, content, complaint, shards, monkeypatch):
    path = shards / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(SystemExit, match=rf"^evaluation\.weights\.{key}: .*({complaint})") as error:
        run_script(monkeypatch, shards, **{key: path})
    assert str(path) in str(error.value)
    assert "docs/networks.md" in str(error.value)
    assert "\n" not in str(error.value)


def test_code_in_a_file_is_not_run(shards, monkeypatch):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (shards / "sprung",))

    for key in ("lpips", "fid", "syncnet"):
        torch.save({"features.0.weight": Trap()}, shards / "weights.pth")
        with pytest.raises(SystemExit, match=key):
            run_script(monkeypatch, shards, **{key: shards / "weights.pth"})
    assert not (shards / "sprung").exists()


def test_a_file_that_is_not_the_published_one_is_named_in_the_log(alexnet, capsys):
    read_lpips(alexnet)
    assert "NOT the published file, 7be5be79" in capsys.readouterr().out


def test_reasons():
    assert not_computed("a.pth", "b.pth", "c.model") == {}
    missing = not_computed(None, "b.pth", None)
    assert list(missing) == ["lpips", "syncnet"]
    assert missing["lpips"] == (
        "LPIPS was not computed, because evaluation.weights.lpips names no file: "
        "see docs/networks.md."
    )
