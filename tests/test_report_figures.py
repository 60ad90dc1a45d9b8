from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from emohead.evaluation.run_clips import RunClip
from emohead.report.figures import draw_training_figure
from emohead.report.methods import Method
from emohead.report.pictures import draw_frames_figure, draw_landmarks_figure
from emohead.report.style import method_colours, save_figure

CLIPS = ("W901-front-happy-3-001", "W901-front-sad-3-001")
HAPPY = {"happy": CLIPS[0]}
BOTH = {**HAPPY, "sad": CLIPS[1]}


@dataclass(frozen=True)
class FakeClip(RunClip):
    grey: int = 0

    def frames(self) -> np.ndarray:
        return np.full((self.length, 16, 16, 3), self.grey, np.uint8)


def method(method_id: str, length: int = 10, grey: int = 100, seed: int = 0) -> Method:
    rng = np.random.default_rng(seed)
    clips = {c: FakeClip(rng.uniform(20, 100, (length, 68, 2)), Path(), grey) for c in CLIPS}
    return Method(method_id, method_id.title(), clips=clips)


METHODS = [method("ground_truth"), method("ours", seed=1, grey=200)]


def texts(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def pictures(figure) -> list[int]:
    """The grey levels of all pictures."""
    return [int(each.get_array()[0, 0, 0]) for axis in figure.axes for each in axis.images]


def lines(figure) -> int:
    return sum(len(axis.lines) for axis in figure.axes)


def test_landmarks_figure_has_every_face_upright_and_undistorted():
    figure = draw_landmarks_figure(METHODS, BOTH, 3)
    axis = figure.axes[0]
    # Eight lines a face; 2 clips x 3 frames: the truth once, and the method over the truth.
    assert lines(figure) == 2 * 3 * 8 * 3
    assert axis.get_ylim()[0] > axis.get_ylim()[1] and axis.get_aspect() == 1
    assert {"happy (W901)", "sad (W901)", "Ground_Truth", "Ours"} <= texts(figure)


def test_landmarks_figure_keeps_shape_and_distance_to_the_truth():
    figure = draw_landmarks_figure(METHODS, HAPPY, 1)
    drawn = [np.column_stack(line.get_data()) for line in figure.axes[0].lines]
    t = 5  # the middle of ten frames
    truth = METHODS[0].clips[CLIPS[0]].landmarks[t, :17]
    ours = METHODS[1].clips[CLIPS[0]].landmarks[t, :17]
    behind, placed = (line for line in drawn[8:] if len(line) == 17)
    scale = np.ptp(behind[:, 0]) / np.ptp(truth[:, 0])
    assert scale == pytest.approx(np.ptp(behind[:, 1]) / np.ptp(truth[:, 1]))
    np.testing.assert_allclose(placed - behind, (ours - truth) * scale, atol=1e-9)


def test_frames_figure_shows_reference_truth_and_methods():
    figure = draw_frames_figure(METHODS, BOTH, 3)
    assert len(pictures(figure)) == 2 * (1 + 2 * 3)
    assert sorted(pictures(figure)[:7]) == [100, 100, 100, 100, 200, 200, 200]
    assert {"Reference face", "Ground_Truth", "Ours"} <= texts(figure)


def test_frames_figure_shows_the_reference_face_that_the_methods_saw():
    """What the copied reference shows; without that row, the clip's own first frame."""
    copy = method("copy_reference", grey=30)
    for rows, greys in (([*METHODS, copy], [30, 100, 200, 30]), (METHODS, [100, 100, 200])):
        assert pictures(draw_frames_figure(rows, HAPPY, 1)) == greys


def test_what_somebody_elses_method_lacks_stays_empty():
    # Of three frames, at 1, 5 and 8 of ten, it has two of the first clip and none of the second.
    short = method("evp", length=6)
    short = replace(short, clips={CLIPS[0]: short.clips[CLIPS[0]]})
    frames = draw_frames_figure([METHODS[0], short], BOTH, 3)
    assert len(pictures(frames)) == 2 * (1 + 3) + 2
    landmarks = draw_landmarks_figure([METHODS[0], short], BOTH, 3)
    assert lines(landmarks) == 8 * (2 * 3 * 2 + 2)


def test_landmarks_figure_has_no_row_of_a_method_without_landmarks():
    videos = method("evp")
    unknown = {
        c: replace(clip, landmarks=clip.landmarks * np.nan) for c, clip in videos.clips.items()
    }
    figure = draw_landmarks_figure([*METHODS, replace(videos, clips=unknown)], HAPPY, 3)
    assert "Evp" not in texts(figure) and "Ours" in texts(figure)
    assert lines(figure) == 8 * 3 * 3


def test_saved_figures_have_size_content_and_equal_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png", "a.pdf", "b.pdf")]
    for part in (paths[::2], paths[1::2]):
        save_figure(draw_landmarks_figure(METHODS, HAPPY, 2), part)
    image = cv2.imread(str(paths[0]))
    figure = draw_landmarks_figure(METHODS, HAPPY, 2)
    assert image.shape[1] == pytest.approx(figure.get_figwidth() * 160, abs=1)
    assert image.std() > 5
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[2].read_bytes() == paths[3].read_bytes()


def test_training_figure_draws_every_loss_of_every_seed(tmp_path):
    epochs = np.arange(1, 6)
    history = pd.DataFrame(
        {"epoch": epochs, "step": epochs, "seconds": epochs, "l1": 10.0**-epochs,
         "loss": [1.0, 1.1, np.nan, 1.2, 1.3], "val_loss": 1.0}
    )  # fmt: skip
    history.to_csv(tmp_path / "history.csv", index=False)
    figure = draw_training_figure([("U-Net", tmp_path / "history.csv")] * 2)
    first, second = figure.axes
    assert (first.get_title("left"), second.get_title("left")) == ("U-Net\nloss", "U-Net\nl1")
    assert sorted(len(line.get_ydata()) for line in first.lines) == [4, 4, 5, 5]
    assert first.get_yscale() != second.get_yscale() == "log"


def test_colours_do_not_depend_on_the_other_methods():
    assert method_colours(["ours"])["ours"] == method_colours(["x", "y", "ours"])["ours"]
    colours = method_colours(["ground_truth", "baseline", "x", "y", "ours"])
    assert len(set(colours.values())) == 5
