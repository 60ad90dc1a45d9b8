"""Raters' answers: read, checked against schema and key, and refused or excluded with a reason.

An answer file is refused when it can't be what the page wrote; a rater is excluded by rules that
the protocol states before there are any answers (`exclusion`).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from emohead.evaluation.summary import GROUND_TRUTH
from emohead.study.key import RATED, SCALES, TRAP, Key

MOST_BYTES = 256 * 1024
#: Shares of a scale's points: how far the traps' LS must lie below that of the rater's real clips,
#: and how far apart the two ratings of a repeated video may be, on average.
TRAP_MARGIN, REPEAT_MARGIN = 0.3, 0.3
#: Seconds between the end of a video and the answer, in the median, below which nobody reads.
QUICKEST = 1.0
#: Clocks and timers are this inexact (s), players this hasty.
_CLOCK, _HASTE = 5.0, 0.7
#: JSON Schema takes 5.0 for an integer since draft 6; a page never writes it, and it is no index.
_Validator = extend(Draft202012Validator, type_checker=Draft4Validator.TYPE_CHECKER)


class AnswerError(ValueError):
    """An answer file that can't be used; the message doesn't name the file."""


@dataclass(frozen=True)
class Dropped:
    """A file that isn't used: `kind` is `refused` or `excluded`."""

    file: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Answers:
    """The answers of a folder: usable ones by rater, and those that were dropped."""

    kept: dict[str, dict]
    dropped: tuple[Dropped, ...]

    @property
    def simulated(self) -> bool:
        """Whether they are made up."""
        return any(answer["simulated"] for answer in self.kept.values())

    def count(self, kind: str) -> int:
        """How many files were refused or excluded."""
        return sum(each.kind == kind for each in self.dropped)


@cache
def _validator(points: int, orders: int) -> Validator:
    seconds = {"type": "number", "minimum": 0, "maximum": 86_400}
    trial = {
        "item": _text("[0-9a-f]{12}"),
        **{name: {"type": "integer", "minimum": 1, "maximum": points} for name in SCALES},
        "plays": {"type": "integer", "minimum": 1, "maximum": 1000},
        "opened": seconds,
        "seconds": seconds,
    }
    time = _text(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,6})?Z")
    fields = {
        "format": {"type": "integer", "const": 1},
        "study": _text("[0-9a-f]{16}"),
        "rater": _text("[0-9a-f]{32}"),
        "turn": {"type": "integer", "minimum": 0, "maximum": orders - 1},
        "consent": {"type": "boolean"},
        "started": time,
        "finished": time,
        "hearing": _text("[0-9]{1,12}"),
        "hearing_tries": {"type": "integer", "minimum": 1, "maximum": 3},
        "simulated": {"type": "boolean"},
        "trials": {"type": "array", "items": _object(trial)},
    }
    return _Validator(_object(fields))


def _text(pattern: str) -> dict:
    """All of a text: in Python, `$` would let a line break follow."""
    return {"type": "string", "pattern": rf"\A(?:{pattern})\Z"}


def _object(properties: Mapping[str, Any]) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def check_answer(data: bytes, key: Key) -> dict:
    """An answer file's content as the page wrote it; AnswerError says what is wrong with it."""
    if len(data) > MOST_BYTES:
        raise AnswerError(f"is larger than {MOST_BYTES // 1024} kB")
    try:
        answer = json.loads(
            data.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_fields
        )
    except AnswerError:
        raise
    except (ValueError, RecursionError) as error:
        raise AnswerError("is not JSON") from error
    mistake = next(_validator(key.points, len(key.orders)).iter_errors(answer), None)
    if mistake is not None:
        raise AnswerError(_explain(mistake))
    if answer["study"] != key.study:
        raise AnswerError(f"belongs to another study, {answer['study']}, and not to {key.study}")
    if not answer["consent"]:
        raise AnswerError("has no consent")
    _check_trials(answer, key)
    _check_times(answer, key)
    return answer


def read_answers(folder: Path, key: Key) -> Answers:
    """Check every file of a folder but hidden ones, in the order of their names.

    One bad file stops none of the others. ValueError when there is no folder, or nothing usable.
    """
    if not folder.is_dir():
        raise ValueError(f"study.answers: there is no folder {str(folder)!r}")
    kept: dict[str, dict] = {}
    dropped: list[Dropped] = []
    contents: set[str] = set()
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        try:
            data = _read_bytes(path)
            answer = check_answer(data, key)
            # The same file twice is one person, and so is one who saves again after changing it.
            if (digest := hashlib.sha256(data).hexdigest()) in contents:
                raise AnswerError("is a copy of another file")
            contents.add(digest)
            if answer["rater"] in kept:
                raise AnswerError(f"is a second one of the rater {answer['rater'][:8]}")
            kept[answer["rater"]] = answer | {"file": shown_name(path.name)}
        except AnswerError as error:
            dropped.append(Dropped(shown_name(path.name), "refused", str(error)))
    if not all(answer["simulated"] for answer in kept.values()):
        for rater in [rater for rater, answer in kept.items() if answer["simulated"]]:
            reason = "is made up (--simulate) and lies among people's answers"
            dropped.append(Dropped(kept.pop(rater)["file"], "refused", reason))
    for rater, answer in list(kept.items()):
        if reason := exclusion(answer, key):
            dropped.append(Dropped(kept.pop(rater)["file"], "excluded", reason))
    if not kept:
        told = "".join(f"; {each.file} {each.reason}" for each in dropped[:5])
        raise ValueError(f"{folder}: no usable answers{told}")
    return Answers(kept, tuple(dropped))


