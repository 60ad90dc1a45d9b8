"""The page's player: one test clip per emotion by every method, with its landmarks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emohead.data.mead import FPS, parse_clip_id
from emohead.report.methods import GROUND_TRUTH, Method, RunClip, open_methods
from emohead.report.page_parts import Media
from emohead.report.style import method_colours
from emohead.translator.drawing import PARTS

UNITS_PER_PIXEL = 16  # so a point of the overlay is at most 1/32 px off


def build_player(
    methods: Sequence[Method], clips: Mapping[str, str], references: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The player of `clips`, ids by emotion, by those of the methods that have runs.

    Gives what the page's script needs, for JSON, and the media by id. A clip has a screen for every
    reference and method: the ids of its media, None where there is none, the size of the crop whose
    pixels the landmarks are in, and why there is no video. ValueError when the ground truth, whose
    run serves every reference, is missing or lacks a clip.
    """
    methods = [method for method in methods if method.runs]
    opened = {
        reference: {each.id: each.clips for each in open_methods(methods, reference)}
        for reference in references
    }
    truth = next(iter(opened.values())).get(GROUND_TRUTH)
    if truth is None:
        raise ValueError(f"the page needs the run of {GROUND_TRUTH!r}, which was not given")
    media, shown = Media(), []
    for emotion, clip_id in clips.items():
        if clip_id not in truth:
            raise ValueError(f"the run of {GROUND_TRUTH} has no clip {clip_id}: score it again")
        name = parse_clip_id(clip_id)
        screens = {
            reference: {each.id: _screen(clip_id, each, reference, runs.get(each.id), media)
                        for each in methods}
            for reference, runs in opened.items()
        }  # fmt: skip
        shown.append(
            {"emotion": emotion, "clip_id": clip_id, "speaker": name.speaker, "level": name.level,
             "frames": truth[clip_id].length, "screens": screens}
        )  # fmt: skip
    colours = method_colours([method.id for method in methods])
    manifest = {
        "fps": FPS,
        "unitsPerPixel": UNITS_PER_PIXEL,
        "faceLines": [
            [*map(int, line), *([int(line[0])] if part.closed else [])]
            for part in PARTS.values()
            for line in part.lines
        ],
        "methods": [{"id": m.id, "label": m.label, "colour": colours[m.id]} for m in methods],
        "clips": shown,
    }
    return manifest, media.texts


def _screen(
    clip_id: str,
    method: Method,
    reference: str,
    clips: Mapping[str, RunClip] | None,
    media: Media,
) -> dict[str, Any]:
    screen = {"video": None, "landmarks": None, "crop_size": None, "missing": ""}
    if clips is None:
        kind = reference.replace("_", "-")
        return screen | {"missing": f"{method.label} was not run with a {kind} reference face."}
    if clip_id not in clips:
        return screen | {"missing": f"{method.label} has no video of this clip."}
    clip = clips[clip_id]
    screen["video"] = media.add(clip.video.read_bytes())
    track = encode_landmarks(clip.landmarks)
    if track is None:
        return screen
    return screen | {"landmarks": media.add(track), "crop_size": clip.crop_size}


def encode_landmarks(landmarks: np.ndarray) -> bytes | None:
    """Landmarks [T, 68, 2] in pixels as little-endian int16, in 1/16 px; None if any is not finite.

    That is how a method without landmarks of its own, such as a folder of videos, is stored.
    """
    if not np.isfinite(landmarks).all():
        return None
    units, limits = np.rint(landmarks * UNITS_PER_PIXEL), np.iinfo(np.int16)
    return units.clip(limits.min, limits.max).astype("<i2").tobytes()
