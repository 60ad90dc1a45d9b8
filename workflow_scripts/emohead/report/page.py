"""The report's page: one HTML file that holds everything it shows and asks nobody for anything."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from emohead.files import whole_file
from emohead.mead import EMOTIONS, parse_clip_id
from emohead.report.methods import BUILT_IN, GROUND_TRUTH, Method, clip_per_emotion
from emohead.report.render import render_template
from emohead.report.scores import check_same_clips, read_scores, scores_by_emotion
from emohead.report.style import method_colours
from emohead.report.table1 import number

MEDIA_TYPES = {".png": "image/png", ".mp4": "video/mp4"}
PER_EMOTION_METRIC = "m_lmd"

TITLE = "Emotional talking heads: results"

LANDMARKS_CAPTION = (
    "Landmarks that each method predicts, over the ground truth's in grey; lips tinted. Columns "
    "are moments spread over one test clip per emotion."
)
FRAMES_CAPTION = (
    "The reference face, the ground truth, and the frames that each method renders at the same "
    "moments of one test clip per emotion."
)
TRAINING_CAPTION = (
    "Losses per epoch of every landmark model and translator; one line per seed. Validation clips "
    "are not trained on."
)


@dataclass(frozen=True)
class Figure:
    """A picture of the page: its heading, what it shows in a sentence, and its .png."""

    heading: str
    caption: str
    path: Path


@dataclass(frozen=True)
class Video:
    """One method's rendering of a clip; the ground truth's alone is heard."""

    label: str
    colour: str
    source: str
    heard: bool


@dataclass(frozen=True)
class VideoRow:
    """One test clip by every method, played together."""

    emotion: str
    clip_id: str
    speaker: str
    level: int
    videos: tuple[Video, ...]


@dataclass(frozen=True)
class HeatCell:
    """A number as printed and its place between the table's best (0) and worst (1)."""

    shown: str
    heat: float


@dataclass(frozen=True)
class HeatTable:
    """Numbers by method (rows) and emotion (columns)."""

    emotions: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]


def write_page(
    out: Path,
    *,
    notes: Sequence[str],
    table1: Path,
    evaluations: Sequence[Method],
    seeds: Sequence[int] | None,
    videos: Sequence[Method],
    landmarks_figure: Path,
    frames_figure: Path,
    training_figure: Path,
    config: str,
) -> None:
    """Write `out`, a self-contained page.

    `table1` is the .html form of Table 1; `evaluations` hold evaluation folders, `videos` folders
    of `<clip_id>.mp4`; the figures are .png; `config` is the run's configuration, YAML text.
    ValueError for a missing file.
    """
    figures = (
        Figure("Landmarks", LANDMARKS_CAPTION, landmarks_figure),
        Figure("Frames", FRAMES_CAPTION, frames_figure),
        Figure("Training", TRAINING_CAPTION, training_figure),
    )
    for path in (table1, *(figure.path for figure in figures)):
        if not path.is_file():
            raise ValueError(f"the page needs {path}, which is not there")
    page = render_template(
        "page.html.j2",
        title=TITLE,
        notes=notes,
        table1=Markup(table1.read_text(encoding="utf-8")),
        video_rows=video_rows(videos),
        figures=[(figure, data_uri(figure.path)) for figure in figures],
        per_emotion=per_emotion_table(evaluations, seeds),
        config=config,
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def data_uri(path: Path) -> str:
    """The file as a `data:` URI."""
    return f"data:{MEDIA_TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def video_rows(methods: Sequence[Method]) -> list[VideoRow]:
    """One test clip per emotion, by every method; ValueError names a video that is missing."""
    truth = [method for method in methods if method.id == GROUND_TRUTH]
    if not truth:
        raise ValueError(f"no method {GROUND_TRUTH!r} among {[method.id for method in methods]}")
    if not truth[0].path.is_dir():
        raise ValueError(f"method {GROUND_TRUTH!r}: no folder of videos {truth[0].path}")
    colours = method_colours([method.id for method in methods])
    chosen = clip_per_emotion((path.stem for path in truth[0].path.glob("*.mp4")), EMOTIONS)
    return [_video_row(methods, colours, clip_id) for clip_id in chosen.values()]


def per_emotion_table(methods: Sequence[Method], seeds: Sequence[int] | None) -> HeatTable:
    """M-LMD by method and emotion, without the rows that only show what a metric forgives."""
    scores = {m.id: read_scores(m, seeds) for m in methods if m.id not in BUILT_IN}
    if not scores:
        raise ValueError("the page needs the evaluation of at least one method")
    check_same_clips(scores)
    means = {
        method.label: {
            emotion: score.mean
            for emotion, score in scores_by_emotion(scores[method.id], PER_EMOTION_METRIC).items()
        }
        for method in methods
        if method.id in scores
    }
    emotions = tuple(next(iter(means.values())))
    values = [value for row in means.values() for value in row.values() if value == value]
    low, high = min(values, default=0.0), max(values, default=0.0)

    def cell(value: float) -> HeatCell:
        heat = (value - low) / (high - low) if value == value and high > low else 0.0
        return HeatCell(number(value, 2), round(heat, 3))

    return HeatTable(
        emotions,
        tuple((label, tuple(cell(row[each]) for each in emotions)) for label, row in means.items()),
    )


def _video_row(methods: Sequence[Method], colours: Mapping[str, str], clip_id: str) -> VideoRow:
    name = parse_clip_id(clip_id)
    videos = []
    for method in methods:
        path = method.path / f"{clip_id}.mp4"
        if not path.is_file():
            raise ValueError(f"method {method.id!r}: no video {path}: synthesize it again")
        heard = method.id == GROUND_TRUTH
        videos.append(Video(method.label, colours[method.id], data_uri(path), heard))
    return VideoRow(name.emotion, clip_id, name.speaker, name.level, tuple(videos))
