"""The server is real, on this machine, and its file has torchvision's form and a few bytes."""

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from file_server import serving
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from emohead.translator import vgg_weights
from emohead.translator.perceptual import PerceptualLoss
from emohead.translator.vgg_weights import fetch_imagenet_weights, provide_imagenet_weights


def state_dict_file() -> bytes:
    """A state dict of VGG-19 whose large layers share one stored number each."""
    with torch.device("meta"):
        features = nn.Sequential(*make_layers(cfgs["E"]))
    state = {
        f"features.{name}": torch.full((1,), 0.01 * i).expand(value.shape)
        for i, (name, value) in enumerate(features.state_dict().items())
    }
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


DATA = state_dict_file()
NAME = f"vgg19-{hashlib.sha256(DATA).hexdigest()[:8]}.pth"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(vgg_weights, "PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        point_to(monkeypatch, f"{server.url}/models/{NAME}")
        server.files = {f"/models/{NAME}": DATA}
        yield server


def point_to(monkeypatch, url: str) -> None:
    weights = SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(url=url))
    monkeypatch.setattr(vgg_weights, "VGG19_Weights", weights)


def test_is_fetched_once_and_the_loss_reads_it(server, tmp_path):
    link = tmp_path / "results/vgg19.pth"
    for _ in range(2):  # the second takes the link away, as Snakemake does, and makes it again
        link.unlink(missing_ok=True)
        provide_imagenet_weights(tmp_path / "downloads", link)
        assert link.is_symlink()
        assert link.read_bytes() == DATA
    assert len(server.requests) == 1
    assert {p.name for p in (tmp_path / "downloads").iterdir()} == {NAME, f"{NAME}.lock"}
    first = PerceptualLoss(link).layers[0]
    assert first.weight.shape == (64, 3, 3, 3)
    assert (first.bias == 0.01).all()


def test_breaks_and_a_busy_server_are_outlasted(server, tmp_path, capsys):
    server.statuses, server.breaks = [503], [len(DATA) // 2]
    path = fetch_imagenet_weights(tmp_path)
    assert path.read_bytes() == DATA
    assert len(server.requests) == 3
    assert capsys.readouterr().out.count("once more in") == 2


def test_a_broken_file_never_gets_the_name(server, tmp_path):
    server.files = {f"/models/{NAME}": DATA[:-1]}
    with pytest.raises(ValueError, match=r"invalid hash.*put it at .*vgg19-.*vgg_weights: <path>"):
        fetch_imagenet_weights(tmp_path, attempts=2)
    assert len(server.requests) == 2
    assert {p.name for p in tmp_path.iterdir()} == {f"{NAME}.lock"}


def test_a_missing_file_is_not_asked_for_again(server, tmp_path):
    server.statuses = [404, 404]
    with pytest.raises(ValueError, match="404"):
        fetch_imagenet_weights(tmp_path)
    assert len(server.requests) == 1


def test_offline_the_message_says_how(monkeypatch, tmp_path):
    url = f"http://127.0.0.1:9/models/{NAME}"  # where nobody listens
    point_to(monkeypatch, url)
    monkeypatch.setattr(vgg_weights, "PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ValueError, match="can't be fetched") as error:
        fetch_imagenet_weights(tmp_path)
    assert f"fetch {url} elsewhere and put it at {tmp_path / NAME}" in str(error.value)


def test_a_file_put_there_by_hand_is_taken_if_it_is_good(server, tmp_path):
    (tmp_path / NAME).write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match=f"{NAME}: wrong checksum.*remove it"):
        fetch_imagenet_weights(tmp_path)
    (tmp_path / NAME).write_bytes(DATA)
    assert fetch_imagenet_weights(tmp_path) == tmp_path / NAME
    assert len(server.requests) == 0


def test_what_a_killed_process_left_is_removed(server, tmp_path):
    left_over = tmp_path / f"{NAME}.0123abcd.partial"
    left_over.write_bytes(DATA[:100])
    fetch_imagenet_weights(tmp_path)
    assert not left_over.exists()


def test_torchvisions_own_name_carries_the_sum():
    url = vgg_weights.VGG19_Weights.IMAGENET1K_V1.url
    assert vgg_weights._sum(Path(url)) == "dcbb9e9d"


def test_script_ends_with_a_sentence(tmp_path, run_script):
    (tmp_path / "downloads").write_text("a file in the folder's place")
    flags = ["--downloads", tmp_path / "downloads", "--output", tmp_path / "vgg19.pth"]
    with pytest.raises(SystemExit, match=r"File exists: .*downloads"):
        run_script("fetch_vgg_weights.py", *flags)
