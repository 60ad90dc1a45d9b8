"""Picture files as they are meant to be seen: upright, opaque, eight bits, RGB."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

_SRGB = ImageCms.createProfile("sRGB")
# An EPS file is a program: Pillow would let Ghostscript run it. The others in Pillow's order.
Image.preinit()
Image.init()
_FORMATS = [name for name in Image.ID if name != "EPS"]


def read_picture(path: Path) -> np.ndarray:
    """A picture, uint8 [H, W, 3]; of an animated one the first frame.

    Turned as its EXIF data say, transparency on white, other colour spaces brought to sRGB (CMYK
    and wide gamuts by the file's own profile). Raises ValueError when the file can't be read.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            # Of pictures that are large, or have odd EXIF data, and can be read all the same.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_FORMATS) as image:
                return np.array(_rgb(ImageOps.exif_transpose(image)))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path}: the picture is too large, make it smaller") from error
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
        reason = "not a picture, or of a format that Pillow doesn't know"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        elif path.stat().st_size == 0:
            reason = "empty"
        elif not isinstance(error, Image.UnidentifiedImageError):
            reason = "damaged"
        raise ValueError(f"{path}: can't be read as a picture ({reason})") from error


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
