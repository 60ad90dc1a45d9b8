"""Writes the video while it is made, with its sound, marked as synthetic."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import numpy as np

from emohead import __version__
from emohead.generate.places import check_file_name, writing
from emohead.generate.sound import PLAYBACK_RATE, Sound
from emohead.media.writing import SoundFormat, mp4_writer

_BIT_RATES = {"mono": 96_000, "stereo": 160_000}
# IPTC's NewsCodes, the word that archives and platforms look for.
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def synthetic_metadata(*, model: str, config_hash: str, made: date) -> dict[str, str]:
    """What the container of a generated video says of its origin; for `VideoSink`."""
    return {
        "title": "Synthetic talking head",
        "comment": "Synthetic: this person did not say this. Made from a sound and one picture by "
        f"emohead's model {model} (config {config_hash}) on {made.isoformat()}.",
        "description": f"synthetic=true; generator=emohead {__version__}; model={model}; "
        f"config={config_hash}; date={made.isoformat()}; digital_source_type={_SOURCE_TYPE}",
        "date": made.isoformat(),
    }


class VideoSink:
    """An .mp4 that plays everywhere: H.264 (4:2:0, 25 fps) and AAC, the index in front.

    `with VideoSink(...) as sink`, then `sink.write(frame)` for each; the file is there, whole, when
    the block succeeds, and not at all when it fails. `size` is (width, height) of the frames; H.264
    wants even numbers, so an odd one loses its last column or row. The sound is written along with
    the frames, as far as these go: nothing grows with the length.

    Raises ValueError where the file can't be written, as soon as the block is entered if that is
    known by then.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], sound: Sound, metadata: Mapping[str, str]
    ):
        self._path, self._metadata = Path(path), metadata
        self._width, self._height = (side // 2 * 2 for side in size)
        self._format = SoundFormat(PLAYBACK_RATE, sound.layout, _BIT_RATES[sound.layout])
        self._sound = sound.playback()
        self._open = ExitStack()

    def __enter__(self) -> "VideoSink":
        if self._path.suffix.lower() != ".mp4":
            raise ValueError(f"{self._path}: the video is MPEG-4, its name must end in .mp4")
        check_file_name(self._path)
        with writing(self._path):
            self._writer = self._open.enter_context(
                mp4_writer(
                    self._path, width=self._width, height=self._height, crf=18, preset="veryfast",
                    sound=self._format, metadata=self._metadata,
                )
            )  # fmt: skip
        return self

    def write(self, frame: np.ndarray) -> None:
        """The next frame, uint8 [H, W, 3] RGB."""
        with writing(self._path):
            self._writer.add_frame(frame[: self._height, : self._width])
            samples = next(self._sound, None)
            if samples is not None:
                self._writer.add_sound(samples)

    def __exit__(self, *failure) -> None:
        with writing(self._path):
            self._open.__exit__(*failure)
