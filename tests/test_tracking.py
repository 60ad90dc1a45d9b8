import weakref

import cv2
import numpy as np
import pytest
from media_factory import astronaut, hopper

from emohead.features.faces import NoFaceError, overlap
from emohead.features.tracking import SeveralFacesError, choose_face, follow_face

FACE_SIZE = 40
NOTHING = np.zeros((120, 300), np.uint8)


class RectangleFinder:
    """Stands in for FaceFinder: faces are bright rectangles, found to the pixel."""

    searches = 0

    def boxes(self, image):
        self.searches += 1
        _, _, stats, _ = cv2.connectedComponentsWithStats((image > 100).astype(np.uint8))
        faces = sorted(stats[1:].tolist(), key=lambda stat: -stat[cv2.CC_STAT_AREA])
        return np.array([(x, y, x + w, y + h) for x, y, w, h, _ in faces], float).reshape(-1, 4)

    def box_near(self, image, box):
        margin = 0.3 * (box[2:] - box[:2])
        inside = [
            seen
            for seen in self.boxes(image)
            if (seen[:2] >= box[:2] - margin).all() and (seen[2:] <= box[2:] + margin).all()
        ]
        return max(inside, key=lambda seen: overlap(seen, box), default=None)

    def landmarks(self, image, box):
        return np.linspace(box[:2], box[2:], 68).astype(np.float32)


def draw(*faces, size=FACE_SIZE):
    """A picture with a face at each (x, y) or (x, y, size)."""
    image = NOTHING.copy()
    for x, y, *own in faces:
        side = own[0] if own else size
        image[y : y + side, x : x + side] = np.linspace(120, 250, side)[:, None]
    return image


def follow(images, finder=None, **options):
    options = {"every": 5} | options
    return list(follow_face(images, lambda image: image, finder or RectangleFinder(), **options))


def left_edges(seen):
    return np.array([each.landmarks[0, 0] for each in seen])


# Of 23 frames, those without a face: at the start, in the middle (on, beside and between the
# frames in which every fifth looks), at the end.
MISSING = {
    "start": [0, 1, 2], "start, up to a detection": [0, 1], "one detection": [10],
    "about a detection": [9, 10, 11], "between detections": [11, 12, 13], "two runs": [6, 7, 13],
    "end": [20, 21, 22], "last": [22], "end between": [21, 22],
}  # fmt: skip


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("missing", MISSING.values(), ids=MISSING)
def test_gaps_are_bridged_up_to_max_gap_and_no_further(missing, every):
    images = [NOTHING.copy() if t in missing else draw((10 + 2 * t, 30)) for t in range(23)]
    longest = 2 if missing == [6, 7, 13] else len(missing)
    seen = follow(images, every=every, max_gap=longest)
    assert [t for t, each in enumerate(seen) if not each.found] == missing
    # A steady motion goes on through gaps; before the first and after the last box it stands.
    there = [t for t in range(23) if t not in missing]
    expected = 10 + 2 * np.clip(np.arange(23), there[0], there[-1])
    np.testing.assert_allclose(left_edges(seen), expected, atol=1e-4)
    with pytest.raises(NoFaceError, match=f"{longest} frames in a row, more than {longest - 1}"):
        follow(images, every=every, max_gap=longest - 1)


@pytest.mark.parametrize("every", [1, 5])
def test_a_video_without_a_face_is_refused(every):
    with pytest.raises(NoFaceError, match="no face in any of 7 frames"):
        follow([NOTHING] * 7, every=every)


@pytest.mark.parametrize("every", [1, 5])
def test_one_wrong_box_is_calmed_away(every):
    images = [draw((100, 30)) for _ in range(21)]
    images[10] = draw((108, 30))
    np.testing.assert_allclose(left_edges(follow(images, every=every)), 100, atol=1e-4)


def test_every_fifth_frame_is_searched_and_the_last():
    finder = RectangleFinder()
    follow([draw((10 + t, 30)) for t in range(23)], finder, max_gap=5)
    assert finder.searches == 6  # frames 0, 5, 10, 15, 20, 22


def test_a_repeated_frame_has_equal_landmarks():
    images = [draw((10 + 4 * t, 30)) for t in range(12)]
    twice = [image for image in images for _ in range(2)]
    edges = left_edges(follow(twice))
    np.testing.assert_array_equal(edges[::2], edges[1::2])
    assert (np.diff(edges[::2]) > 0).all()


def test_a_long_stream_holds_few_frames():
    class Frame:
        def __init__(self, image):
            self.image = image

    alive = weakref.WeakSet()

    def stream():
        for t in range(3000):
            gap = t % 100 in (50, 51, 52)
            frame = Frame(NOTHING.copy() if gap else draw((abs(t % 180 - 90), 30)))
            alive.add(frame)
            yield frame

    most = count = 0
    seen = follow_face(
        stream(), lambda frame: frame.image, RectangleFinder(), every=5, max_gap=5, alone=False
    )
    for _ in seen:
        most, count = max(most, len(alive)), count + 1
    assert count == 3000
    assert most <= 20


