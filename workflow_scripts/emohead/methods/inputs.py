"""Inputs for other people's systems, for each test clip: sound, faces, videos, and a table."""

import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from emohead.data.mead import FPS, Clip, parse_clip_id
from emohead.data.names import short_emotion
from emohead.data.references import Protocol, choose_reference_clips, neutral_clips
from emohead.features.faces import crop_frame
from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.media.reading import RgbPart, clip_audio, iterate_frames
from emohead.media.sound import SAMPLE_RATE
from emohead.media.writing import write_video
from emohead.methods.rendered import sound_of

#: `crop`: the face as our own methods see it; `full`: the whole frame.
FramingKind = Literal["crop", "full"]

#: A line is a test clip under one protocol in one framing and size.
COLUMNS = (
    "reference", "framing", "size", "clip_id", "speaker", "emotion", "label", "level", "number",
    "frames", "seconds", "wav", "image", "pose", "neutral",
)  # fmt: skip


@dataclass(frozen=True)
class Framing:
    """How much of a recording is shown, and at how many pixels.

    A crop is `size` wide and high; of a whole frame that is its shorter side.
    """

    kind: FramingKind
    size: int

    @property
    def name(self) -> str:
        """The name of its folder: `crop256`."""
        return f"{self.kind}{self.size}"


def write_inputs(
    clips: Mapping[str, StoredClip],
    takes: Mapping[str, Clip],
    folder: Path,
    *,
    protocols: Sequence[Protocol],
    framings: Sequence[Framing],
) -> pd.DataFrame:
    """Write the inputs of a speaker's test clips into `folder`; the table has COLUMNS.

    `wav/<clip_id>.wav`, 16 kHz, one channel; for each framing `<framing>/pose/<clip_id>.mp4`, the
    recording itself with its sound, at 25 fps, and `<framing>/<protocol>/<clip_id>.png`, the
    reference face. They are cut out of the recordings (`takes`), not out of our smaller crops.
    Paths in the table are relative to the folder above. `neutral` is the `pose` video of the
    speaker's lowest-numbered neutral test clip; empty without one.
    """
    references = {protocol: choose_reference_clips(clips, protocol) for protocol in protocols}
    neutral = neutral_clips(clips)
    rows = []
    for clip_id, clip in tqdm(clips.items(), desc="inputs", unit="clip", mininterval=5):
        sound = sound_of(clip, clip_audio(takes[clip_id]))
        _write_wav(folder / "wav" / f"{clip_id}.wav", sound)
        for framing in framings:
            write_video(
                folder / framing.name / "pose" / f"{clip_id}.mp4",
                _frames(clip, takes[clip_id], framing),
                audio=sound,
                comment=f"Recording {clip_id}, cut out for other systems; not synthetic",
            )
        for protocol, chosen in references.items():
            for framing in framings:
                image = f"{framing.name}/{protocol}/{clip_id}.png"
                face = chosen[clip_id]
                _write_png(folder / image, next(_frames(clips[face], takes[face], framing)))
                rows.append(_row(clip, protocol, framing, image, neutral, folder.name))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    clip: StoredClip,
    protocol: Protocol,
    framing: Framing,
    image: str,
    neutral: Mapping[str, Sequence[str]],
    folder: str,
) -> tuple[str | int | float, ...]:
    name = parse_clip_id(clip.clip_id)
    pose = f"{folder}/{framing.name}/pose"
    target = neutral.get(name.speaker, [""])[0]
    return (
        protocol, framing.kind, framing.size, clip.clip_id, name.speaker, name.emotion,
        short_emotion(name.emotion), name.level, name.number, clip.length,
        round(clip.length / FPS, 2), f"{folder}/wav/{clip.clip_id}.wav", f"{folder}/{image}",
        f"{pose}/{clip.clip_id}.mp4", f"{pose}/{target}.mp4" if target else "",
    )  # fmt: skip


def _frames(clip: StoredClip, take: Clip, framing: Framing) -> Iterator[np.ndarray]:
    """The frames of a clip, out of its recording, uint8 [H, W, 3] RGB."""
    first = take.start + clip.span.start
    # Pixel centres are at whole numbers.
    scale = framing.size / clip.crop_size
    transform = clip.transform * scale
    transform[:, 2] += (scale - 1) / 2
    whole = RgbPart()
    for frame in islice(iterate_frames(take.video), first, first + clip.length):
        image = whole.of(frame)
        if framing.kind == "crop":
            yield crop_frame(image, transform, framing.size)
        else:
            yield _fit(image, framing.size)


def _fit(image: np.ndarray, size: int) -> np.ndarray:
    """A picture whose shorter side is `size`; both sides even, as H.264 wants them."""
    scale = size / min(image.shape[:2])
    fitted = [2 * round(side * scale / 2) for side in image.shape[1::-1]]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, fitted, interpolation=way)


def _write_png(path: Path, image: np.ndarray) -> None:
    with whole_file(path) as unfinished:
        cv2.imwrite(str(unfinished), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def _write_wav(path: Path, samples: np.ndarray) -> None:
    """Samples float32 [N] in [-1, 1], 16 bit."""
    with whole_file(path) as unfinished, wave.open(str(unfinished), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
