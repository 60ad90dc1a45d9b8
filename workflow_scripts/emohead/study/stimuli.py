"""A study's videos: all encoded anew in one way, so that nothing but the picture tells a method.

A sharper picture takes more bytes, so that a clip's videos are filled up to as many.
"""

import hashlib
import hmac
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.data.mead import FPS
from emohead.evaluation.study_clips import StudyClips
from emohead.evaluation.summary import BUILT_IN, COPY_REFERENCE, GROUND_TRUTH
from emohead.media.reading import SAMPLES_PER_FRAME, read_audio, read_video
from emohead.media.writing import write_audio, write_video
from emohead.mini.speech import SAMPLE_RATE as SPEECH_RATE
from emohead.mini.speech import VOICES, Manner, speak
from emohead.study.key import PRACTICE, RATED, TRAP, Item

#: In every video's metadata, the real ones' too.
COMMENT = "Part of a user study; may be synthetic."
_CRF = 18
_BOX_HEAD = 8  # bytes: a box's size and name
_DIGITS = 3


@dataclass(frozen=True)
class Stimuli:
    """Items in an order that tells nothing, their videos' bytes, and the hearing check."""

    items: tuple[Item, ...]
    videos: tuple[bytes, ...]
    hearing: str
    hearing_sound: bytes


def make_stimuli(folders: Mapping[str, Sequence[Path]], clips: StudyClips, *, seed: int) -> Stimuli:
    """Encode what the study shows; `folders` by method, the ground truth and the copy among them.

    Item ids are keyed hashes (HMAC) with a salt of the seed and of the sources' bytes: a rater
    can't compute them from config and code, and the same study made again has the same ones.
    """
    own = [method for method in folders if method not in BUILT_IN]
    plan = [(RATED, method, clip, clip) for clip in clips.rated for method in folders]
    # Practice anchors the scales: the real clip, the still face, and one in between.
    practised = (GROUND_TRUTH, COPY_REFERENCE, own[0])
    plan += [(PRACTICE, *each, each[1]) for each in zip(practised, clips.practice, strict=True)]
    plan += [(TRAP, GROUND_TRUTH, picture, sound) for picture, sound in clips.traps]
    shown = {(method, clip_id) for _, method, clip_id, _ in plan}
    heard = {(GROUND_TRUTH, sound_id) for *_, sound_id in plan}
    videos = {pair: _find_video(folders[pair[0]], *pair) for pair in sorted(shown | heard)}
    salt = hashlib.sha256(f"emohead study {seed}".encode())
    for path in videos.values():
        salt.update(path.read_bytes())
    lengths = _common_lengths({pair: videos[pair] for pair in sorted(shown)})
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, method, clip_id, sound_id in plan:
            name = "\n".join((kind, method, clip_id, sound_id)).encode()
            item_id = hmac.new(salt.digest(), name, hashlib.sha256).hexdigest()[:12]
            frames = read_video(videos[method, clip_id])[: lengths[clip_id]]
            sound = read_audio(videos[GROUND_TRUTH, sound_id])[: len(frames) * SAMPLES_PER_FRAME]
            sound = np.pad(sound, (0, len(frames) * SAMPLES_PER_FRAME - len(sound)))
            path = Path(folder) / "video.mp4"
            write_video(path, frames, crf=_CRF, audio=sound, comment=COMMENT)
            item = Item(item_id, kind, method, clip_id, sound_id, len(frames) / FPS)
            made.append((item, path.read_bytes()))
        size = {item.clip_id: 0 for item, _ in made}
        for item, video in made:
            size[item.clip_id] = max(size[item.clip_id], len(video) + _BOX_HEAD)
        made = [(item, _fill(video, size[item.clip_id])) for item, video in made]
        made.sort(key=lambda pair: pair[0].id)
        digits, sound = _say_digits(np.random.default_rng(seed), Path(folder) / "digits.m4a")
    return Stimuli(tuple(i for i, _ in made), tuple(v for _, v in made), digits, sound)


def _fill(video: bytes, size: int) -> bytes:
    """An MPEG-4 file with a box at its end that players skip, so that it has `size` bytes."""
    rest = size - len(video)
    return video + rest.to_bytes(4, "big") + b"free" + bytes(rest - _BOX_HEAD)


def _find_video(folders: Sequence[Path], method: str, clip_id: str) -> Path:
    for folder in folders:
        if (path := folder / f"{clip_id}.mp4").is_file():
            return path
    raise ValueError(
        f"study.methods: {method} has no video {clip_id}.mp4 in {', '.join(map(str, folders))}: "
        "every rater sees every method of a clip, so take the method out or render the clip"
    )


def _common_lengths(videos: Mapping[tuple[str, str], Path]) -> dict[str, int]:
    """Frames of each clip that all methods have: a shorter video would tell its method.

    ValueError where methods' pictures differ in size.
    """
    lengths: dict[str, int] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for (method, clip_id), path in videos.items():
        frames, height, width, _ = read_video(path).shape
        if (width, height) != sizes.setdefault(clip_id, (width, height)):
            raise ValueError(
                f"{path}: {method} is of {width}x{height} pixels and others of this clip of "
                f"{'x'.join(map(str, sizes[clip_id]))}: a study's videos must be of one size"
            )
        lengths[clip_id] = min(frames, lengths.get(clip_id, frames))
    return lengths


def _say_digits(rng: np.random.Generator, path: Path) -> tuple[str, bytes]:
    """Digits, and how they sound."""
    digits = "".join(map(str, rng.choice(np.arange(1, 10), _DIGITS, replace=False)))
    spoken = speak(" , ".join(digits), VOICES["W902"], Manner(), 1.0, rng)
    write_audio(path, spoken.samples, SPEECH_RATE)
    return digits, path.read_bytes()
