"""Reads the sound of stored clips: MFCC out of feature shards, Audio2Head's numbers beside them.

`results/sound/<name>.h5` goes with `results/features/<name>.h5` and has of each of its clips
`/<clip_id>` float32 [T, 4, 41]: what `emohead.motion.sound` makes of it.
"""

from pathlib import Path

import numpy as np

from emohead.features.store import StoredClip, open_hdf5
from emohead.motion.audio_options import MotionAudioOptions


def heard_of(clip: StoredClip, options: MotionAudioOptions) -> np.ndarray:
    """A clip's sound as networks with these options hear it, float32 [T, 28, 12] or [T, 4, 41].

    Raises ValueError where rule extract_sound hasn't made the latter.
    """
    if options.sound == "mfcc":
        return clip.mfcc
    features = Path(clip.group.file.filename)
    path = features.parent.parent / "sound" / features.name
    if not path.exists():
        raise ValueError(f"{path} is missing: rule extract_sound makes it")
    with open_hdf5(path) as file:
        return file[clip.clip_id][clip.span.start : clip.span.stop]
