import math
import os
import signal
import threading
import wave
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from media_factory import make_clip
from method_factory import CONFIG, save_models

from emohead.cli import main
from emohead.data.mead import EMOTIONS
from emohead.features.faces import FaceFinder
from emohead.generate.bundle import Bundle, export_bundle
from emohead.generate.card import make_card
from emohead.generate.portrait import read_portrait
from emohead.generate.sound import Sound
from emohead.mini.sentences import SENTENCE_COUNT, sentence
from emohead.serve import examples, server
from emohead.serve.address import Address
from emohead.serve.animation import draw_emotion_curve
from emohead.serve.limits import Limits
from emohead.serve.uploads import Uploads


@pytest.fixture
def uploads(tmp_path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def uploaded(uploads: Uploads, name: str) -> Path:
    uploads.folder.mkdir(exist_ok=True)
    path = uploads.folder / name
    path.touch()
    return path


def test_closing_removes_what_a_session_has_and_nothing_else(uploads, tmp_path):
    mine, shared = uploaded(uploads, "mine.png"), uploaded(uploads, "shared.wav")
    example = tmp_path / "example.png"
    example.touch()
    with uploads.request("a", mine, shared) as results, uploads.request("b", shared, example):
        (results / "talk.mp4").touch()
    uploads.close("a")
    assert not mine.exists() and not results.exists()
    assert shared.exists() and example.exists()
    uploads.close("b")
    assert not shared.exists() and example.exists()


def test_closing_removes_what_no_request_has_used(uploads, tmp_path):
    face, other = uploaded(uploads, "face.png"), uploaded(uploads, "other.png")
    example = tmp_path / "example.png"
    example.touch()
    uploads.note("a", face, example)
    with uploads.request("a", other):
        pass
    uploads.close("a")
    assert not face.exists() and not other.exists() and example.exists()


def test_the_next_request_removes_the_last_results_but_keeps_the_inputs(uploads):
    face = uploaded(uploads, "face.png")
    with uploads.request("a", face) as first:
        pass
    with uploads.request("a", face) as second:
        assert not first.exists() and second.exists()
    assert face.exists() and second.exists()


def test_closing_waits_for_the_running_request(uploads):
    face = uploaded(uploads, "face.png")
    with pytest.raises(ValueError, match="no face"), uploads.request("a", face) as results:
        uploads.close("a")
        assert face.exists() and results.exists()
        raise ValueError("no face")
    assert not face.exists() and not results.exists()


def test_a_session_without_requests_can_close(uploads):
    uploads.close("nobody")


def write_tone(path: Path, seconds: float, rate: int = 8000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        tone = 9000 * np.sin(np.arange(round(seconds * rate)) / 5)
        file.writeframes(tone.astype("<i2").tobytes())
    return path


def test_sound_may_be_as_long_as_the_limit(tmp_path):
    limits = Limits(seconds=2)
    limits.check_length(write_tone(tmp_path / "just.wav", 2.0))
    with pytest.raises(ValueError, match=r"over\.wav: the sound is longer than 2 s"):
        limits.check_length(write_tone(tmp_path / "over.wav", 2.1))


def test_a_clock_that_starts_late_does_not_make_a_sound_longer(tmp_path):
    tone = 0.3 * np.sin(np.arange(48_000) / 5).astype(np.float32)
    path = make_clip(tmp_path / "a.ts", sound=tone, sound_start=100)
    Limits(seconds=1.5).check_length(path)
    with pytest.raises(ValueError, match=r"longer than 0\.5 s"):
        Limits(seconds=0.5).check_length(path)


def test_no_more_of_a_sound_is_decoded_than_needed(tmp_path, monkeypatch):
    decoded = []

    def blocks(path, **_):
        for _ in range(1000):
            decoded.append(path)
            yield np.zeros((1, 16_000), np.float32)

    monkeypatch.setattr("emohead.serve.limits.iterate_audio", blocks)
    with pytest.raises(ValueError, match="longer than 3 s"):
        Limits(seconds=3).check_length(write_tone(tmp_path / "hours.wav", 1))
    assert len(decoded) == 4


@pytest.mark.parametrize("value", [0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["upload_megabytes", "seconds", "keep_minutes", "waiting"])
def test_limits_are_numbers_above_zero(name, value):
    with pytest.raises(ValueError, match=f"{name.replace('_', ' ')} of the page: {value} is not"):
        Limits(**{name: value})


def test_a_megabyte_is_a_browsers():
    assert Limits(upload_megabytes=1.5).upload_bytes == 1_572_864


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("0.0.0.0", False), ("192.168.1.5", False)],
)
def test_only_loopback_is_private(host, private):
    assert Address(host).is_private == private


def test_a_host_is_a_number():
    with pytest.raises(ValueError, match="'my-laptop' of the page: give an IPv4 address"):
        Address("my-laptop")


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_has_sixteen_bits(port):
    with pytest.raises(ValueError, match=f"port {port} of the page: give one from 1 to 65535"):
        Address(port=port)


def test_the_curve_has_a_step_for_each_second():
    beliefs = np.random.default_rng(0).random((3, 8))
    figure = draw_emotion_curve(beliefs, 2.4)
    (axes,) = figure.axes
    shown = {step.get_label(): step for step in axes.patches}
    assert list(shown) == list(EMOTIONS)
    for emotion, curve in zip(EMOTIONS, beliefs.T, strict=True):
        np.testing.assert_array_equal(shown[emotion].get_data().values, curve)
        np.testing.assert_array_equal(shown[emotion].get_data().edges, [0, 1, 2, 2.4])
    assert len({to_hex(step.get_edgecolor()) for step in axes.patches}) == len(EMOTIONS)


def test_a_part_of_a_second_has_a_curve():
    (axes,) = draw_emotion_curve(np.full((1, 8), 0.5), 0.6).axes
    np.testing.assert_array_equal(axes.patches[0].get_data().edges, [0, 0.6])


def test_examples_are_new_sentences_and_faces_that_are_found(tmp_path):
    mini = {sentence(e, n) for e in EMOTIONS for n in range(1, SENTENCE_COUNT + 1)}
    assert not {text for *_, text in examples._SAID} & mini
    made = examples.make_examples(tmp_path)
    finder = FaceFinder()
    for face in {each.face for each in made}:
        assert read_portrait(face, 256, finder).faces == 1
    for each in made:
        assert 2 < Sound(each.voice).seconds < 8
    assert len({each.label for each in made}) == len(made)


@pytest.fixture
def model(tmp_path) -> Path:
    out = tmp_path / "ours.h5"
    export_bundle(*save_models(tmp_path), out, card=make_card(CONFIG, "ours", 0))
    return out


def test_models_are_called_by_label_or_else_by_file(model):
    other = model.with_name("other.h5")
    other.write_bytes(model.read_bytes())
    assert list(server.read_models([model])) == ["Ours"]
    assert list(server.read_models([model, other])) == ["ours.h5", "other.h5"]
    with pytest.raises(ValueError, match=r"both models are called ours\.h5"):
        server.read_models([model, model])


@pytest.mark.parametrize(
    ("flags", "gpu", "device"),
    [([], True, "cuda"), ([], False, "cpu"), (["--device", "cpu"], True, "cpu")],
)
def test_models_are_on_the_device_that_is_asked_for(model, monkeypatch, flags, gpu, device):
    """A GPU's place is taken by torch's device without values: there is none here."""
    place = {"cuda": "meta", "cpu": "cpu"}
    to = Bundle.to
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(Bundle, "to", lambda self, device: to(self, place[device]))
    served = []
    monkeypatch.setattr(server, "serve", lambda models, **_: served.extend(models.values()))
    assert main(["serve", "--model", str(model), *flags]) == 0
    (bundle,) = served
    for network in (bundle.landmarks, bundle.translator):
        assert {each.device.type for each in network.parameters()} == {place[device]}


def test_a_gpu_that_is_not_there_is_said(model, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["serve", "--model", str(model), "--device", "cuda"]) == 1
    assert "there is no GPU that torch can use: take --device auto" in capsys.readouterr().err


def test_a_runs_folder_is_no_bundle(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder, not a bundle of `emohead export`"):
        server.read_models([tmp_path])


def test_one_or_two_models(model):
    for count in (0, 3):
        with pytest.raises(ValueError, match=f"{count} models"):
            server.read_models(count * [model])


def test_without_gradio_the_page_says_what_to_install(monkeypatch):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    with (
        pytest.raises(ValueError, match="pip install 'gradio"),
        server.page_server({}, Address(), Limits()),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_page_in_order(monkeypatch, capsys, number):
    ended = []

    @contextmanager
    def page_server(models, address, limits, precision):
        threading.Timer(0.1, os.kill, [os.getpid(), number]).start()
        yield f"http://{address.host}:{address.port}/"
        ended.append(True)

    monkeypatch.setattr(server, "page_server", page_server)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.serve({}, host="127.0.0.1", port=7999, limits=Limits())
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert ended
    told = capsys.readouterr().out
    assert "http://127.0.0.1:7999/" in told and "unencrypted" not in told
