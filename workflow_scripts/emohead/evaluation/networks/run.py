"""The networks' metrics of a method's clips, of those networks whose weights are given."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from torchmetrics.image.fid import FrechetInceptionDistance
from tqdm import tqdm

from emohead.data.mead import Clip
from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.networks.fid import FeatureSums, inception_features, read_fid
from emohead.evaluation.networks.lpips import Lpips, lpips_distance, read_lpips
from emohead.evaluation.networks.sync import score_sync
from emohead.evaluation.networks.syncnet import SyncNet, read_syncnet
from emohead.evaluation.scores import Values, values_from_json, values_to_json
from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.media.reading import SAMPLES_PER_FRAME, clip_audio
from emohead.methods.device import RenderingDevice
from emohead.methods.rendered import RenderedClip, sound_of
from emohead.resume import timed


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks whose weights are there."""

    lpips: Lpips | None
    fid: FrechetInceptionDistance | None
    syncnet: SyncNet | None

    @classmethod
    def read(
        cls, lpips: Path | None, fid: Path | None, syncnet: Path | None, device: RenderingDevice
    ) -> Self:
        """Read the given files; ValueError, with the config key, for a missing or wrong one."""
        return cls(
            lpips=None if lpips is None else read_lpips(lpips).to(device.device),
            fid=None if fid is None else read_fid(fid).to(device.device),
            syncnet=None if syncnet is None else read_syncnet(syncnet).to(device.device),
        )


def score_networks(
    rendered: Mapping[str, RenderedClip],
    truth: Mapping[str, StoredClip],
    networks: Networks,
    *,
    takes: Mapping[str, Clip],
    state: Path,
    sums: Path | None,
) -> dict[str, Values]:
    """Score a method's clips, which need not be all test clips of `truth`.

    `sums` is a file for what FID must know of all these frames, needed when its network is there.

    `takes` name the files of the clips' sound, for SyncNet. A rendered clip may be shorter than the
    true one: the frames that both have are scored, but for the first. What can't be computed is
    left out. What is done lies in `state`, the folder of `emohead.resume.resumable`, until all is.
    """
    values, features = {}, []
    for clip_id, clip in tqdm(rendered.items(), desc="networks", unit="clip", mininterval=5):
        result, inception = state / f"{clip_id}.json", state / f"{clip_id}.npz"
        if not result.exists():
            with timed(state):
                told = _score_clip(clip, truth[clip_id], takes[clip_id], networks, inception)
            with whole_file(result) as unfinished:
                unfinished.write_text(values_to_json(told))
        values[clip_id] = values_from_json(result.read_text())
        features.append(inception)
    if sums is not None:
        written = [path for path in features if path.exists()]
        made, true = (
            FeatureSums.of(np.load(path)[side] for path in written) for side in ("made", "true")
        )
        write_sums(made, true, sums)
    return values


def _score_clip(
    ours: RenderedClip, truth: StoredClip, take: Clip, networks: Networks, features: Path
) -> Values:
    """The values of one clip; Inception's features of its frames go to a file."""
    scored = slice(FIRST_SCORED, ours.length)
    values = {}
    if ours.length <= FIRST_SCORED:
        return values
    frames = partial(_scored, ours.frames, ours.length)
    true_frames = partial(_scored, truth.iterate_frames, ours.length)
    if networks.lpips is not None:
        values["lpips", "alex"] = lpips_distance(networks.lpips, frames(), true_frames())
    if networks.fid is not None:
        with whole_file(features) as unfinished:
            np.savez(
                unfinished,
                made=inception_features(networks.fid, frames()),
                true=inception_features(networks.fid, true_frames()),
            )
    if networks.syncnet is not None:
        samples = sound_of(truth, clip_audio(take))[FIRST_SCORED * SAMPLES_PER_FRAME :]
        sync = score_sync(networks.syncnet, frames(), samples, truth.landmarks[scored])
        if sync is not None:
            values["sync_confidence", "syncnet"] = sync.confidence
            values["sync_distance", "syncnet"] = sync.distance
            values["sync_offset", "syncnet"] = sync.offset
    return values


def _scored(frames: Callable[[], Iterator[np.ndarray]], length: int) -> Iterator[np.ndarray]:
    return islice(frames(), FIRST_SCORED, length)


def write_sums(made: FeatureSums, true: FeatureSums, path: Path) -> None:
    """Write what FID must know of rendered and of true frames."""
    arrays = {
        f"{side}/{name}": value
        for side, sums in (("made", made), ("true", true))
        for name, value in vars(sums).items()
    }
    with whole_file(path) as unfinished:
        np.savez(unfinished, **arrays)


def read_sums(path: Path) -> tuple[FeatureSums, FeatureSums]:
    """The sums of the rendered and of the true frames that `write_sums` wrote."""
    with np.load(path) as arrays:
        return tuple(
            FeatureSums(*(arrays[f"{side}/{name}"] for name in ("count", "total", "products")))
            for side in ("made", "true")
        )