def exclusion(answer: Mapping[str, Any], key: Key) -> str | None:
    """The rule of the protocol that excludes a rater's answers; None where none does."""
    order = key.order(answer["turn"])
    rated = list(zip(order, answer["trials"], strict=True))
    if answer["hearing"] != key.hearing:
        return "did not hear the digits"
    waits = [trial["seconds"] - trial["opened"] for _, trial in rated]
    if median(waits) < QUICKEST:
        return f"answered {median(waits):.1f} s after the videos' end (median; rule: {QUICKEST:g})"
    real = fmean(t["ls"] for item, t in rated if (item.kind, item.method) == (RATED, GROUND_TRUTH))
    trap = fmean(trial["ls"] for item, trial in rated if item.kind == TRAP)
    margin = TRAP_MARGIN * key.points
    if real - trap < margin:
        return (
            f"gave videos with another clip's sound {trap:.1f} points for lip synchronisation and "
            f"the real ones {real:.1f} (rule: {margin:g} fewer)"
        )
    apart = repeat_difference(answer, key)
    if apart > REPEAT_MARGIN * key.points:
        return (
            f"rated repeated videos {apart:.1f} points apart (rule: {REPEAT_MARGIN * key.points:g})"
        )
    return None


def repeat_difference(answer: Mapping[str, Any], key: Key) -> float:
    """Mean absolute difference between the two ratings of repeated videos, over the scales."""
    first: dict[str, dict] = {}
    differences = []
    for item, trial in zip(key.order(answer["turn"]), answer["trials"], strict=True):
        if item.id in first:
            differences += [abs(trial[name] - first[item.id][name]) for name in SCALES]
        first.setdefault(item.id, trial)
    return fmean(differences)


def shown_name(name: str) -> str:
    """A file's name with nothing in it that a page, a table or a terminal could take for more."""
    return re.sub(r"[^\w.() -]", "?", name, flags=re.ASCII)[:80]


def _read_bytes(path: Path) -> bytes:
    """At most one byte more than is allowed; of links, folders and other kinds of files nothing."""
    if path.is_symlink() or not path.is_file():
        raise AnswerError("is not a plain file")
    if path.suffix.lower() != ".json":
        raise AnswerError("is not named .json")
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise AnswerError(f"can't be read ({error.strerror})") from error


def _check_trials(answer: Mapping[str, Any], key: Key) -> None:
    expected = [item.id for item in key.order(answer["turn"])]
    given = [trial["item"] for trial in answer["trials"]]
    if given == expected:
        return
    if unknown := set(given) - set(expected):
        raise AnswerError(f"has a trial {min(unknown)}, which the study doesn't have")
    if missing := set(expected) - set(given):
        raise AnswerError(f"lacks {len(missing)} of {len(set(expected))} videos")
    if len(given) != len(expected):
        raise AnswerError(f"has {len(given)} trials in place of {len(expected)}")
    raise AnswerError(f"has its trials in another order than turn {answer['turn']}")


def _check_times(answer: Mapping[str, Any], key: Key) -> None:
    for number, (item, trial) in enumerate(
        zip(key.order(answer["turn"]), answer["trials"], strict=True), 1
    ):
        if trial["opened"] > trial["seconds"]:
            raise AnswerError(f"has trial {number} answered before its questions opened")
        if trial["opened"] < _HASTE * item.seconds:
            raise AnswerError(
                f"has trial {number} opened after {trial['opened']:.1f} s, and its video takes "
                f"{item.seconds:.1f}"
            )
    try:
        started, finished = (datetime.fromisoformat(answer[k]) for k in ("started", "finished"))
    except ValueError as error:
        raise AnswerError(f"has a time that doesn't exist ({error})") from error
    if finished > datetime.now(finished.tzinfo) + timedelta(days=1):
        raise AnswerError(f"was finished in the future, {answer['finished']}")
    taken = (finished - started).total_seconds()
    if taken < sum(trial["seconds"] for trial in answer["trials"]) - _CLOCK:
        raise AnswerError(f"took {taken:.0f} s, less than its trials together")


def _no_number(name: str) -> float:
    raise ValueError(name)


def _fields(pairs: list[tuple[str, Any]]) -> dict:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise AnswerError("has a field twice")
    return fields


def _explain(mistake: Any) -> str:
    """A schema error without a value that somebody else wrote, which could be anything."""
    where = ".".join(shown_name(str(part)) for part in mistake.absolute_path)
    kind = mistake.validator_value
    names = {
        "additionalProperties": "has a field that the page doesn't write",
        "required": f"lacks {mistake.message.split(' is a required')[0]}",
        "type": f"is not {'an' if str(kind)[0] in 'aio' else 'a'} {kind}",
        "minimum": f"is below {kind}",
        "maximum": f"is above {kind}",
        "pattern": "is not written as the page writes it",
        "const": f"is not {kind}",
    }
    problem = names[mistake.validator]
    return f"has {where}, which {problem}" if where else problem
