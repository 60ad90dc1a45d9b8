"""How test clips are rendered: the config's `rendering` keys."""

from dataclasses import dataclass
from typing import Literal

from emohead.options import Count, Options


@dataclass(frozen=True)
class RenderingOptions(Options):
    """Device and precision of a rendering."""

    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """cpu, cuda or auto."""
    precision: Literal["auto", "32-true", "bf16-true"] = "32-true"
    """auto: bf16 where the device does it fast; or 32-true, or bf16-true."""
    batch_size: Count | Literal["auto"] = "auto"
    """Frames at once; auto: 4 of 256 pixels on a CPU, 64 on a GPU."""
