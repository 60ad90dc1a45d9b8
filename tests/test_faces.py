import cv2
import dlib
import numpy as np
import pytest
import skimage.data

from emohead.features.faces import (
    FaceDescriber,
    crop_frame,
    crop_region,
    crop_transform,
    cut_out,
    overlap,
    predictor_file,
    transform_points,
)
from emohead.features.points import lip_opening


@pytest.fixture(scope="module")
def portrait():
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def found(finder, portrait):
    (box,) = finder.boxes(portrait)
    return box, finder.landmarks(portrait, box)


def eye_centres(points):
    return points[36:42].mean(0), points[42:48].mean(0)


def test_finds_the_portrait(found):
    box, points = found
    left, right = eye_centres(points)
    # The pupils, by eye, in this picture of 512 px.
    assert np.linalg.norm(left - [203, 101]) < 3
    assert np.linalg.norm(right - [247, 103]) < 3
    assert box[0] < left[0] < right[0] < box[2]
    assert lip_opening(points) > 2  # she smiles with visible teeth


def test_landmarks_follow_a_larger_picture(finder, portrait, found):
    _, points = found
    large = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    box = finder.boxes(large)[0]
    eye_distance = np.linalg.norm(np.subtract(*eye_centres(points)))
    again = (finder.landmarks(large, box) + 0.5) / 2 - 0.5
    assert np.linalg.norm(again - points, axis=1).mean() < 0.05 * eye_distance


@pytest.mark.parametrize("grey", [False, True])
def test_a_descriptor_is_dlibs_own_to_the_byte(portrait, found, grey):
    image = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY) if grey else portrait
    file = predictor_file().with_name("dlib_face_recognition_resnet_model_v1.dat")
    network = dlib.face_recognition_model_v1(str(file))
    box, points = found
    # dlib describes the chip that the points alone decide: the rectangle doesn't matter.
    where = dlib.rectangle(*map(int, box))
    shape = dlib.full_object_detection(where, [dlib.point(*map(round, p)) for p in points.tolist()])
    three = np.stack([image] * 3, axis=-1) if grey else image
    expected = np.array(network.compute_face_descriptor(three, shape))
    assert FaceDescriber().describe(image, points).tobytes() == expected.tobytes()


def predictors_mean_face() -> np.ndarray:
    """The first thing in dlib's file: a version, the size, and the mean shape [68, 2]."""
    with predictor_file().open("rb") as file:

        def integer() -> int:
            """A byte of sign and length, then that many bytes, the lowest first."""
            (head,) = file.read(1)
            value = int.from_bytes(file.read(head & 15), "little")
            return -value if head & 128 else value

        assert [integer() for _ in range(3)] == [1, -136, -1]  # negative: the newer form
        numbers = [integer() * 2.0 ** integer() for _ in range(136)]
    return np.reshape(numbers, (68, 2))


def test_the_mean_face_of_the_predictor_lies_where_the_template_is():
    face = 1000 * predictors_mean_face()
    transform = crop_transform(face.astype(np.float32), 128)
    left, right = eye_centres(transform_points(face, transform))
    assert right - left == pytest.approx([0.283 * 128, 0], abs=0.01)
    assert (left + right) / 2 == pytest.approx([64, 0.387 * 128], abs=0.02)
    # The template is that face: it is brought there by no turning, and by the eyes' distance alone.
    scale = 0.283 * 128 / np.subtract(*eye_centres(face)[::-1])[0]
    np.testing.assert_allclose(transform[:, :2], scale * np.eye(2), rtol=2e-4, atol=5e-5)


@pytest.mark.parametrize("size", [128, 256])
def test_crop_is_aligned_and_its_points_are_where_the_transform_says(finder, portrait, size):
    tilted = cv2.warpAffine(
        portrait, cv2.getRotationMatrix2D((225, 130), 15, 1.0), (512, 512)
    )  # fmt: skip
    tilted_points = finder.landmarks(tilted, finder.boxes(tilted)[0])
    transform = crop_transform(tilted_points, size)
    cropped = transform_points(tilted_points, transform)
    left, right = eye_centres(cropped)
    assert abs(left[1] - right[1]) < 0.03 * size  # level again
    assert right[0] - left[0] == pytest.approx(0.30 * size, rel=0.1)
    assert (cropped > 0).all()
    assert (cropped < size).all()
    crop = crop_frame(tilted, transform, size)
    assert crop.shape == (size, size, 3)
    seen = finder.landmarks(crop, finder.boxes(crop)[0])
    assert np.linalg.norm(seen - cropped, axis=1).mean() < 0.02 * size


