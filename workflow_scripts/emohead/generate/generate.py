"""From a sound and a picture of a face to a video in which the face says it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from emohead.data.mead import FPS
from emohead.features.faces import FaceFinder
from emohead.generate.ahead import ahead
from emohead.generate.belief import BeliefPerSecond, write_belief
from emohead.generate.bundle import Bundle
from emohead.generate.head_bank import NATURAL, STILL
from emohead.generate.movement import Blinks, Head, Movement, NaturalHead, VideoHead
from emohead.generate.output import VideoSink, synthetic_metadata
from emohead.generate.paste import Paster
from emohead.generate.places import promised_file, writing
from emohead.generate.portrait import Portrait, read_portrait
from emohead.generate.precision import Precision, fast_translator
from emohead.generate.sound import Sound, mfcc_windows
from emohead.generate.stages import predict_stream, translate_stream
from emohead.generate.watermark import Watermark

#: Frames of a window: 20 seconds. The result doesn't depend on it.
WINDOW = 500


@dataclass(frozen=True)
class Generated:
    """What was made: length in seconds and frames, and how many faces the picture shows.

    The largest face was taken. `notes` are sentences on the sound, where it isn't all that its file
    might hold. `emotion` [n, 8] is MSEF's belief for each second, in the order of
    EMOTIONS; None where the model has no classifier.
    """

    seconds: float
    frames: int
    faces_in_picture: int
    notes: tuple[str, ...]
    emotion: np.ndarray | None


def generate(
    audio: Path,
    face: Path,
    out: Path,
    bundle: Bundle,
    *,
    paste: bool = False,
    watermark: bool = False,
    head: str | Path = STILL,
    blink: bool = False,
    save_landmarks: Path | None = None,
    emotion: Path | None = None,
    window: int = WINDOW,
    precision: Precision = "auto",
    threads: int | None = None,
    progress: bool = True,
) -> Generated:
    """Make the face of a picture say a sound, as the video `out` (.mp4, 25 fps, with the sound).

    `audio` is any file with sound, of any length (memory doesn't grow with it), `face` any picture.
    The video shows the aligned crop, or with `paste` the whole picture. `watermark` draws a small
    mark into it. The `head` stays still but for what the landmark model gives it, moves as heads of
    the training clips did (`natural`), or as in a video; with `blink` the lids close now and then.
    `save_landmarks` is an .npz (`landmarks` float32 [T, 68, 2] in pixels of the crop,
    `transform` float32 [2, 3] from the video's picture to the crop), `emotion` a .csv of MSEF's
    belief per second. Every file is there whole or not at all. `precision` is the translator's;
    auto: the fastest that the hardware has. `threads` of the networks; None: one per core.

    Raises ValueError, in words for people, for input that can't be used and for a path that can't
    be written.
    """
    if emotion is not None and not bundle.landmarks.options.has_emotion_logits:
        raise ValueError(
            f"model {bundle.name} has no emotion classifier: it has no belief to write"
        )
    driving = [] if head in (STILL, NATURAL) else [Path(head)]
    check_names([audio, face, *driving], [out, save_landmarks, emotion])
    if threads is not None:
        torch.set_num_threads(threads)
    sound = Sound(audio)
    finder = FaceFinder()
    portrait = read_portrait(face, bundle.crop_size, finder)
    move = Movement(portrait.landmarks, _head(head, bundle, finder), Blinks() if blink else None)
    belief = BeliefPerSecond(bundle.landmarks)
    kept: list[np.ndarray] = []

    def landmarks() -> Iterator[np.ndarray]:
        windows = predict_stream(
            bundle.landmarks,
            lambda: mfcc_windows(sound, window, c0=bundle.landmarks.options.c0),
            portrait.landmarks,
            bundle.crop_size,
        )
        for points, emotion_logits in windows:
            if emotion_logits is not None:
                belief.add(emotion_logits)
            points = move(points, emotion_logits)
            if save_landmarks is not None:
                kept.append(points)
            yield points

    finish = _Finish(portrait, paste=paste, watermark=watermark)
    metadata = synthetic_metadata(
        model=bundle.name, config_hash=bundle.card["config_hash"], made=date.today()
    )
    with ExitStack() as files:
        landmarks_file, emotion_file = (
            None if path is None else files.enter_context(promised_file(path))
            for path in (save_landmarks, emotion)
        )
        sink = files.enter_context(VideoSink(out, finish.size, sound, metadata))
        bar = files.enter_context(tqdm(total=sound.frames, unit="frame", disable=not progress))
        translator = fast_translator(bundle, portrait, precision)
        made = translate_stream(translator, landmarks(), portrait.crop, portrait.landmarks)
        for batch in files.enter_context(ahead(made)):
            for frame in batch:
                sink.write(finish(frame))
            bar.update(len(batch))
        if landmarks_file is not None:
            with writing(save_landmarks), landmarks_file.open("wb") as file:
                np.savez(file, landmarks=np.concatenate(kept), transform=portrait.transform)
        if emotion_file is not None:
            with writing(emotion):
                write_belief(emotion_file, belief.probabilities())
    return Generated(
        sound.frames / FPS, sound.frames, portrait.faces, sound.notes, belief.probabilities()
    )


def _head(head: str | Path, bundle: Bundle, finder: FaceFinder) -> Head | None:
    """What moves the head; None where nothing does."""
    if head == STILL:
        return None
    if head != NATURAL:
        return VideoHead(Path(head), finder)
    if not bundle.head.movements:
        raise ValueError(
            f"model {bundle.name} has no movements of heads: export it again from its run, or "
            "take a video's movements, or a still head"
        )
    return NaturalHead(bundle.head)


class _Finish:
    """What is done to a frame before it is encoded; `size` is (width, height) afterwards."""

    def __init__(self, portrait: Portrait, *, paste: bool, watermark: bool):
        self.size = (portrait.picture if paste else portrait.crop).shape[1::-1]
        self._steps = [Paster(portrait)] if paste else []
        if watermark:
            self._steps.append(Watermark(self.size))

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        for step in self._steps:
            frame = step(frame)
        return frame


def check_names(inputs: Iterable[Path], outputs: Iterable[Path | None]) -> None:
    """Raise ValueError for an output that would take the place of another file of the call."""
    taken = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if path is not None:
            if Path(path).resolve() in taken:
                raise ValueError(f"{path}: is named twice, give the file a name of its own")
            taken.add(Path(path).resolve())