# --- several faces ---


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        # (x, size, first frame, last frame)
        ((20, 40, 0, 50), (150, 80, 20, 29), "first"),  # a larger one that shows for a short time
        ((20, 40, 0, 50), (150, 80, 0, 50), "second"),  # a small one that stays as long
        ((20, 40, 0, 50), (150, 44, 0, 25), "first"),  # nearly equal: the one that stays
    ],
)
def test_the_largest_and_most_persistent_face_is_chosen_and_kept(first, second, winner):
    def shown(face, t):
        x, size, start, end = face
        return [(x + t // 5, 10, size)] if start <= t < end else []

    images = [draw(*shown(first, t), *shown(second, t)) for t in range(50)]
    chosen = choose_face(images, lambda image: image, RectangleFinder(), every=5)
    assert chosen.faces == 2
    edges = left_edges(follow(images, max_gap=5, chosen=chosen))
    expected = {"first": first, "second": second}[winner][0] + np.arange(50) / 5
    assert np.abs(edges - expected).max() < 2


def test_the_chosen_face_stays_when_another_passes_close_and_is_larger():
    # It stands; a larger one comes from the right until it nearly touches, and goes again.
    def other(t):
        return 62 + 3 * abs(t - 25)

    images = [draw((20, 40, 40), (other(t), 20, 70)) for t in range(50)]
    stands = choose_face([draw((20, 40, 40))] * 50, lambda image: image, RectangleFinder(), every=5)
    edges = left_edges(follow(images, max_gap=0, chosen=stands))
    np.testing.assert_allclose(edges, 20, atol=1e-4)


def test_a_face_that_leaves_is_not_exchanged_for_another_elsewhere():
    images = [draw((20, 40), (180, 40)) if t < 12 else draw((180, 40)) for t in range(40)]
    leaves = choose_face([draw((20, 40))] * 5, lambda image: image, RectangleFinder(), every=5)
    with pytest.raises(NoFaceError, match="6 frames in a row, more than 5"):
        follow(images, max_gap=5, chosen=leaves)


@pytest.mark.parametrize("comes", [0, 11])
def test_several_faces_are_told_when_one_is_expected(comes):
    # The second face is noticed at once, or at the latest when the first has left.
    images = [
        draw(*[(20, 40)] * (t < 12), *[(180, 40)] * (t >= comes)) for t in range(40)
    ]  # fmt: skip
    with pytest.raises(SeveralFacesError):
        follow(images, max_gap=5, alone=True)
    late = [draw((20 + t % 3, 40), *[(180, 40)] * (t >= 60)) for t in range(120)]
    with pytest.raises(SeveralFacesError):
        follow(late, max_gap=5, alone=True)


def test_choosing_wants_a_face():
    with pytest.raises(NoFaceError, match="no face in any frame"):
        choose_face([NOTHING] * 7, lambda image: image, RectangleFinder(), every=5)


# --- dlib on real faces ---


def eye_distance(points):
    return np.linalg.norm(points[..., 42:48, :].mean(-2) - points[..., 36:42, :].mean(-2), axis=-1)


def grey_of(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("every", [1, 5])
def test_a_still_picture_has_constant_landmarks(finder, every):
    seen = list(
        follow_face(
            [astronaut().copy() for _ in range(8)], grey_of, finder, every=every, alone=True
        )
    )
    landmarks = np.stack([each.landmarks for each in seen])
    assert landmarks.shape == (8, 68, 2)
    np.testing.assert_array_equal(landmarks, np.broadcast_to(landmarks[0], landmarks.shape))


@pytest.mark.parametrize("every", [1, 5])
def test_a_moving_and_nodding_face_is_followed(finder, every):
    images = []
    for t in range(31):
        turn = cv2.getRotationMatrix2D((129, 110), 4 * np.sin(t / 5), 1 + 0.005 * t)
        turn[:, 2] += (3.5 * t - 50, 8 * np.sin(t / 2.5) + 10)  # the nod: up to 3 px a frame
        images.append(
            cv2.warpAffine(astronaut(), turn, (360, 300), borderMode=cv2.BORDER_REPLICATE)
        )
    seen = list(follow_face(images, grey_of, finder, every=every, max_gap=0))
    followed = np.stack([each.landmarks for each in seen])
    greys = [grey_of(image) for image in images]
    each_frame = np.stack([finder.landmarks(grey, finder.boxes(grey)[0]) for grey in greys])
    apart = np.linalg.norm(followed - each_frame, axis=-1).mean() / eye_distance(each_frame).mean()
    assert apart < 0.02


def test_two_people_are_told_apart(finder):
    small = cv2.copyMakeBorder(
        cv2.resize(hopper(), (200, 200), interpolation=cv2.INTER_AREA), 56, 0, 0, 0,
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    images = [np.hstack([np.roll(astronaut(), t, axis=1), small]) for t in range(12)]
    with pytest.raises(SeveralFacesError):
        list(follow_face(images, grey_of, finder, every=5, alone=True))
    chosen = choose_face(images, grey_of, finder, every=5)
    assert chosen.faces == 2
    seen = list(follow_face(images, grey_of, finder, every=5, max_gap=0, chosen=chosen))
    assert all(each.landmarks[:, 0].max() < 256 for each in seen)  # she is on the left


def test_frames_without_a_face_are_marked(finder):
    nothing = np.full_like(astronaut(), 128)
    images = [astronaut(), astronaut(), nothing, astronaut().copy()]
    seen = list(follow_face(images, grey_of, finder, every=1))
    assert [each.found for each in seen] == [True, True, False, True]
    shift = np.linalg.norm(seen[2].landmarks - seen[0].landmarks, axis=-1).mean()
    assert shift < eye_distance(seen[0].landmarks)  # in the same place
