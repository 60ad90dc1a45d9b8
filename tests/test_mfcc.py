import numpy as np
import pytest
from scipy.fft import dct

from emohead.features.mfcc import mfcc_windows, stream_mfcc_windows


def reference_mfcc(frame: np.ndarray) -> np.ndarray:
    """MFCC 0..12 of 400 pre-emphasised samples, from the definition, in float64."""
    power = np.abs(np.fft.rfft(frame, 512)) ** 2 / 512
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28)
    corners = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.arange(257) * 16_000 / 512
    bands = np.array([
        np.interp(hertz, corners[b : b + 3], [0, 1, 0], left=0, right=0) for b in range(26)
    ])  # fmt: skip
    cepstrum = dct(np.log(np.maximum(bands @ power, 1e-10)), type=2, norm="ortho")[:13]
    # The lifter of 22 as librosa counts it: the first coefficient has n = 1.
    return cepstrum * (1 + 11 * np.sin(np.pi * np.arange(1, 14) / 22))


def test_against_the_definition():
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    windows = mfcc_windows(samples, 25, c0=True)
    assert windows.shape == (25, 28, 13)
    assert windows.dtype == np.float32
    without = mfcc_windows(samples, 25)
    np.testing.assert_array_equal(without, windows[..., 1:])
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1])
    for t, j in [(10, 0), (10, 27), (12, 13)]:
        # Window t starts 13.5 hops and half a window before the middle of video frame t.
        start = 640 * t + 320 - 200 - 2160 + 160 * j
        expected = reference_mfcc(emphasised[start : start + 400].astype(float))
        np.testing.assert_allclose(windows[t, j], expected, atol=2e-2)


def test_a_gain_is_heard_by_c0_alone():
    samples = np.random.default_rng(3).normal(0, 0.1, 16_000).astype(np.float32)
    soft, loud = (mfcc_windows(gain * samples, 25, c0=True)[8:16] for gain in (1, 2))
    np.testing.assert_allclose(loud[..., 1:], soft[..., 1:], atol=1e-3)
    # 26 bands, each ln 4 louder in power; the lifter's first factor.
    gain = np.sqrt(26) * np.log(4) * (1 + 11 * np.sin(np.pi / 22))
    np.testing.assert_allclose(loud[..., 0] - soft[..., 0], gain, rtol=1e-3)


def test_windows_of_a_stream_have_c0_too():
    samples = np.random.default_rng(3).normal(0, 0.1, 6400).astype(np.float32)
    streamed = np.concatenate(list(stream_mfcc_windows(np.split(samples, [900]), 3, c0=True)))
    np.testing.assert_allclose(streamed, mfcc_windows(samples, 10, c0=True), atol=1e-3)


def test_consecutive_windows_share_24_of_28_frames():
    samples = np.random.default_rng(1).normal(0, 0.1, 8000).astype(np.float32)
    windows = mfcc_windows(samples, 12)
    np.testing.assert_array_equal(windows[1:, :24], windows[:-1, 4:])


def test_a_short_tone_stands_in_the_middle_of_its_frame():
    samples = np.random.default_rng(2).normal(0, 1e-3, 16_000).astype(np.float32)
    during = slice(640 * 10 + 120, 640 * 10 + 520)  # 25 ms about the middle of frame 10
    samples[during] += 0.5 * np.sin(2 * np.pi * 1000 * np.arange(400) / 16_000)
    distance = np.abs(mfcc_windows(samples, 25) - mfcc_windows(samples, 25)[0].mean(0)).sum(2)
    assert distance[10].argmax() in (13, 14)
    # One video frame earlier, the same sound stands four hops later in the window.
    assert distance[9].argmax() - distance[10].argmax() == 4


@pytest.mark.parametrize("samples", [100, 700, 5000])
def test_short_sound_is_padded_with_silence(samples):
    windows = mfcc_windows(np.full(samples, 0.1, np.float32), 5)
    assert windows.shape == (5, 28, 12)
    assert np.isfinite(windows).all()


def test_a_long_sound_is_no_different_where_its_blocks_meet():
    samples = np.random.default_rng(1).normal(0, 0.1, 63 * 16_000).astype(np.float32)
    windows = mfcc_windows(samples, 63 * 25)
    # The same seconds, cut out with enough around them, in one block.
    cut = mfcc_windows(samples[58 * 16_000 : 62 * 16_000], 4 * 25)
    np.testing.assert_allclose(windows[59 * 25 : 61 * 25], cut[25:75], atol=1e-4)
