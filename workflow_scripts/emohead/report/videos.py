"""The page's player: one test clip per emotion by every method, with its landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emohead.data.mead import EMOTIONS, FPS, parse_clip_id
from emohead.features.store import Shard
from emohead.report.embedding import Media
from emohead.report.methods import GROUND_TRUTH, clip_per_emotion
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
    videos: Mapping[Run, Path],
    shards: Mapping[Run, Path],
    labels: Mapping[str, str],
    references: Sequence[str],
) -> Player:
    """The player of folders of `<clip_id>.mp4` and rendered shards, by (method, reference).

    Methods stand in the order of `labels`. The ground truth's run serves every reference and says
    which clips there are; ValueError when it is missing, or has a video that its shard has not.
    """
    truth = [run for run in videos if run[0] == GROUND_TRUTH]
    if not truth:
        raise ValueError(f"the page needs the videos of {GROUND_TRUTH!r}, which were not given")
    if truth[0] not in shards:
        raise ValueError(f"the page needs the shard of {GROUND_TRUTH!r}, which was not given")
    folder = videos[truth[0]]
    if not folder.is_dir():
        raise ValueError(f"method {GROUND_TRUTH!r}: no folder of videos {folder}")
    opened = {run: _open(run, path) for run, path in shards.items()}
    ids = [method_id for method_id in labels if any(method_id == run[0] for run in videos)]
    media, clips = Media(), []
    chosen = clip_per_emotion((path.stem for path in folder.glob("*.mp4")), EMOTIONS)
    for emotion, clip_id in chosen.items():
        if clip_id not in opened[truth[0]].clip_ids:
            raise ValueError(f"{shards[truth[0]]} has no clip {clip_id}: synthesize it again")
        name = parse_clip_id(clip_id)
        screens: dict[str, dict[str, Screen]] = {reference: {} for reference in references}
        for reference in references:
            for method_id in ids:
                run = truth[0] if method_id == GROUND_TRUTH else (method_id, reference)
                screens[reference][method_id] = _screen(
                    clip_id, labels[method_id], reference, videos.get(run), opened.get(run), media
                )
        frames = opened[truth[0]][clip_id].length
        clips.append(ShownClip(emotion, clip_id, name.speaker, name.level, frames, screens))
    colours = method_colours(list(labels))
    shown = tuple(ShownMethod(each, labels[each], colours[each]) for each in ids)
    return Player(tuple(references), shown, tuple(clips), media.texts)


def _open(run: Run, path: Path) -> Shard:
    if not path.is_file():
        raise ValueError(f"method {run[0]!r}, reference {run[1]!r}: no shard {path}")
    return Shard(path)


def _screen(
    clip_id: str,
    label: str,
    reference: str,
    folder: Path | None,
    shard: Shard | None,
    media: Media,
) -> Screen:
    if folder is None:
        kind = reference.replace("_", "-")
        return Screen(missing=f"{label} was not run with a {kind} reference face.")
    path = folder / f"{clip_id}.mp4"
    if not path.is_file():
        return Screen(missing=f"{label} has no video of this clip.")
    video = media.add(path.read_bytes())
    if shard is None or clip_id not in shard.clip_ids:
        return Screen(video)
    clip = shard[clip_id]
    track = encode_landmarks(clip.landmarks)
    if track is None:
        return Screen(video)
    return Screen(video, media.add(track), clip.crop_size)
