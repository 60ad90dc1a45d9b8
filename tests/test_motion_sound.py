"""Audio2Head's numbers of sound, against formulas and tones whose pitch is known."""

import csv
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from presets import ROOT
from scipy.fft import dct

from emohead.features.store import ShardWriter, open_clips
from emohead.motion import sound
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.sound_shard import heard_of

RATE, FRAME = 16000, 640
HEARD = MotionAudioOptions(sound="mfcc_fbank_f0")


def tone(pitch: np.ndarray) -> np.ndarray:
    """A voice's harmonics, of a pitch in Hz for each sample."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return sum(np.sin(n * phase) / n for n in range(1, 8)).astype(np.float32)


def spectral_by_formula(samples: np.ndarray, step: int) -> np.ndarray:
    """MFCC and mel bands [39] of a step, about its middle, by the discrete Fourier transform."""
    samples = samples.astype(float) - samples.astype(float).mean()
    samples /= np.abs(samples).max()
    emphasised = np.concatenate([samples[:1], samples[1:] - 0.97 * samples[:-1]])
    middle = 160 * step + 80
    window = np.zeros(400)
    first = max(middle - 200, 0)
    part = emphasised[first : middle + 200]
    window[first - (middle - 200) :][: len(part)] = part
    bins = np.arange(257)
    turns = np.exp(-2j * np.pi * np.outer(bins, np.arange(400)) / 512)
    power = np.abs(turns @ window) ** 2 / 512
    # 26 triangles, equally far from each other on the mel scale (O'Shaughnessy's).
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28) / 2595) - 1)
    hertz = bins * RATE / 512
    bands = []
    for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
        rise, fall = (hertz - low) / (peak - low), (high - hertz) / (high - peak)
        bands.append(np.log(np.clip(np.minimum(rise, fall), 0, None) @ power))
    cepstrum = dct(bands, norm="ortho")[:13] * (1 + 11 * np.sin(np.pi * np.arange(1, 14) / 22))
    return np.concatenate([[np.log(power.sum())], cepstrum[1:], bands])


def test_mfcc_and_bands_are_those_of_the_formula():
    samples = np.random.default_rng(0).normal(0.3, 0.1, 10 * FRAME).astype(np.float32)
    made = sound.sound_steps(samples, 10)
    assert made.shape == (10, 4, 41) and made.dtype == np.float32
    for step in (0, 1, 17, 39):
        expected = spectral_by_formula(samples, step)
        np.testing.assert_allclose(made.reshape(40, 41)[step, :39], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pitch", [90, 200, 440])
def test_the_pitch_of_a_steady_tone(pitch):
    made = sound.sound_steps(tone(np.full(20 * FRAME, float(pitch))), 20)
    assert made[1:-1, :, 40].all()
    np.testing.assert_allclose(made[1:-1, :, 39], pitch, rtol=0.01)


def test_the_pitch_of_a_tone_that_rises_is_where_the_step_is():
    pitch = np.linspace(120, 240, 50 * FRAME)
    made = sound.sound_steps(tone(pitch), 50).reshape(200, 41)
    steps = np.arange(8, 192)
    np.testing.assert_allclose(made[steps, 39], pitch[160 * steps + 80], rtol=0.02)


def test_a_pause_has_no_pitch_and_is_bridged():
    pitch = np.full(40 * FRAME, 150.0)
    pitch[20 * FRAME :] = 250
    samples = tone(pitch)
    noise = np.random.default_rng(0).normal(0, 1e-3, 12 * FRAME)
    samples[14 * FRAME : 26 * FRAME] = noise
    made = sound.sound_steps(samples, 40)
    assert not made[16:24, :, 40].any() and made[2:12, :, 40].all() and made[28:38, :, 40].all()
    bridge = made[15:25, :, 39].ravel()
    np.testing.assert_allclose(np.diff(bridge, 2), 0, atol=1e-3)  # a line
    assert 150 < bridge[0] < 170 and 230 < bridge[-1] < 250


def test_noise_has_no_pitch():
    made = sound.sound_steps(np.random.default_rng(0).normal(0, 0.1, 20 * FRAME), 20)
    assert made[..., 40].mean() < 0.2


def test_silence_has_numbers():
    made = sound.sound_steps(np.zeros(4 * FRAME, np.float32), 5)
    assert np.isfinite(made).all() and not made[..., 39:].any()


def test_gain_and_offset_change_nothing():
    samples = tone(np.linspace(120, 240, 10 * FRAME))
    np.testing.assert_allclose(
        sound.sound_steps(0.1 * samples + 0.2, 10), sound.sound_steps(samples, 10), atol=0.02
    )


def test_a_long_clip_is_made_in_blocks(monkeypatch):
    samples = tone(np.linspace(100, 300, 60 * FRAME)) + np.random.default_rng(0).normal(
        0, 0.01, 60 * FRAME
    )
    whole = sound.sound_steps(samples, 60)
    monkeypatch.setattr(sound, "_BLOCK", 25)
    blocks = sound.sound_steps(samples, 60)
    np.testing.assert_allclose(blocks[..., :39], whole[..., :39], rtol=1e-4, atol=1e-4)
    assert np.isclose(blocks[..., 39], whole[..., 39], rtol=0.02).mean() > 0.98
    assert (blocks[..., 40] == whole[..., 40]).mean() > 0.98


def write_wav(path: Path, samples: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        wave = (samples * 32000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_sound_lies_beside_the_features_and_is_read_by_frames(tmp_path):
    """The rule's script on a recording of which the clip is a later stretch."""
    pitch = np.repeat([100.0, 200.0], 25 * FRAME)
    write_wav(tmp_path / "sound.wav", tone(pitch) / 4)
    video = tmp_path / "video.avi"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mjpeg", rate=25, width=64, height=64, pix_fmt="yuvj420p")
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuvj420p")))
        container.mux(stream.encode(None))
    features = tmp_path / "results/features/W901-happy.h5"
    features.parent.mkdir(parents=True)
    clip_id = "W901-front-happy-3-001"
    with ShardWriter(features) as writer:
        writer.add(
            clip_id,
            landmarks=np.zeros((20, 68, 2), np.float32),
            frames=np.zeros((20, 64, 64, 3), np.uint8),
            mfcc=np.zeros((20, 28, 12), np.float32),
        )
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["speaker", "view", "emotion", "level", "number", "video", "audio", "start"]
        writer.writerow(["clip_id", *names])
        row = ["W901", "front", "happy", 3, 1, video, tmp_path / "sound.wav", 20]
        writer.writerow([clip_id, *row])
    clip = open_clips([features])[clip_id]
    with pytest.raises(ValueError, match=r"sound/W901-happy\.h5 is missing: rule extract_sound"):
        heard_of(clip, HEARD)
    output = tmp_path / "results/sound/W901-happy.h5"
    command = [sys.executable, ROOT / "workflow_scripts/extract_sound.py"]
    flags = {"--features": features, "--clips": tmp_path / "clips.csv", "--output": output}
    subprocess.run([*command, *(word for pair in flags.items() for word in pair)], check=True)
    numbers = heard_of(clip, HEARD)
    assert numbers.shape == (20, 4, 41)
    np.testing.assert_allclose(numbers[1:4, :, 39], 100, rtol=0.01)
    np.testing.assert_allclose(numbers[7:, :, 39], 200, rtol=0.01)
    np.testing.assert_array_equal(heard_of(clip.cut(range(5, 9)), HEARD), numbers[5:9])
