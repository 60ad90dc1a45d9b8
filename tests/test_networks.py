"""The weights here are random, in files of the published form; no test goes to the internet."""

import json
import math
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from method_factory import Film
from scipy.linalg import sqrtm
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from emohead.data.clip_tables import CLIP_COLUMNS
from emohead.data.mead import Clip, parse_clip_id
from emohead.evaluation.catalogue import metric
from emohead.evaluation.networks.fid import FeatureSums, fid, inception_features, read_fid
from emohead.evaluation.networks.lpips import lpips_distance, read_lpips
from emohead.evaluation.networks.reasons import not_computed
from emohead.evaluation.networks.run import Networks, read_sums, score_networks, write_sums
from emohead.evaluation.networks.sync import score_sync
from emohead.evaluation.networks.syncnet import SyncNet
from emohead.evaluation.scores import read_table
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import SAMPLES_PER_FRAME, read_audio
from emohead.media.writing import write_video
from emohead.methods.rendered import RenderedClip, open_rendering

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


class WithoutMeaning(FourFeatures):
    """Of Inception's width: 2044 more features that are always zero."""

    num_features = 2048

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(super().forward(images), (0, 2044))


def four_features(frames: np.ndarray) -> np.ndarray:
    upper = frames[:, : frames.shape[1] // 2].mean((1, 2, 3))
    return np.column_stack([frames.mean((1, 2)), upper])


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of two normal distributions with the means and covariances of features."""
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    squares = np.square(a.mean(0) - b.mean(0)).sum()
    return squares + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)


def test_fid_is_the_frechet_distance_of_the_features():
    metric = FrechetInceptionDistance(FourFeatures())
    ours = np.concatenate([pictures(40, seed=1) // 2, pictures(7, seed=2)])
    truth = pictures(47, seed=3)
    made, true = (
        FeatureSums.of((inception_features(metric, part) for part in (all_[:20], all_[20:])), 4)
        for all_ in (ours, truth)
    )
    expected = frechet(four_features(ours), four_features(truth))
    assert fid(made, true) == pytest.approx(expected, rel=1e-6)
    assert expected > 100


def test_sums_of_two_halves_are_those_of_the_whole():
    draw = np.random.default_rng(0)
    made, true = (
        draw.normal(0, 1, (60, 7)),
        draw.normal(0.5, 2, (50, 7)) @ draw.normal(0, 1, (7, 7)),
    )
    halves = FeatureSums.of([made[:10], made[10:25]], 7) + FeatureSums.of([made[25:]], 7)
    whole = FeatureSums.of([made], 7)
    assert halves.count == whole.count == 60
    np.testing.assert_allclose(halves.total, whole.total)
    np.testing.assert_allclose(halves.products, whole.products)
    np.testing.assert_allclose(whole.products, np.einsum("ti,tj->ij", made, made))
    assert fid(halves, FeatureSums.of([true], 7)) == pytest.approx(frechet(made, true), rel=1e-6)
    nothing = FeatureSums.of([], 7)
    np.testing.assert_array_equal((nothing + whole).products, whole.products)


def test_fid_of_equal_frames_is_zero_and_of_one_frame_unknown():
    features = four_features(pictures(30))
    one, rest = FeatureSums.of([features[:1]], 4), FeatureSums.of([features[1:]], 4)
    assert math.isnan(fid(one, rest)) and math.isnan(fid(rest, one))
    assert fid(one + rest, one + rest) == pytest.approx(0, abs=1e-6)
    assert math.isnan(fid(FeatureSums.of([], 4), rest))


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
    features = inception_features(metric, pictures(1))
    assert features.shape == (1, 2048)
    assert features.std() > 0


@pytest.fixture
def shards(tmp_path):
    """A method's clips and the true ones: the second rendered clip lacks the last two frames.

    Beside them the tables of a run: clips.csv and split.csv.
    """
    (tmp_path / "ours").mkdir()
    for k, (clip_id, count) in enumerate(((HAPPY, 9), (SAD, 7))):
        with ShardWriter(tmp_path / "ours" / f"{clip_id}.h5", codec="bmp") as writer:
            points = np.random.default_rng(k).uniform(10, 50, (count, 68, 2))
            writer.add(clip_id, landmarks=points, frames=pictures(count, seed=k))
    with ShardWriter(tmp_path / "truth.h5", codec="png") as writer:
        for k, clip_id in enumerate((HAPPY, SAD)):
            points = np.random.default_rng(k).uniform(10, 50, (9, 68, 2))
            writer.add(clip_id, landmarks=points, frames=pictures(9, seed=10 + k))
    sound = np.random.default_rng(5).normal(0, 0.1, 9 * SAMPLES_PER_FRAME).astype(np.float32)
    rows = []
    for clip_id in (HAPPY, SAD):
        take = tmp_path / f"{clip_id}.mp4"
        write_video(take, pictures(9), audio=sound, comment="test")
        rows.append((clip_id, *vars(parse_clip_id(clip_id)).values(), take, take))
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(tmp_path / "clips.csv", index=False)
    (tmp_path / "split.csv").write_text(
        f"clip_id,part,start,stop\n{HAPPY},test,0,9\n{SAD},test,0,9\n"
    )
    return tmp_path


def opened(shards):
    """The method's clips, the true ones, and the takes of their sound."""
    truth = open_clips([shards / "truth.h5"])
    files = {c: shards / f"{c}.mp4" for c in truth}
    takes = {c: Clip(**vars(parse_clip_id(c)), video=f, audio=f) for c, f in files.items()}
    return open_rendering(shards / "ours", "ours"), truth, takes


def test_every_network_is_scored_over_the_common_frames_but_the_first(shards, lpips, tmp_path):
    ours, truth, takes = opened(shards)
    torch.manual_seed(1)
    networks, state = Networks(lpips, None, SyncNet().eval()), tmp_path / "state"
    state.mkdir()
    values = score_networks(ours, truth, networks, takes=takes, state=state, sums=None)
    sync = [(f"sync_{what}", "syncnet") for what in ("confidence", "distance", "offset")]
    assert [*values] == [HAPPY, SAD]
    assert [*values[HAPPY]] == [*values[SAD]] == [("lpips", "alex"), *sync]
    for clip in values.values():
        assert all(metric(*name) for name in clip)  # each stands in the catalogue
    films = {clip_id: np.stack(list(clip.frames())) for clip_id, clip in ours.items()}
    short = lpips_distance(lpips, films[SAD][1:7], truth[SAD].frames()[1:7])
    assert values[SAD]["lpips", "alex"] == pytest.approx(short)
    sound = read_audio(shards / f"{SAD}.mp4")[SAMPLES_PER_FRAME:]
    alone = score_sync(networks.syncnet, films[SAD][1:7], sound, truth[SAD].landmarks[1:7])
    assert values[SAD]["sync_distance", "syncnet"] == pytest.approx(alone.distance, rel=1e-6)


def test_sums_are_those_of_all_common_frames_but_the_first(shards, tmp_path):
    ours, truth, takes = opened(shards)
    networks = Networks(None, FrechetInceptionDistance(WithoutMeaning()), None)
    values = score_networks(
        ours, truth, networks, takes=takes, state=tmp_path, sums=tmp_path / "out/sums.npz"
    )
    assert values == {HAPPY: {}, SAD: {}}
    made, true = (
        np.concatenate([four_features(np.stack(list(film))[1:stop]) for film, stop in films])
        for films in (
            [(ours[HAPPY].frames(), 9), (ours[SAD].frames(), 7)],
            [(truth[HAPPY].frames(), 9), (truth[SAD].frames(), 7)],
        )
    )
    written = read_sums(tmp_path / "out/sums.npz")["fid"]
    for sums, features in zip(written, (made, true), strict=True):
        assert sums.count == len(features) == 14
        np.testing.assert_allclose(sums.total[:4], features.sum(0), rtol=1e-6)
        np.testing.assert_allclose(sums.products[:4, :4], features.T @ features, rtol=1e-6)
        assert not sums.total[4:].any() and not sums.products[4:].any()


def test_networks_go_on_with_the_next_clip(shards, lpips, tmp_path, monkeypatch):
    ours, truth, takes = opened(shards)
    networks, done = Networks(lpips, None, None), []

    def interrupted(*films):
        done.append(1)
        if len(done) == 2:
            raise KeyboardInterrupt
        return lpips_distance(*films)

    monkeypatch.setattr("emohead.evaluation.networks.run.lpips_distance", interrupted)
    score = partial(score_networks, ours, truth, networks, takes=takes, sums=None)
    state, other = tmp_path / "state", tmp_path / "other"
    state.mkdir()
    other.mkdir()
    with pytest.raises(KeyboardInterrupt):
        score(state=state)
    values = score(state=state)
    assert len(done) == 3  # the second clip's, twice
    assert values == score(state=other)


def test_a_long_clip_passes_the_networks_a_few_frames_at_a_time(lpips, tmp_path):
    film, true = Film(300, 64), Film(300, 64)
    with ShardWriter(tmp_path / "s.h5", codec="bmp") as writer:
        writer.add(HAPPY, landmarks=np.zeros((300, 68, 2)), frames=true())
    truth = open_clips([tmp_path / "s.h5"])
    ours = {HAPPY: RenderedClip(HAPPY, np.zeros((300, 68, 2)), film, {}, "")}
    networks = Networks(lpips, None, None)
    values = score_networks(
        ours, truth, networks, takes={HAPPY: None}, state=tmp_path, sums=None
    )  # fmt: skip
    assert values[HAPPY]["lpips", "alex"] == 0
    assert film.most <= 32


def scored(run_script, folder: Path, *, weights=(), **paths: object) -> list[tuple]:
    """The rows that score_networks.py writes; `weights` are KEY=FILE."""
    rendering = {"device": "cpu", "precision": "32-true", "batch_size": "auto"}
    flags = {
        "features": folder / "truth.h5", "split": folder / "split.csv", "speaker": "W901",
        "clips": folder / "clips.csv", "rendered": folder / "ours",
        "method": "ours", "reference": "neutral", "seed": 2,
        "rendering": json.dumps(rendering), "threads": 1, "state": folder / "state/networks",
        "code": "as it is",
        "scores": folder / "out/networks.parquet",
    } | paths  # fmt: skip
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    words += [word for each in weights for word in ("--weights", each)]
    run_script("score_networks.py", *words)
    assert not (folder / "state/networks").exists()
    table = read_table(folder / "out/networks.parquet")
    return [tuple(row) for row in table.astype(object).itertuples(index=False)]


def test_script_writes_a_table_of_scores(shards, alexnet, lpips, run_script):
    rows = scored(run_script, shards, weights=[f"lpips={alexnet}"])
    assert [row[:6] for row in rows] == [
        (clip_id, "ours", "neutral", 2, "lpips", "alex") for clip_id in (HAPPY, SAD)
    ]
    expected = lpips_distance(lpips, pictures(9)[1:], pictures(9, seed=10)[1:])
    assert rows[0][6] == pytest.approx(expected, abs=1e-6)


def test_script_without_weights_writes_no_row(shards, run_script):
    assert scored(run_script, shards) == []


def test_script_adds_the_speakers_sums_up(tmp_path, run_script):
    draw = np.random.default_rng(0)
    made, true = draw.normal(0, 1, (40, 5)), draw.normal(1, 2, (40, 5))
    for name, part in (("a", slice(0, 15)), ("b", slice(15, 40))):
        sums = tuple(FeatureSums.of([side[part]], 5) for side in (made, true))
        # A speaker whose clips are all shorter than a piece has nothing for FVD.
        videos = sums if name == "a" else (FeatureSums.of([], 0),) * 2
        write_sums({"fid": sums, "fvd": videos}, tmp_path / f"{name}.npz")
    run_script(
        "score_fid.py", "--sums", tmp_path / "a.npz", tmp_path / "b.npz", "--method", "ours",
        "--reference", "neutral", "--seed", 1, "--scores", tmp_path / "fid.parquet",
    )  # fmt: skip
    row, video = read_table(tmp_path / "fid.parquet").astype(object).itertuples(index=False)
    assert tuple(row)[:6] == ("all", "ours", "neutral", 1, "fid", "inception")
    assert row.value == pytest.approx(frechet(made, true), abs=1e-5)
    assert (video.metric, video.convention) == ("fvd", "i3d")
    assert video.value == pytest.approx(frechet(made[:15], true[:15]), rel=1e-5)


@pytest.mark.parametrize("key", ["lpips", "fid", "syncnet", "fvd", "arcface", "emotion_fan"])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no file"),
        (b"<html>404</html>", "it is no (PyTorch state dict|TorchScript)"),
        (
            {"features.0.weight": torch.ones(2)},
            "features.0.weight is|lacks|another network|no TorchScript",
        ),
        ([1, 2], "it holds a list|no TorchScript"),
    ],
)
def test_wrong_files_end_with_a_sentence(key, content, complaint, shards, run_script):
    path = shards / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(SystemExit, match=rf"^evaluation\.weights\.{key}: .*({complaint})") as error:
        scored(run_script, shards, weights=[f"{key}={path}"])
    assert str(path) in str(error.value)
    assert "docs/networks.md" in str(error.value)
    assert "\n" not in str(error.value)


def test_code_in_a_file_is_not_run(shards, run_script):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (shards / "sprung",))

    for key in ("lpips", "fid", "syncnet", "fvd", "arcface", "emotion_fan"):
        torch.save({"features.0.weight": Trap()}, shards / "weights.pth")
        with pytest.raises(SystemExit, match=key):
            scored(run_script, shards, weights=[f"{key}={shards / 'weights.pth'}"])
    assert not (shards / "sprung").exists()


def test_a_file_that_is_not_the_published_one_is_named_in_the_log(alexnet, capsys):
    read_lpips(alexnet)
    assert "NOT the published file, 7be5be79" in capsys.readouterr().out


def test_reasons():
    given = dict.fromkeys(("lpips", "fid", "syncnet", "fvd", "arcface", "emotion_fan"), "a.pth")
    assert not_computed(**given) == {}
    missing = not_computed(**given | {"lpips": None, "syncnet": None})
    assert list(missing) == ["lpips", "syncnet"]
    assert missing["lpips"] == (
        "LPIPS was not computed, because evaluation.weights.lpips names no file: "
        "see docs/networks.md."
    )
