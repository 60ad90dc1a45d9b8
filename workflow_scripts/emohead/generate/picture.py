"""Picture files as they are meant to be seen: upright, opaque, eight bits, RGB."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from emohead.files import stand_in

_SRGB = ImageCms.createProfile("sRGB")
# An EPS file is a program: Pillow would let Ghostscript run it. The others in Pillow's order.
Image.preinit()
Image.init()
_FORMATS = [name for name in Image.ID if name != "EPS"]
# Pillow's readers are written in Python, and let out what it raises for bytes that make no sense.
_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, RuntimeError, TypeError, AttributeError,
    LookupError, ArithmeticError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
# What brings a picture upright, by the orientation that EXIF gives it.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_PNG = b"\x89PNG\r\n\x1a\n"
# Bytes: Pillow refuses a PNG whose profile, or texts, are longer than this, unpacked.
_LONGEST_PROFILE = 1 << 20


def read_picture(path: Path) -> np.ndarray:
    """A picture, uint8 [H, W, 3]; of an animated one the first frame.

    Turned as its EXIF data say, transparency on white, other colour spaces brought to sRGB (CMYK
    and wide gamuts by the file's own profile). Metadata that can't be read are left out. Raises
    ValueError when the file can't be read.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd EXIF data, and reads them all the same.
            warnings.simplefilter("ignore")
            with Image.open(_without_notes(path), formats=_FORMATS) as image:
                return np.array(_rgb(_upright(image)))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path}: the picture is too large, make it smaller") from error
    except _ERRORS as error:
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        elif isinstance(error, MemoryError):
            reason = "it takes more memory than there is"
        elif what := stand_in(path):
            reason = what
        elif isinstance(error, Image.UnidentifiedImageError):
            reason = "not a picture, or of a format that Pillow doesn't know"
        else:
            reason = "damaged"
        raise ValueError(f"{path}: can't be read as a picture ({reason})") from error


def _without_notes(path: Path) -> io.BytesIO | Path:
    """A PNG without its texts, and without a profile that is too long; other files as they are."""
    with open(path, "rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return path
        data = _PNG + file.read()
    kept, place = [_PNG], len(_PNG)
    while place < len(data):
        stop = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind, content = data[place + 4 : place + 8], data[place + 8 : stop - 4]
        long_profile = kind == b"iCCP" and _unpacks_to_more(content.partition(b"\0")[2][1:])
        if kind not in (b"tEXt", b"zTXt", b"iTXt") and not long_profile:
            kept.append(data[place:stop])
        place = stop
    return io.BytesIO(b"".join(kept))


def _unpacks_to_more(packed: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(packed, _LONGEST_PROFILE)) == _LONGEST_PROFILE
    except zlib.error:
        return True


def _upright(image: Image.Image) -> Image.Image:
    """As `ImageOps.exif_transpose`, which fails where another tag can't be written again."""
    image.load()
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _ERRORS:
        return image
    # A tag of another type may be a list, or a text.
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode in ("RGB", "CMYK") and "icc_profile" in image.info:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            return ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # The profile is broken: the colours are taken as they are.
    return image.convert("RGB")


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey of 16 or 32 bits, or floating point, as uint8: white is the least scale that holds it.

    Unsigned 16 bits always go up to 65,535.
    """
    scales = {"u": (65_535,), "i": (255, 65_535), "f": (1, 255, 65_535)}[grey.dtype.kind]
    grey = np.nan_to_num(grey.astype(np.float32))
    white = next((scale for scale in scales if grey.max() <= scale), grey.max())
    return np.round(np.clip(grey / white, 0, 1) * 255).astype(np.uint8)
