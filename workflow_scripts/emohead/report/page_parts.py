"""What pages are made of: templates, and pictures as `data:` URIs."""

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

PHOTO_QUALITY, LOSSLESS = 90, 101  # of WebP; above 100 it is lossless
LONGEST_WEBP = 16383  # pixels, the format's limit


def render_template(name: str, *, room: str = "emohead.report", **values: Any) -> str:
    """Fill `templates/<name>` of a room; every value is escaped, unless it is Markup.

    Templates also know `embed_figure` and `data_uri`.
    """
    environment = Environment(
        loader=PackageLoader(room),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"embed_figure": embed_figure, "data_uri": data_uri}
    return environment.get_template(name).render(**values)


@dataclass(frozen=True)
class Picture:
    """A picture as a `data:` URI, and its size in pixels, so that a page keeps its place free."""

    source: str
    width: int
    height: int


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """A file's bytes as a `data:` URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def embed_figure(png: bytes, *, photos: bool = False) -> Picture:
    """A .png figure as WebP, a fraction of its size; `photos` lose a little."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    height, width, _ = image.shape
    if max(width, height) > LONGEST_WEBP:
        return Picture(data_uri(png), width, height)
    quality = PHOTO_QUALITY if photos else LOSSLESS
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return Picture(data_uri(data.tobytes(), "image/webp"), width, height)
