"""EVP's input of a translator: curves, distances and the scene's edges."""

import numpy as np
import pytest
import torch
from skimage.draw import polygon2mask

from emohead.translator.edges import CURVES, draw_edges, face_outline
from emohead.translator.options import DRAWING_CHANNELS, TranslatorOptions
from emohead.translator.render import translate
from emohead.translator.unet import build_translator

SIZE = 128


def face(size: int) -> np.ndarray:
    """Points where a face has them: [68, 2]."""

    def arc(x, y, width, height, first, last, points):
        angle = np.pi * np.linspace(first, last, points)
        return np.stack([x - width * np.cos(angle), y + height * np.sin(angle)], axis=1)

    def line(start, end, points):
        return np.linspace(start, end, points)

    eyes = [
        np.concatenate(
            [arc(x, 0.42, 0.07, 0.03, 0, -1, 4), arc(x, 0.42, 0.07, 0.03, 2 / 3, 1 / 3, 2)]
        )
        for x in (0.35, 0.65)
    ]
    lips = [
        np.concatenate([arc(0.5, 0.72, w, h, 0, -1, n), arc(0.5, 0.72, w, h, 1, 0, n)[1:-1]])
        for w, h, n in ((0.13, 0.06, 7), (0.09, 0.03, 5))
    ]
    parts = [
        arc(0.5, 0.4, 0.32, 0.5, 0, 1, 17),
        *(arc(x, 0.33, 0.1, 0.04, 0, -1, 5) for x in (0.33, 0.67)),
        line((0.5, 0.4), (0.5, 0.56), 4), line((0.43, 0.6), (0.57, 0.6), 5),
        *eyes, *lips,
    ]  # fmt: skip
    return size * np.concatenate(parts)


PLAIN = np.full((SIZE, SIZE, 3), 90, np.uint8)


def test_curves_go_through_all_landmarks_of_their_parts():
    points = face(SIZE)
    drawn = draw_edges(points, PLAIN)
    assert drawn.shape == (SIZE, SIZE, 15) and drawn.dtype == np.uint8
    assert {point for curve in CURVES for point in curve} == set(range(68))
    lines = drawn[..., 0] > 0
    for channel, curve in enumerate(CURVES, start=1):
        own = drawn[..., channel] == 0
        assert lines[own].all()
        for x, y in points[list(curve)]:
            rows, columns = np.nonzero(own)
            assert np.hypot(rows - y, columns - x).min() < 1
    assert lines.sum() < 0.1 * lines.size


def test_a_curve_is_a_parabola_through_three_points():
    points = face(SIZE)
    points[17:22] = [[20, 40], [30, 30], [40, 40], [50, 50], [60, 40]]
    own = draw_edges(points, PLAIN)[..., 2] == 0
    for x, y in ((25, 32.5), (35, 32.5), (45, 47.5), (55, 47.5)):  # a chord would be at 35, 45
        rows, columns = np.nonzero(own)
        assert np.hypot(rows - y, columns - x).min() < 1


def test_distances_are_l1_in_thirds_of_a_pixel_of_512():
    points = face(SIZE)
    drawn = draw_edges(points, PLAIN)
    for channel in (1, 7, 14):
        rows, columns = np.nonzero(drawn[..., channel] == 0)
        for y, x in ((0, 0), (64, 127), (100, 30)):
            distance = (abs(rows - y) + abs(columns - x)).min()
            expected = min(distance * (512 / SIZE) / 3, 255)
            assert drawn[y, x, channel] == pytest.approx(expected, abs=1)


def test_edges_of_the_scene_are_seen_outside_the_face_alone():
    points = face(SIZE)
    inside = polygon2mask((SIZE, SIZE), face_outline(points)[:, ::-1])
    assert inside[[int(y) for _, y in points[48:]], [int(x) for x, _ in points[48:]]].all()
    checks = np.indices((SIZE, SIZE)).sum(axis=0) // 8 % 2 * 200
    scene = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    plain, busy = (draw_edges(points, each) for each in (PLAIN, scene))
    np.testing.assert_array_equal(plain[..., 1:], busy[..., 1:])
    added = busy[..., 0] != plain[..., 0]
    assert not added[inside].any()
    assert added[~inside].mean() > 0.1


def test_the_outline_is_the_jaw_and_two_thirds_of_it_above():
    points = np.zeros((68, 2))
    points[:17] = [(x, 50 + 40 * np.sin(np.pi * i / 16)) for i, x in enumerate(range(20, 105, 5))]
    outline = face_outline(points)
    np.testing.assert_allclose(outline[:17], points[:17])
    np.testing.assert_allclose(outline[25], (60, 50 - 40 * 2 / 3))


def test_landmarks_outside_the_picture_leave_it_far_away():
    drawn = draw_edges(face(SIZE) + 1000, PLAIN)
    assert (drawn[..., 1:] == 255).all() and not drawn[..., 0].any()


def test_a_scene_is_seen_where_it_is_given_and_else_the_reference_face():
    options = TranslatorOptions((4, 4), attention="none", inputs="edges")
    net = build_translator(options).eval()
    with torch.no_grad():
        net.to_frame[1].weight *= 20
    draw = np.random.default_rng(0)
    points = np.stack([face(SIZE), face(SIZE) + 1])
    reference, *scene = draw.integers(0, 255, (3, SIZE, SIZE, 3), np.uint8)

    def expected(frames):
        inputs = [
            np.concatenate([draw_edges(p, frame), reference], axis=2)
            for p, frame in zip(points, frames, strict=True)
        ]
        made = net(torch.from_numpy(np.stack(inputs)).permute(0, 3, 1, 2).float() / 255)
        return made.mul(255).round().permute(0, 2, 3, 1).detach().numpy()

    for given, frames in ((scene, scene), (None, [reference] * 2)):
        made = np.stack(list(translate(net, points, reference, batch_size=1, scene=given)))
        np.testing.assert_allclose(made, expected(frames), atol=1)


def test_a_net_for_edges_has_their_channels():
    options = TranslatorOptions((4, 4), attention="none", inputs="edges")
    net = build_translator(options)
    assert DRAWING_CHANNELS["edges"] == 1 + len(CURVES)
    assert net(torch.zeros(1, 18, 8, 8)).shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"\[B, 18, S, S\]"):
        net(torch.zeros(1, 6, 8, 8))
    with pytest.raises(ValueError, match="drawing, areas, edges"):
        TranslatorOptions(inputs="lines")
