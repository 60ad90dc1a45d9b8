"""What options may be, from their annotations: a new value is tested without being named again."""

from typing import Any

from emohead.landmarks.options import LandmarkModelOptions
from emohead.options import Options, json_schema

#: A landmark model that is built and trained in no time.
SMALL = LandmarkModelOptions(
    components=6,
    audio_width=10,
    emotion_width=12,
    memory_slots=5,
    reference_width=8,
    hidden_width=16,
    conv_width=2,
    lstm_width=14,
    lstm_layers=2,
)
#: What a value wants beside it.
BESIDE = {
    "reference_input: components": {"target": "absolute"},
    "architecture: evp": {"emotion": "none"},
    "inputs: edges": {"attention": "none"},
}


def values(options: type[Options], name: str) -> list[Any]:
    """All that an option may be, if it is a choice."""
    schema = json_schema(options)["properties"][name]
    return [True, False] if schema.get("type") == "boolean" else schema.get("enum", [])


def alternatives(options: type[Options]) -> dict[str, dict[str, Any]]:
    """Changes of the defaults: each other value of each choice, by `<option>: <value>`."""
    found = {}
    for name, field in options.__dataclass_fields__.items():
        for value in values(options, name):
            if value != field.default:
                key = f"{name}: {value}"
                found[key] = {name: value, **BESIDE.get(key, {})}
    return found
