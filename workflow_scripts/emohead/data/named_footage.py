"""Footage by the names of its files: a pattern, or a data set that is known by its own names."""

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from emohead.data.mead import EMOTIONS, LEVELS, STRETCHES, Clip, LeftOut
from emohead.data.names import NamePattern, emotion_called, video_names

_SHOWN = 3  # names of files in a sentence
_FIELDS = ("speaker", "emotion", "level", "number")


@dataclass(frozen=True)
class _Take:
    """The parts of a file's name; without a number, files are numbered as they come."""

    speaker: str
    emotion: str
    level: int
    number: int | None


#: What the name of a file, below the folder, says; or why the file isn't taken.
_Reader = Callable[[str], _Take | str]


def find_footage(
    folder: Path, names: str, *, speakers: Collection[str] | None, emotions: Collection[str]
) -> tuple[list[Clip], list[LeftOut]]:
    """The clips of the videos below `folder`, sorted, and what is left out and why.

    `names` is a pattern (`NamePattern`, with `{speaker}` and `{emotion}`), or one of DATA_SETS.
    Files of other `speakers` (None: all) and `emotions` weren't asked for and aren't named. Each
    video's own sound is used. Raises ValueError when nothing fits, or when a pattern gives several
    files the same name.
    """
    read = DATA_SETS.get(names) or _reader_of(names)
    passed: dict[str, list[str]] = {}
    taken: dict[tuple[str, str, int, int], str] = {}
    numbers: Counter[tuple[str, str, int]] = Counter()
    everybody = set()
    for name in video_names(folder):
        take = _why_unreadable(folder, name) or read(name)
        if isinstance(take, str):
            passed.setdefault(take, []).append(name)
            continue
        everybody.add(take.speaker)
        numbers[take.speaker, take.emotion, take.level] += 1
        number = take.number or numbers[take.speaker, take.emotion, take.level]
        key = (take.speaker, take.emotion, take.level, number)
        if key in taken and names not in DATA_SETS:
            raise ValueError(
                f"{names!r} gives {taken[key]} and {name} the same speaker, emotion, level and "
                f"number: put what tells them apart into the pattern, or leave {{number}} out"
            )
        if taken.setdefault(key, name) != name:
            passed.setdefault("the same take as another file", []).append(name)
    left_out = [LeftOut(names, _say(reason, files)) for reason, files in sorted(passed.items())]
    missing = sorted(set(speakers or ()) - everybody)
    if not taken:
        why = "; ".join(each.reason for each in left_out) or "there is no video"
        raise ValueError(f"no file below {folder} is called like {names!r}: {why}")
    if missing:
        raise ValueError(
            f"{', '.join(missing)}: no file below {folder} is of this speaker; data.speakers: null "
            f"takes all ({', '.join(sorted(everybody))})"
        )
    clips = [
        Clip(speaker, "front", emotion, level, number, Path(folder) / name, Path(folder) / name)
        for (speaker, emotion, level, number), name in sorted(taken.items())
        if speaker in (speakers or everybody) and emotion in emotions
    ]
    if not clips:
        raise ValueError(f"none of the {len(taken)} files below {folder} is of data.emotions")
    return clips, left_out


def _reader_of(pattern: str) -> _Reader:
    """The parts of a name by a pattern."""
    names = NamePattern(pattern)
    if not {"speaker", "emotion"} <= set(names.fields) <= set(_FIELDS):
        raise ValueError(
            f"{pattern!r}: {{speaker}} and {{emotion}} must be in it, {{level}} and {{number}} can "
            f"be (or say {' or '.join(DATA_SETS)})"
        )

    def read(name: str) -> _Take | str:
        found = names.match(name)
        if found is None:
            return f"names not like {pattern}"
        emotion = emotion_called(found["emotion"])
        if emotion is None:
            return f"emotion {found['emotion']!r} is none of {', '.join(EMOTIONS)}"
        level = int(found.get("level", 1))
        if level not in LEVELS:
            return f"level {level} is none of 1, 2, 3"
        number = int(found["number"]) if "number" in found else None
        if number == 0:  # its stretches would have the numbers of other clips
            return "number 0: numbers count from 1"
        if number and number >= STRETCHES:  # likewise
            return "a number of more than five digits: put * in the place of {number}"
        return _Take(found["speaker"], emotion, level, number)

    return read


