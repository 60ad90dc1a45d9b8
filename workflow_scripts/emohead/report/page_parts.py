"""What pages are made of: templates, pictures as `data:` URIs, media that a script decodes."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

PHOTO_QUALITY, LOSSLESS = 90, 101  # of WebP; above 100 it is lossless
LONGEST_WEBP = 16383  # pixels, the format's limit


def render_template(name: str, *, room: str = "emohead.report", **values: Any) -> str:
    """Fill `templates/<name>` of a room; every value is escaped unless it is Markup.

    Templates can import those of the report.
    """
    loaders = [PackageLoader(each) for each in dict.fromkeys((room, "emohead.report"))]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["zip"] = zip
    return environment.get_template(name).render(**values)


@dataclass(frozen=True)
class Picture:
    """A picture as a `data:` URI, and its size in pixels, so that a page keeps its place free."""

    source: str
    width: int
    height: int


def data_uri(data: bytes, kind: str = "png") -> str:
    """A picture's bytes as a `data:` URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def embed_figure(path: Path, *, photos: bool) -> Picture:
    """A .png figure as WebP, a fraction of its size.

    Drawings stay as they are; `photos` lose a little. ValueError when it can't be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"the page needs the picture {path}, which is not there or can't be read")
    height, width, _ = image.shape
    if max(width, height) > LONGEST_WEBP:
        return Picture(data_uri(path.read_bytes()), width, height)
    quality = PHOTO_QUALITY if photos else LOSSLESS
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return Picture(data_uri(data.tobytes(), "webp"), width, height)


class Media:
    """The page's videos and landmark tracks, base64 by id; equal bytes are held once."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, data: bytes) -> str:
        """Take `data` in and return its id."""
        media_id = f"media-{hashlib.sha256(data).hexdigest()[:16]}"
        self.texts[media_id] = base64.b64encode(data).decode()
        return media_id
