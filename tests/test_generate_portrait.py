from functools import partial
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
import skimage.data
from media_factory import clicks, make_clip, regular_times
from PIL import Image, ImageCms, features

from emohead.data.mead import Clip
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.features.faces import transform_points
from emohead.features.store import Shard, ShardWriter
from emohead.generate.picture import read_picture
from emohead.generate.portrait import read_portrait


@pytest.fixture(scope="module")
def read(finder):
    return partial(read_portrait, finder=finder)


@pytest.fixture(scope="module")
def astronaut():
    """512 x 512; the face is about 110 px wide."""
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def hopper():
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def plain(read, astronaut, tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "a.png"
    Image.fromarray(astronaut).save(path)
    return read(path, 128)


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def difference(one, other):
    return np.abs(one.astype(float) - other).mean()


# The face, as in training


@pytest.mark.parametrize("crop_size", [128, 256])
@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_the_face_is_cropped_as_in_training(tmp_path, read, finder, request, name, crop_size):
    # Grey and lossless: the predictor's points jump by half a pixel for one level of noise.
    grey = cv2.cvtColor(request.getfixturevalue(name), cv2.COLOR_RGB2GRAY)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    clip = make_clip(
        tmp_path / "a.mkv", times=regular_times(25, 0.4), picture=lambda time: image,
        codec="ffv1", pixel_format="gray", sound=clicks([0.2], 0.4),
    )  # fmt: skip
    with ShardWriter(tmp_path / "a.h5", codec="png") as writer:
        options = FeatureOptions(crop_size=crop_size)
        extract_clip(Clip("W901", "front", "sad", 3, 1, clip, clip), finder, options, writer)
    stored = Shard(tmp_path / "a.h5")["W901-front-sad-3-001"]
    portrait = read(saved(tmp_path / "a.png", image), crop_size)

    assert portrait.faces == 1
    np.testing.assert_allclose(portrait.transform, stored.transform, atol=1e-4)
    np.testing.assert_allclose(portrait.landmarks, stored.landmarks[0], atol=1e-3)
    assert difference(portrait.crop, stored.frames()[0]) < 3


def test_transform_leads_from_the_picture_to_the_crop(plain, astronaut):
    np.testing.assert_array_equal(plain.picture, astronaut)
    again = cv2.warpAffine(plain.picture, plain.transform, (128, 128), flags=cv2.INTER_AREA)
    assert difference(plain.crop, again) < 5
    eyes = plain.landmarks[36:42].mean(axis=0), plain.landmarks[42:48].mean(axis=0)
    np.testing.assert_allclose(eyes, [[128 * 0.35, 128 * 0.38], [128 * 0.65, 128 * 0.38]], atol=2.5)


def test_a_large_picture_is_cut_from_and_made_small(tmp_path, read, astronaut, plain):
    large = cv2.resize(astronaut, (4000, 4000), interpolation=cv2.INTER_CUBIC)
    portrait = read(saved(tmp_path / "a.jpg", large), 128)
    assert portrait.picture.shape == (1444, 1444, 3)
    assert difference(portrait.crop, plain.crop) < 4
    np.testing.assert_allclose(portrait.landmarks, plain.landmarks, atol=3)
    middle = np.array([[720.0, 720.0]])
    np.testing.assert_allclose(
        transform_points(middle, portrait.transform),
        transform_points((middle + 0.5) * 512 / 1444 - 0.5, plain.transform),
        atol=3,
    )


def test_a_face_far_away_is_found(tmp_path, read, astronaut, plain):
    wide = np.full((1500, 2400, 3), 120, np.uint8)
    wide[300:812, 900:1412] = astronaut
    portrait = read(saved(tmp_path / "a.png", wide), 128)
    assert difference(portrait.crop, plain.crop) < 12
    assert portrait.faces == 1


def test_the_largest_face_is_taken_and_all_are_counted(tmp_path, read, astronaut, plain):
    head = astronaut[:256, 96:352]
    both = np.full((256, 480, 3), 120, np.uint8)
    both[:200, :200] = cv2.resize(head, (200, 200), interpolation=cv2.INTER_AREA)
    both[:, 224:] = head
    portrait = read(saved(tmp_path / "a.png", both), 128)
    assert portrait.faces == 2
    assert difference(portrait.crop, plain.crop) < 12


@pytest.mark.parametrize("part", [np.s_[85:], np.s_[:, 205:], np.s_[60:, :250]])
def test_a_face_cut_by_the_border_goes_on_beyond_it(tmp_path, read, astronaut, part):
    cut = astronaut[part]
    portrait = read(saved(tmp_path / "a.png", cut), 128)
    if part == np.s_[85:]:
        # Every row above the picture is its first one, slightly turned.
        rows = int(transform_points(np.zeros(2), portrait.transform)[1]) - 2
        assert difference(portrait.crop[:rows], portrait.crop[0]) < 12
    eyes = np.linalg.norm(
        portrait.landmarks[42:48].mean(axis=0) - portrait.landmarks[36:42].mean(axis=0)
    )
    assert eyes == pytest.approx(0.3 * 128, rel=0.1)


# Any picture file


def with_alpha(image):
    alpha = np.full(image.shape[:2], 255, np.uint8)
    alpha[:, :50] = 0
    return Image.fromarray(np.dstack([image, alpha]))


def sixteen_bits(image):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return Image.fromarray(grey.astype(np.uint16) * 257)


def floating(image):
    return Image.fromarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255)


