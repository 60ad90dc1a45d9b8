"""Options as dataclasses: what one may be stands in its annotation, what it means below it.

    dropout: Annotated[float, ("minimum", 0), ("exclusiveMaximum", 1)] = 0.0
    \"\"\"Of the LSTM's input and between its layers.\"\"\"

The config's JSON schema is made of the annotations, and `Options` refuses what they don't allow,
wherever a value comes from. The first sentence below an option is its comment in config.yaml.
Needs nothing but Python itself: the workflow checks its config with it.
"""

import operator
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

Count = Annotated[int, ("minimum", 1)]
Natural = Annotated[int, ("minimum", 0)]
Positive = Annotated[float, ("exclusiveMinimum", 0)]
NotNegative = Annotated[float, ("minimum", 0)]
Fraction = Annotated[float, ("minimum", 0), ("maximum", 1)]

_TYPES = {
    int: ("integer", int),
    float: ("number", (int, float)),
    bool: ("boolean", bool),
    str: ("string", str),
    tuple: ("array", tuple),
    NoneType: ("null", NoneType),
}
_LIMITS = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}


class OptionError(ValueError):
    """An option that can't be: its name, and what is wrong and what to do, as one sentence."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option} {problem}")
        self.option, self.problem = option, problem


class Options:
    """Base of frozen dataclasses whose fields are options of the config.

    Lists become tuples, and a mapping the options that it stands for. Raises OptionError for a
    value that its annotation doesn't allow, and for the first of the `contradictions`.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
            elif isinstance(value, Mapping) and _is_options(hint):
                object.__setattr__(self, name, hint(**value))
            if problem := _problem(getattr(self, name), hint):
                raise OptionError(name, problem)
        for option, problem in self.contradictions():
            raise OptionError(option, problem)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """What can't be, of values that are allowed each: the option, and what is wrong."""
        yield from ()


def json_schema(hint: Any) -> dict[str, Any]:
    """The JSON schema of a class of options, or of an annotation."""
    if _is_options(hint):
        hints = get_type_hints(hint, include_extras=True)
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: json_schema(each) for name, each in hints.items()},
        }
    base, limits = _split(hint)
    if get_origin(base) is Literal:
        allowed = get_args(base)
        return {"const": allowed[0]} if len(allowed) == 1 else {"enum": list(allowed)}
    if get_origin(base) is tuple:
        return {"type": "array", "items": json_schema(get_args(base)[0]), **limits}
    if base in _TYPES:
        return {"type": _TYPES[base][0], **limits}
    return {"oneOf": [json_schema(each) for each in get_args(base)]}


def _problem(value: Any, hint: Any) -> str | None:
    """Why an annotation doesn't allow a value; None if it does."""
    base, limits = _split(hint)
    if _is_options(base):
        return None if isinstance(value, base) else f"is {value!r}: it has options of its own"
    if get_origin(base) is Literal:
        allowed = get_args(base)
        if any(value is each or (value == each and isinstance(each, str)) for each in allowed):
            return None
        return f"is {value!r}: choose from {', '.join(map(str, allowed))}"
    kind = get_origin(base) or base
    if kind not in _TYPES:
        problems = [_problem(value, each) for each in get_args(base)]
        return None if None in problems else "; or ".join(map(str, problems))
    name, classes = _TYPES[kind]
    if not isinstance(value, classes):
        return f"is {value!r}: it must be of type {name}"
    for limit, (holds, words) in _LIMITS.items():
        if limit in limits and not holds(value, limits[limit]):
            return f"is {value!r}: it must be {words} {limits[limit]}"
    if kind is tuple:
        if len(value) < limits.get("minItems", 0):
            return f"has {len(value)} entries: give {limits['minItems']} or more"
        for each in value:
            if problem := _problem(each, get_args(base)[0]):
                return f"has an entry that {problem}"
    return None


def _split(hint: Any) -> tuple[Any, dict[str, Any]]:
    """An annotation without its limits, and these."""
    if get_origin(hint) is not Annotated:
        return hint, {}
    base, *limits = get_args(hint)
    return base, dict(limits)


def _is_options(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Options)
