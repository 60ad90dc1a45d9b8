"""The page's player: one test clip per emotion by every method, with its landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emohead.data.mead import FPS, parse_clip_id
from emohead.report.embedding import Media
from emohead.report.methods import GROUND_TRUTH, RunClip, open_run
from emohead.report.overlay import UNITS_PER_PIXEL, encode_landmarks, face_lines
from emohead.report.style import method_colours

#: A method and the reference (protocol) that it was run with.
Run = tuple[str, str]


@dataclass(frozen=True)
class ShownMethod:
    """A method that the player can show, in its colour."""

    id: str
    label: str
    colour: str


@dataclass(frozen=True)
class Screen:
    """A method's rendering of a clip: ids of its media, None where there is none.

    `missing` says in a sentence why there is no video; `crop_size` is what the landmarks are
    pixels of.
    """

    video: str | None = None
    landmarks: str | None = None
    crop_size: int | None = None
    missing: str = ""


@dataclass(frozen=True)
class ShownClip:
    """A test clip: its frames, and its screens by reference and by method."""

    emotion: str
    clip_id: str
    speaker: str
    level: int
    frames: int
    screens: dict[str, dict[str, Screen]]


@dataclass(frozen=True)
class Player:
    """What the page's script needs: its pickers' choices and, by id, the media."""

    references: tuple[str, ...]
    methods: tuple[ShownMethod, ...]
    clips: tuple[ShownClip, ...]
    media: Mapping[str, str]

    @property
    def manifest(self) -> dict[str, Any]:
        """All but the media, for JSON."""
        return {
            "fps": FPS,
            "unitsPerPixel": UNITS_PER_PIXEL,
            "faceLines": face_lines(),
            "methods": [asdict(method) for method in self.methods],
            "clips": [asdict(clip) for clip in self.clips],
        }


def build_player(
    runs: Mapping[Run, Path],
    clips: Mapping[str, str],
    labels: Mapping[str, str],
    references: Sequence[str],
) -> Player:
    """The player of `clips`, ids by emotion, from the folders of runs, by (method, reference).

    Methods stand in the order of `labels`. The ground truth's run serves every reference;
    ValueError when it is missing or lacks a clip.
    """
    truth = [run for run in runs if run[0] == GROUND_TRUTH]
    if not truth:
        raise ValueError(f"the page needs the run of {GROUND_TRUTH!r}, which was not given")
    opened = {run: open_run(folder) for run, folder in runs.items()}
    ids = [method_id for method_id in labels if any(method_id == run[0] for run in runs)]
    media, shown_clips = Media(), []
    for emotion, clip_id in clips.items():
        if clip_id not in opened[truth[0]]:
            raise ValueError(f"{runs[truth[0]]} has no clip {clip_id}: score it again")
        name = parse_clip_id(clip_id)
        screens: dict[str, dict[str, Screen]] = {reference: {} for reference in references}
        for reference in references:
            for method_id in ids:
                run = truth[0] if method_id == GROUND_TRUTH else (method_id, reference)
                screens[reference][method_id] = _screen(
                    clip_id, labels[method_id], reference, opened.get(run), media
                )
        frames = opened[truth[0]][clip_id].length
        shown_clips.append(ShownClip(emotion, clip_id, name.speaker, name.level, frames, screens))
    colours = method_colours(list(labels))
    shown = tuple(ShownMethod(each, labels[each], colours[each]) for each in ids)
    return Player(tuple(references), shown, tuple(shown_clips), media.texts)


def _screen(
    clip_id: str,
    label: str,
    reference: str,
    clips: Mapping[str, RunClip] | None,
    media: Media,
) -> Screen:
    if clips is None:
        kind = reference.replace("_", "-")
        return Screen(missing=f"{label} was not run with a {kind} reference face.")
    if clip_id not in clips:
        return Screen(missing=f"{label} has no video of this clip.")
    clip = clips[clip_id]
    video = media.add(clip.video.read_bytes())
    track = encode_landmarks(clip.landmarks)
    if track is None:
        return Screen(video)
    return Screen(video, media.add(track), clip.crop_size)
