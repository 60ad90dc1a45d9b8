"""Sound in: 16,000 samples a second and one channel inside, anything outside."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import av
import numpy as np

from emohead.data.mead import FPS
from emohead.media.loudness import is_silent
from emohead.media.streams import MediaError, opened

SAMPLE_RATE = 16_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS

#: Seconds: a clock that goes further back than this starts again.
_STEP_BACK = 0.25
#: Blocks of sound whose time stamps are off by up to so many seconds follow each other.
_JITTER = 0.01
#: Seconds of silence that a file may have inside. Where it doesn't say how long it is, a clock that
#: goes further ahead is broken.
_LONGEST_GAP, _LONGEST_GAP_OF_UNKNOWN = 600.0, 10.0
#: Channels cancel each other out where their mean has less than this part of the loudest one's
#: power (-20 dB). One voice among 5.1 channels keeps more.
_CANCELLED = 0.01
#: Full scale is 1. What is far beyond it was stored in another unit, as 16-bit numbers.
_FULL_SCALE = 16.0
#: The part of a file's bytes that may be damaged.
_MOST_DAMAGED = 0.5
#: What a sound file begins with; in the last bytes of another one, that was joined to it.
_BEGINNING = re.compile(
    rb"RIFF....WAVE|riff\x2e\x91\xcf\x11|FORM....AIF[FC]|caff\x00\x01|fLaC\0|OggS\0|\0\0..ftyp|"
    rb"\x1a\x45\xdf\xa3",
    re.DOTALL,
)

_TAIL = 1 << 22
#: Containers that say how long they are; others' length is FFmpeg's estimate.
_SAYS_LENGTH = ("wav", "flac", "ogg", "aiff", "mov,mp4,m4a,3gp,3g2,mj2")
#: Seconds: sound that ends so long before its container says has lost something.
_MISSING = 0.5
_JOINED = (
    "another sound file follows in the same file, which no player plays: convert both and join "
    "their sound"
)


@dataclass(frozen=True)
class SoundFacts:
    """How a file's sound is heard: one place for extraction, generation and the page.

    `channels` as stored; `channel` is the one that is heard where all together cancel each other
    out (two of opposite sign), else None: their mean. `start` is where the clock begins (seconds).
    """

    channels: int
    channel: int | None
    start: float

    @property
    def layout(self) -> str:
        """How it is played: "mono" or "stereo"."""
        return "mono" if self.channels == 1 or self.channel is not None else "stereo"


@dataclass
class Damage:
    """What was left out of sound that is partly damaged, as players do; filled while it is read.

    `times` are where on the file's clock (seconds), `size` the bytes there, of `of` in all; `gap`
    is the longest piece without sound, which is silence then, as (start, stop); `joined`, whether
    another file's sound follows, which no player plays; `of_seconds`, how long the sound should be,
    where `seconds` are left of it.
    """

    times: list[float] = field(default_factory=list)
    size: int = 0
    of: int = 0
    gap: tuple[float, float] = (0.0, 0.0)
    joined: bool = False
    seconds: float = 0.0
    of_seconds: float = 0.0

    def sentences(self) -> list[str]:
        """For people; none of sound that is whole."""
        told = []
        if self.times:
            places = ", ".join(f"{time:.1f}" for time in self.times[:3])
            more = f" and {len(self.times) - 3} more places" if len(self.times) > 3 else ""
            told.append(f"the sound is damaged at {places} s{more}: what can be decoded is used")
        start, stop = self.gap
        if stop - start > 1:
            told.append(f"there is no sound from {start:.1f} to {stop:.1f} s: silence")
        if self.seconds < self.of_seconds - _MISSING and not self.times:
            told.append(
                f"only {self.seconds:.1f} of {self.of_seconds:.1f} s of sound are there: the file "
                "is cut off, or a piece of it is missing"
            )
        if self.joined:
            told.append(f"only the first part is heard: {_JOINED}")
        return told


def read_audio(path: Path, *, start: float = 0.0) -> np.ndarray:
    """The sound of a file as float32 [N] in [-1, 1], 16 kHz, one channel.

    Sample 0 lies at `start` seconds of the file's clock; what comes before is left out, and where
    the file has no sound there is silence. Raises MediaError when the file can't be read, has no
    sound, or is damaged.
    """
    return np.concatenate([block[0] for block in iterate_audio(path, start=start)])


def read_voice(path: Path, *, start: float = 0.0) -> np.ndarray:
    """The same; MediaError for silence, too."""
    samples = read_audio(path, start=start)
    if is_silent(samples, SAMPLE_RATE):
        raise MediaError(f"{path}: the sound is silent")
    return samples


def iterate_audio(
    path: Path,
    *,
    start: float = 0.0,
    rate: int = SAMPLE_RATE,
    layout: str = "mono",
    facts: SoundFacts | None = None,
    damage: Damage | None = None,
) -> Iterator[np.ndarray]:
    """The sound of a file in blocks float32 [channels, n], a few of which make a second.

    `rate` in samples a second; `layout` "mono" or "stereo"; `facts` as `probe_sound` gives them.
    With `damage`, what can't be decoded is left out and told there, unless it is the greater part;
    the rest, and the errors, as `read_audio`.
    """
    told = damage or Damage()
    filled, before = 0, 0.0
    with opened(path, "audio") as (container, stream):
        if facts is None:
            facts = _facts_of_one(container, stream) or probe_sound(path)
        frames = _decoded(container, stream, told, skip=damage is not None)
        blocks = _resampled(path, frames, rate, layout if facts.channel is None else None)
        longest = _longest_gap(container)
        for block in blocks:
            samples = _checked(path, _samples(block))
            if facts.channel is not None:
                samples = samples[[min(facts.channel, len(samples) - 1)]]
            if block.time is not None:
                if block.time < before - _STEP_BACK:
                    # Joined files each have a clock of their own; players play on.
                    if damage is None:
                        raise MediaError(
                            f"{path}: the clock of its sound goes back from {before:.1f} to "
                            f"{block.time:.1f} s: convert it to WAV"
                        )
                    start = block.time - filled / rate
                before = block.time
            place = filled if block.time is None else round((block.time - start) * rate)
            if abs(place - filled) <= _JITTER * rate and filled:
                place = filled
            if place - filled > longest * rate:
                raise MediaError(f"{path}: the clock of its sound jumps to {block.time:.1f} s")
            told.gap = max(told.gap, (filled / rate, place / rate), key=lambda gap: gap[1] - gap[0])
            samples = samples[:, max(filled - place, 0) :]
            if samples.size:
                if place > filled:
                    yield np.zeros((len(samples), place - filled), np.float32)
                yield samples
                filled = max(place, filled) + samples.shape[1]
        if damage is not None:
            damage.seconds, damage.of_seconds = filled / rate, _announced(container, stream)
        if told.joined and damage is None:
            raise MediaError(f"{path}: {_JOINED}")
    if told.size > _MOST_DAMAGED * told.of:
        raise MediaError(f"{path}: can't be read as audio (truncated, damaged or not a media file)")
    if not filled:
        raise MediaError(f"{path}: holds no sound")


def probe_sound(path: Path) -> SoundFacts:
    """How a file's sound is heard; errors as `iterate_audio`, but for damage further on.

    Sound of several channels is decoded for it.
    """
    with opened(path, "audio") as (container, stream):
        if facts := _facts_of_one(container, stream):
            return facts
        start, channels = _start(container), stream.channels
        channel = _heard_channel(path, _decoded(container, stream, Damage(), skip=True), channels)
        return SoundFacts(channels, channel, start)


def _facts_of_one(
    container: av.container.InputContainer, stream: av.AudioStream
) -> SoundFacts | None:
    """The facts of sound with one channel; None for more, which must be decoded first."""
    return SoundFacts(1, None, _start(container)) if stream.channels == 1 else None


def sound_start(path: Path) -> float:
    """Where the clock of a file with sound begins (seconds), of `SoundFacts`; decodes nothing."""
    with opened(path, "audio") as (container, _):
        return _start(container)


def _start(container: av.container.InputContainer) -> float:
    # Sound that begins before 0 is what the encoder needed to start with, to be left out.
    return max(container.start_time or 0, 0) / av.time_base


def _decoded(
    container: av.container.InputContainer, stream: av.AudioStream, damage: Damage, *, skip: bool
) -> Iterator[av.AudioFrame]:
    """A stream's blocks; with `skip` also those after damage. What was seen goes into `damage`."""
    end, time = 0, 0.0
    for packet in container.demux(stream):
        damage.of += packet.size
        if packet.pts is not None and packet.time_base:
            time = float(packet.pts * packet.time_base)
        if packet.pos is not None:
            end = max(end, packet.pos + packet.size)
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            if not skip:
                raise
            damage.times.append(time)
            damage.size += packet.size
    if len(container.streams) == 1 and end:
        with open(container.name.removeprefix("file:"), "rb") as file:
            file.seek(end)
            damage.joined = _BEGINNING.search(file.read(_TAIL)) is not None


