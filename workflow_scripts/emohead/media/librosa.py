"""librosa, imported by one process at a time.

Its first import compiles functions and keeps them in files, two for each function. Of processes
that compile at once, numba may keep one file of each, and whoever calls that function dies of a
segmentation fault, then and ever after (numba's issue 10128).
"""

import os
from pathlib import Path
from tempfile import gettempdir

import librosa

from emohead.locks import locked

# Beside the package, where numba keeps its files; if nobody may write there, it keeps them by user.
_PACKAGE = Path(librosa.__file__).parent
_OF_USER = Path(gettempdir()) / f"emohead-librosa-{getattr(os, 'getuid', int)()}.lock"
LOCK = _PACKAGE / "emohead.lock" if os.access(_PACKAGE, os.W_OK) else _OF_USER

with locked(LOCK):
    # Of the modules that we use, this one compiles, with those that it imports.
    import librosa.core.pitch

__all__ = ["LOCK", "librosa"]
