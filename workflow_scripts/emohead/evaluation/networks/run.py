"""The networks' metrics of a method's clips, of those networks whose weights are given."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torchmetrics.image.fid import FrechetInceptionDistance
from tqdm import tqdm

from emohead.evaluation.catalogue import ALL_CLIPS, FIRST_SCORED
from emohead.evaluation.long_table import Values
from emohead.evaluation.networks.fid import add_frames, fid, read_fid
from emohead.evaluation.networks.lpips import Lpips, lpips_distance, read_lpips
from emohead.evaluation.networks.sync import score_sync
from emohead.evaluation.networks.syncnet import SyncNet, read_syncnet
from emohead.features.store import StoredClip
from emohead.media.reading import SAMPLES_PER_FRAME, read_audio


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks whose weights are there, on the GPU where there is one."""

    lpips: Lpips | None
    fid: FrechetInceptionDistance | None
    syncnet: SyncNet | None

    @classmethod
    def read(cls, lpips: Path | None, fid: Path | None, syncnet: Path | None) -> Self:
        """Read the given files; ValueError, with the config key, for a missing or wrong one."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(
            lpips=None if lpips is None else read_lpips(lpips).to(device),
            fid=None if fid is None else read_fid(fid).to(device),
            syncnet=None if syncnet is None else read_syncnet(syncnet).to(device),
        )

    @property
    def none(self) -> bool:
        """True when there is nothing to compute."""
        return self.lpips is None and self.fid is None and self.syncnet is None


def evaluate_networks(
    ours: Mapping[str, StoredClip],
    truth: Mapping[str, StoredClip],
    videos: Path,
    networks: Networks,
) -> dict[str, Values]:
    """The values of each clip by (metric, convention), and FID's under the clip id `all`.

    `ours` are a method's rendered clips, `truth` at least those of the ground truth; `videos` holds
    `<clip_id>.mp4` with the clips' sound, for SyncNet. A rendered clip may be shorter than the true
    one: scored are the frames that both have, but for the first. What can't be computed is nan or
    left out. Raises ValueError when a video has no sound.
    """
    if networks.none:
        return {}
    values = {}
    # The same on every run, and in whole float32, on a GPU too.
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        for clip_id, clip in tqdm(ours.items(), desc="networks", unit="clip", mininterval=5):
            values[clip_id] = _score_clip(clip, truth[clip_id], videos, networks)
        if networks.fid is not None:
            values[ALL_CLIPS] = {("fid", "inception"): fid(networks.fid)}
    return values


def _score_clip(ours: StoredClip, truth: StoredClip, videos: Path, networks: Networks) -> Values:
    """The values of one clip; its frames are counted into FID, too."""
    scored = slice(FIRST_SCORED, ours.length)
    frames, true_frames = ours.frames()[scored], truth.frames()[scored]
    values = {}
    if not len(frames):
        return values
    if networks.lpips is not None:
        values["lpips", "alex"] = lpips_distance(networks.lpips, frames, true_frames)
    if networks.fid is not None:
        add_frames(networks.fid, frames, true_frames)
    if networks.syncnet is not None:
        samples = read_audio(videos / f"{ours.clip_id}.mp4")[FIRST_SCORED * SAMPLES_PER_FRAME :]
        sync = score_sync(networks.syncnet, frames, samples, truth.landmarks[scored])
        if sync is not None:
            values["sync_confidence", "syncnet"] = sync.confidence
            values["sync_distance", "syncnet"] = sync.distance
            values["sync_offset", "syncnet"] = sync.offset
    return values