def _announced(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    """Seconds of sound according to the container; 0 where it doesn't say."""
    if container.format.name not in _SAYS_LENGTH or not stream.duration:
        return 0.0
    seconds = float(stream.duration * stream.time_base)
    if container.format.name == "wav":
        # Where the file is shorter than its header says, FFmpeg believes the file.
        with open(container.name.removeprefix("file:"), "rb") as file:
            said = int.from_bytes(file.read(8)[4:], "little") + 8
            there = file.seek(0, os.SEEK_END)
        # Programs that write to a pipe put the greatest number there.
        if there < said < 1 << 31:
            seconds *= said / there
    return seconds


def _longest_gap(container: av.container.InputContainer) -> float:
    """Seconds without sound that a file may have inside."""
    if container.duration is None:
        return _LONGEST_GAP_OF_UNKNOWN
    return min(container.duration / av.time_base, _LONGEST_GAP)


def _samples(block: av.AudioFrame) -> np.ndarray:
    """A block's samples, float32 [channels, n]."""
    return block.to_ndarray().reshape(-1, block.layout.nb_channels).T


def _checked(path: Path, samples: np.ndarray) -> np.ndarray:
    """Sound [channels, n], or a MediaError where it is none."""
    peak = np.abs(samples).max(initial=0)
    if not np.isfinite(peak):
        raise MediaError(f"{path}: has samples that are no numbers")
    if peak > _FULL_SCALE:
        raise MediaError(
            f"{path}: has samples of {peak:,.0f}, where 1 is full scale: bring them to -1 to 1"
        )
    return samples


def _heard_channel(path: Path, frames: Iterable[av.AudioFrame], channels: int) -> int | None:
    """The loudest of several channels, where they cancel each other out; else None."""
    each, together, count = np.zeros(channels), 0.0, 0
    sums, sum_together = np.zeros(channels), 0.0
    for block in _resampled(path, frames, SAMPLE_RATE, None):
        samples = _samples(block).astype(np.float64)
        if len(samples) != channels or not np.isfinite(samples).all():
            continue
        mean = samples.mean(axis=0)
        each += (samples**2).sum(axis=1)
        sums += samples.sum(axis=1)
        together, sum_together = together + (mean**2).sum(), sum_together + mean.sum()
        count += samples.shape[1]
    if not count:
        return None
    # Without what is constant.
    powers = each / count - (sums / count) ** 2
    loudest = int(powers.argmax())
    power_together = together / count - (sum_together / count) ** 2
    return loudest if power_together < _CANCELLED * powers[loudest] else None


def _resampled(
    path: Path, frames: Iterable[av.AudioFrame], rate: int, layout: str | None
) -> Iterator[av.AudioFrame]:
    """The sound in one format, though channels come or go in it, as where recordings were joined.

    `layout` None keeps the channels as they are. Raises MediaError where its rate changes:
    containers keep on counting in the first one.
    """
    resampler, kind, source_rate = None, None, None
    for frame in chain(frames, [None]):
        now = frame and (frame.format.name, frame.layout.name)
        if now != kind:
            if resampler is not None:
                yield from resampler.resample(None)
            # Packed: PyAV's planes are eight at most.
            resampler, kind = av.AudioResampler(format="flt", layout=layout, rate=rate), now
        if frame is not None:
            source_rate = source_rate or frame.sample_rate
            if frame.sample_rate != source_rate:
                raise MediaError(
                    f"{path}: its sound changes from {source_rate} to {frame.sample_rate} samples "
                    "a second: convert it to WAV"
                )
            yield from resampler.resample(frame)