_RAVDESS = re.compile(
    r"(?P<modality>\d\d)-(?P<channel>\d\d)-(?P<emotion>\d\d)-(?P<intensity>\d\d)"
    r"-(?P<statement>\d\d)-(?P<repetition>\d\d)-(?P<actor>\d\d)"
)
_RAVDESS_EMOTIONS = {
    "01": "neutral", "03": "happy", "04": "sad", "05": "angry", "06": "fear", "07": "disgusted",
    "08": "surprised",
}  # fmt: skip


def _read_ravdess(name: str) -> _Take | str:
    """RAVDESS (Livingstone and Russo 2018): `Actor_01/01-01-05-02-01-01-01.mp4`.

    Intensity normal is level 2, strong level 3; number 1 to 4 are the two repetitions of the first
    statement and those of the second.
    """
    found = _RAVDESS.fullmatch(PurePosixPath(name).stem)
    if found is None:
        return "names not like RAVDESS's, 01-01-05-02-01-01-01.mp4"
    if found["modality"] == "02":
        return "twins without sound (02-...)"
    if found["channel"] == "02":
        return "song (01-02-...)"
    if found["emotion"] not in _RAVDESS_EMOTIONS:
        return "calm (01-01-02-...), which is none of the eight emotions"
    emotion = _RAVDESS_EMOTIONS[found["emotion"]]
    level = 1 if emotion == "neutral" else 1 + int(found["intensity"])
    number = 2 * int(found["statement"]) + int(found["repetition"]) - 2
    return _Take(f"Actor{found['actor']}", emotion, level, number)


#: In the order of CREMA-D's own list; the first alone is said at three levels.
_CREMA_SENTENCES = (
    "IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"
)  # fmt: skip
_CREMA_LEVELS = {"LO": 1, "MD": 2, "HI": 3, "XX": 2, "X": 2}
_CREMA = re.compile(
    rf"(?P<actor>\d{{4}})_(?P<sentence>{'|'.join(_CREMA_SENTENCES)})"
    rf"_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<level>{'|'.join(_CREMA_LEVELS)})"
)


def _read_crema_d(name: str) -> _Take | str:
    """CREMA-D (Cao et al. 2014): `VideoFlash/1001_IEO_ANG_HI.flv`.

    Low, medium and high are levels 1 to 3, unspecified is 2 (neutral: 1); the number is that of the
    sentence, 1 to 12.
    """
    found = _CREMA.fullmatch(PurePosixPath(name).stem)
    if found is None:
        return "names not like CREMA-D's, 1001_IEO_ANG_HI.flv"
    emotion = emotion_called(found["emotion"])
    level = 1 if emotion == "neutral" else _CREMA_LEVELS[found["level"]]
    number = _CREMA_SENTENCES.index(found["sentence"]) + 1
    return _Take(found["actor"], emotion, level, number)


#: Data sets whose own names are known, as they are handed out.
DATA_SETS: Mapping[str, _Reader] = {"ravdess": _read_ravdess, "crema_d": _read_crema_d}


def _why_unreadable(folder: Path, name: str) -> str | None:
    """Why no table can name a file, or why there is none behind its name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "names not in UTF-8: rename them"
    return None if os.path.exists(os.path.join(folder, name)) else "links to nothing"


def _say(reason: str, files: list[str]) -> str:
    shown = ", ".join(map(repr, files[:_SHOWN]))
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f"{len(files)} videos: {reason}: {shown}{more}"