def test_a_shrinking_crop_keeps_positions_and_does_not_alias():
    image = np.zeros((600, 600, 3), np.uint8)
    image[240:360, 300:420] = 255
    transform = np.array([[0.2, 0, 0.3], [0, 0.2, -0.7]], np.float32)
    crop = crop_frame(image, transform, 128).astype(float)[..., 0]
    y, x = np.mgrid[:128, :128]
    centre = [(x * crop).sum() / crop.sum(), (y * crop).sum() / crop.sum()]
    expected = transform_points(np.array([359.5, 299.5]), transform)
    np.testing.assert_allclose(centre, expected, atol=0.05)
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    even = crop_frame(stripes, np.array([[0.25, 0, 0], [0, 0.25, 0]], np.float32), 128)
    assert even[8:-8, 8:-8].std() < 8


def test_box_near_finds_the_face_that_boxes_finds(finder, portrait, found):
    box, _ = found
    near = finder.box_near(portrait, box + np.array([8, -5, 8, -5]))
    assert overlap(near, box) > 0.8
    assert finder.box_near(portrait, box + 300) is None  # her suit
    assert finder.box_near(portrait, box - 1000) is None  # outside
    assert finder.box_near(portrait, 10 * box) is None  # of a video that was larger before


def test_boxes_are_sorted_by_size(finder, portrait):
    small = portrait[30:230, 125:325]
    both = np.hstack([small, cv2.resize(small, (300, 300))[:200]])
    areas = [np.prod(box[2:] - box[:2]) for box in finder.boxes(both)]
    assert len(areas) == 2
    assert areas[0] > 1.5 * areas[1]
    assert finder.boxes(np.full((300, 300), 128, np.uint8)).shape == (0, 4)


def test_cut_out_stays_inside_the_picture():
    image = np.arange(60 * 80).reshape(60, 80)
    cut, corner = cut_out(image, np.array([10.0, 20, 20, 30]), 0.5)
    np.testing.assert_array_equal(cut, image[15:35, 5:25])
    assert corner.tolist() == [5, 15]
    cut, corner = cut_out(image, np.array([-10.0, 50, 10, 70]), 0.5)
    np.testing.assert_array_equal(cut, image[40:, :20])
    assert corner.tolist() == [0, 40]
    for beyond in (-500, 500):
        assert cut_out(image, np.array([0.0, 0, 9, 9]) + beyond)[0].size == 1


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (256, 256), (401, 303)])
def test_crop_region_holds_all_that_the_crop_shows(width, height):
    generator = np.random.default_rng(0)
    for _ in range(100):
        angle, scale = generator.uniform(-0.4, 0.4), generator.uniform(0.2, 2)
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = generator.uniform((0, 0), (width, height))
        transform = np.column_stack([linear, 64 - linear @ centre]).astype(np.float32)
        x0, y0, x1, y1 = crop_region(transform, 128, width, height)
        assert x0 % 2 == y0 % 2 == 0
        assert x1 % 2 == 0 or x1 == width
        assert y1 % 2 == 0 or y1 == height
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        # What the crop shows of the picture, with the cubic filter's two pixels, lies in it.
        corners = np.array([(x, y) for x in (-0.5, 127.5) for y in (-0.5, 127.5)])
        shown = (corners - transform[:, 2]) @ np.linalg.inv(linear).T
        low = np.clip(shown.min(0) - 2, 0, (width - 1, height - 1))
        high = np.clip(shown.max(0) + 2, 0, (width - 1, height - 1))
        assert (np.floor(low) >= (x0, y0)).all()
        assert (np.ceil(high) <= (x1 - 1, y1 - 1)).all()
