"""Pictures of a video as they are meant to be seen: upright, square pixels, ordinary colours."""

from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np

from emohead.media.streams import MediaError

# ITU-T H.273: transfer functions of HDR (PQ, HLG), and primaries beyond those of HDTV.
_HDR_TRANSFERS = (16, 18)
_WIDE_PRIMARIES = (9, 11, 12)
_UNSPECIFIED = 2
#: The defaults of cameras and players; FFmpeg maps the tones.
_TO_HDTV = "out_primaries=bt709:out_transfer=bt709:out_color_matrix=bt709:out_range=tv"
#: A pixel that is so many times as wide as high, or the other way round, is a damaged header.
_LONGEST_PIXEL = 4


class Normaliser:
    """Brings every frame of one video to upright pictures of square pixels in ordinary colours.

    Frames that need none of this, as most do, pass unchanged. HDR (HLG, PQ) and wide colours are
    mapped to BT.709, which takes four seconds for the first frame and 3 ms for each of a small
    picture after it.
    """

    def __init__(self, path: Path, stream: av.VideoStream):
        self._path, self._stream = path, stream
        self._size: tuple[int, int] | None = None
        self._look: tuple[str, int, int] | None = None
        self._graph: av.filter.Graph | None = None
        self._rotation: int | None = None
        self._matrix: np.ndarray | None = None

    def of(self, frame: av.VideoFrame, time: float) -> av.VideoFrame:
        """The frame that is shown at `time` (seconds); MediaError where its size changes."""
        size = frame.width, frame.height
        if self._size not in (None, size):
            before, now = ("{}x{}".format(*each) for each in (self._size, size))
            raise MediaError(f"{self._path}: its picture changes from {before} to {now} at "
                             f"{time:.1f} s: cut it there")  # fmt: skip
        self._size = size
        # Not from every frame: a frame whose side data was read waits for the garbage collector,
        # and hundreds of them fill a gigabyte.
        if frame.rotation != self._rotation:
            self._rotation, matrix = frame.rotation, frame.side_data.get("DISPLAYMATRIX")
            self._matrix = None if matrix is None else np.frombuffer(bytes(matrix), np.int32)
        look = frame.format.name, int(frame.color_trc), int(frame.color_primaries)
        if look != self._look:
            self._look, self._graph = look, self._make_graph(frame)
        if self._graph is not None:
            # The filters want growing time stamps.
            frame.pts = None
            self._graph.push(frame)
            frame = self._graph.pull()
        return _upright(frame, self._matrix)

    def _make_graph(self, frame: av.VideoFrame) -> av.filter.Graph | None:
        """The filters that stretch pixels and map colours; None where nothing needs it."""
        filters = []
        size = self._square_size(frame)
        if size != (frame.width, frame.height):
            filters += [("scale", "{}:{}:flags=bicubic".format(*size)), ("setsar", "1")]
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        if self._stream.codec_context.codec_tag in ("dvh1", "dvhe") and transfer == _UNSPECIFIED:
            raise MediaError(
                f"{self._path}: its colours are Dolby Vision's alone, which FFmpeg can't show: "
                "export it as SDR or HLG"
            )
        if transfer in _HDR_TRANSFERS or primaries in _WIDE_PRIMARIES:
            filters += [("scale", _TO_HDTV), ("format", "yuv420p")]
        if not filters:
            return None
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format,
                time_base=Fraction(1, 25),
            ),
            *(graph.add(name, arguments) for name, arguments in filters),
            graph.add("buffersink"),
        ).configure()  # fmt: skip
        return graph

    def _square_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height with square pixels; the longer side of a pixel is what counts."""
        aspect = self._stream.sample_aspect_ratio
        if not aspect:
            return frame.width, frame.height
        if not 1 / _LONGEST_PIXEL <= aspect <= _LONGEST_PIXEL:
            raise MediaError(
                f"{self._path}: its pixels are {float(aspect):.3g} times as wide as high"
            )
        if aspect > 1:
            return _even(frame.width * aspect, frame.width), frame.height
        return frame.width, _even(frame.height / aspect, frame.height)


def _even(length: Fraction, before: int) -> int:
    """A length in whole pairs of pixels; `before` where it is hardly another one."""
    return before if abs(length - before) < 2 else 2 * round(length / 2)


def _upright(frame: av.VideoFrame, matrix: np.ndarray | None) -> av.VideoFrame:
    """The frame turned and mirrored as its file's display matrix, int32 [9], asks for."""
    if matrix is None:
        return frame
    # ISO/IEC 14496-12, 8.3.2: a pixel is shown at x' = a x + c y, y' = b x + d y.
    a, b, _, c, d = matrix[:5]
    swapped = abs(b) > abs(a)
    mirror_x, mirror_y = (c < 0, b < 0) if swapped else (a < 0, d < 0)
    if not (swapped or mirror_x or mirror_y):
        return frame
    image = frame.to_ndarray(format="rgb24")
    if swapped:
        image = image.transpose(1, 0, 2)
    image = image[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