PICTURES = {
    "rgba": ("a.png", with_alpha, {}),
    "grey": ("a.png", lambda image: Image.fromarray(image).convert("L"), {}),
    "grey alpha": ("a.png", lambda image: with_alpha(image).convert("LA"), {}),
    "palette": ("a.png", lambda image: Image.fromarray(image).quantize(256), {}),
    "cmyk": ("a.jpg", lambda image: Image.fromarray(image).convert("CMYK"), {"quality": 95}),
    "16 bits": ("a.png", sixteen_bits, {}),
    "16 bits tiff": ("a.tiff", sixteen_bits, {}),
    "floating": ("a.tiff", floating, {}),
    "bmp": ("a.bmp", Image.fromarray, {}),
    "webp": ("a.webp", Image.fromarray, {"quality": 95}),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_any_kind_of_picture(tmp_path, read, astronaut, plain, kind):
    name, make, options = PICTURES[kind]
    portrait = read(saved(tmp_path / name, make(astronaut), **options), 128)
    colourless = kind.startswith(("grey", "16", "float"))
    expected = (
        cv2.cvtColor(cv2.cvtColor(plain.crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if colourless
        else plain.crop
    )
    assert difference(portrait.crop, expected) < 5
    assert portrait.crop.dtype == np.uint8


def test_transparent_is_white(tmp_path, astronaut):
    picture = read_picture(saved(tmp_path / "a.png", with_alpha(astronaut)))
    assert (picture[:, :50] == 255).all()
    np.testing.assert_array_equal(picture[:, 50:], astronaut[:, 50:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_camera_says(tmp_path, orientation):
    upright = np.zeros((60, 40, 3), np.uint8)
    upright[:20, :10] = 255  # in the upper left corner
    upright[-10:, -10:] = (255, 0, 0)
    # EXIF 2.3, tag 274: where row 0 and column 0 of the file are on the picture that is meant.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    path = saved(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(read_picture(path), upright)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_is_its_first_frame(tmp_path, name):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_allclose(read_picture(tmp_path / name)[5, 5], [255, 0, 0], atol=3)


def test_colours_are_those_of_the_profile(tmp_path):
    colour = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    broken = srgb[:200]
    for profile, expected in [
        (srgb, (200, 100, 50)), (swapped, (100, 200, 50)), (broken, (200, 100, 50)),
    ]:  # fmt: skip
        picture = read_picture(saved(tmp_path / "a.png", colour, icc_profile=profile))
        np.testing.assert_allclose(picture[4, 4], expected, atol=2)


# What can't be used


def no_face(path):
    return saved(path, skimage.data.chelsea())


def empty(path):
    path.touch()
    return path


def text(path):
    path.write_text("This is a portrait.\n")
    return path


def truncated(path):
    saved(path, skimage.data.astronaut())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def broken_avif(path):
    """Whose decoder has errors of its own."""
    saved(path, skimage.data.astronaut(), format="AVIF")
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(2000) + content[start + 2000 :])
    return path


def far_away(path):
    return saved(path, cv2.resize(skimage.data.astronaut(), (240, 240)))


def strip(path):
    """Four pixels wide: enlarged as a small picture is, it would have 27 million."""
    return saved(path, np.zeros((3000, 4, 3), np.uint8))


def missing(path):
    return path


def folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (no_face, "no face is seen"),
        (empty, r"can't be read as a picture \(empty\)"),
        (text, r"can't be read as a picture \(not a picture"),
        (truncated, r"can't be read as a picture \(damaged\)"),
        pytest.param(
            broken_avif,
            r"can't be read as a picture \(damaged\)",
            marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF"),
        ),
        (far_away, r"the face is 4\d pixels wide, 67 or more are needed"),
        (strip, "4 x 3000 pixels are a strip"),
        (missing, r"\(No such file or directory\)"),
        (folder, r"\(Is a directory\)"),
    ],
)
def test_pictures_that_cannot_be_used_say_why_in_one_line(tmp_path, read, make, reason):
    with pytest.raises(ValueError, match=rf"a\.png: .*{reason}") as caught:
        read(make(tmp_path / "a.png"), 256)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_a_large_picture_is_read_without_a_warning(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", np.zeros((20, 20, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # Pillow refuses the double of it.
    assert read_picture(path).shape == (20, 20, 3)


def test_a_picture_that_is_a_program_is_not_run(tmp_path):
    """Pillow would give an EPS file to Ghostscript."""
    path = saved(tmp_path / "a.eps", skimage.data.astronaut()).rename(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"\(not a picture"):
        read_picture(path)


def test_a_picture_beyond_all_sense_is_refused(tmp_path, monkeypatch, read):
    path = saved(tmp_path / "a.png", np.zeros((20, 20, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="too large"):
        read(path, 128)
