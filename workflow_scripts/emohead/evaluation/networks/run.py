"""The networks' metrics of a method's clips, of those networks whose weights are given."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torchmetrics.image.fid import FrechetInceptionDistance
from tqdm import tqdm

from emohead.data.mead import Clip, parse_clip_id
from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.identity import described_frames
from emohead.evaluation.networks.arcface import IResNet, csim, face_picture, read_arcface
from emohead.evaluation.networks.emotion_fan import (
    EmotionFan,
    face_chip,
    named_emotion,
    read_emotion_fan,
)
from emohead.evaluation.networks.fid import FeatureSums, inception_features, read_fid
from emohead.evaluation.networks.fvd import i3d_features, read_i3d
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

    lpips: Lpips | None = None
    fid: FrechetInceptionDistance | None = None
    syncnet: SyncNet | None = None
    fvd: torch.jit.ScriptModule | None = None
    arcface: IResNet | None = None
    emotion_fan: EmotionFan | None = None

    @classmethod
    def read(cls, weights: Mapping[str, Path], device: RenderingDevice) -> Self:
        """Read the files of `weights`, by their keys in the config's `evaluation.weights`.

        ValueError, with the config key, for a missing or wrong one.
        """
        readers = {
            "lpips": read_lpips, "fid": read_fid, "syncnet": read_syncnet, "fvd": read_i3d,
            "arcface": read_arcface, "emotion_fan": read_emotion_fan,
        }  # fmt: skip
        return cls(**{key: readers[key](path).to(device.device) for key, path in weights.items()})

    @property
    def see_faces(self) -> bool:
        """Whether a network needs the face's place on the rendered frames."""
        return self.arcface is not None or self.emotion_fan is not None


def score_networks(
    rendered: Mapping[str, RenderedClip],
    truth: Mapping[str, StoredClip],
    networks: Networks,
    *,
    takes: Mapping[str, Clip],
    state: Path,
    sums: Path | None,
    seen: Mapping[str, np.ndarray] | None = None,
    truth_seen: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Values]:
    """Score a method's clips, which need not be all test clips of `truth`.

    `sums` is a file for what FID and FVD must know of all these frames, needed when one of their
    networks is there. `seen` has the landmarks [T, 68, 2] that dlib sees on the rendered frames, px
    of the crop, needed by networks that see faces; `truth_seen` those on the true frames, None for
    the ground truth itself.

    `takes` name the files of the clips' sound, for SyncNet. A rendered clip may be shorter than the
    true one: the frames that both have are scored, but for the first. What can't be computed is
    left out. Finished clips are kept in `state` (see `emohead.resume.resumable`) until all are.
    """
    values, features = {}, []
    for clip_id, clip in tqdm(rendered.items(), desc="networks", unit="clip", mininterval=5):
        result, features_file = state / f"{clip_id}.json", state / f"{clip_id}.npz"
        if not result.exists():
            with timed(state):
                points, true_points = (
                    None if each is None else each[clip_id] for each in (seen, truth_seen or seen)
                )
                told = _score_clip(
                    clip,
                    truth[clip_id],
                    takes[clip_id],
                    networks,
                    features_file,
                    points,
                    true_points,
                )
            with whole_file(result) as unfinished:
                unfinished.write_text(values_to_json(told))
        values[clip_id] = values_from_json(result.read_text())
        features.append(features_file)
    if sums is not None:
        written = [path for path in features if path.exists()]
        write_sums(
            {
                name: tuple(_sum_up(written, f"{name}/{side}") for side in ("made", "true"))
                for name in ("fid", "fvd")
                if getattr(networks, name) is not None
            },
            sums,
        )
    return values


def _sum_up(paths: Sequence[Path], name: str) -> FeatureSums:
    """The sums of one array of features in several files."""
    arrays = [array for path in paths if len(array := np.load(path)[name])]
    return FeatureSums.of(arrays, arrays[0].shape[1] if arrays else 0)


def _score_clip(
    ours: RenderedClip,
    truth: StoredClip,
    take: Clip,
    networks: Networks,
    features: Path,
    seen: np.ndarray | None,
    truth_seen: np.ndarray | None,
) -> Values:
    """The values of one clip; Inception's and I3D's features of its frames go to a file."""
    scored = slice(FIRST_SCORED, ours.length)
    values = {}
    if ours.length <= FIRST_SCORED:
        return values
    frames = partial(_scored, ours.frames, ours.length)
    true_frames = partial(_scored, truth.iterate_frames, ours.length)
    if networks.lpips is not None:
        values["lpips", "alex"] = lpips_distance(networks.lpips, frames(), true_frames())
    arrays = {}
    for name, network, of in (
        ("fid", networks.fid, inception_features),
        ("fvd", networks.fvd, i3d_features),
    ):
        if network is not None:
            arrays[f"{name}/made"] = of(network, frames())
            arrays[f"{name}/true"] = of(network, true_frames())
    if arrays:
        with whole_file(features) as unfinished:
            np.savez(unfinished, **arrays)
    if networks.see_faces and np.isfinite(seen).all():
        if networks.arcface is not None and np.isfinite(truth_seen).all():
            values["identity", "arcface_cosine"] = _identity(
                networks.arcface, frames(), true_frames(), seen[scored], truth_seen[scored]
            )
        if networks.emotion_fan is not None:
            chips = map(face_chip, frames(), seen[scored])
            named = named_emotion(networks.emotion_fan, chips)
            right = named == parse_clip_id(ours.clip_id).emotion
            values["emotion_accuracy", "emotion_fan"] = float(right)
    if networks.syncnet is not None:
        samples = sound_of(truth, clip_audio(take))[FIRST_SCORED * SAMPLES_PER_FRAME :]
        sync = score_sync(networks.syncnet, frames(), samples, truth.landmarks[scored])
        if sync is not None:
            values["sync_confidence", "syncnet"] = sync.confidence
            values["sync_distance", "syncnet"] = sync.distance
            values["sync_offset", "syncnet"] = sync.offset
    return values


def _identity(
    network: IResNet,
    frames: Iterable[np.ndarray],
    truth: Iterable[np.ndarray],
    landmarks: np.ndarray,
    true_landmarks: np.ndarray,
) -> float:
    """CSIM of the frames that dlib describes; all but the first one are given, from there on."""
    described = described_frames(FIRST_SCORED + len(landmarks))
    sides = [
        [
            face_picture(f, p)
            for t, (f, p) in enumerate(zip(film, points, strict=False), FIRST_SCORED)
            if t in described
        ]
        for film, points in ((frames, landmarks), (truth, true_landmarks))
    ]
    return csim(network, *sides)


def _scored(frames: Callable[[], Iterator[np.ndarray]], length: int) -> Iterator[np.ndarray]:
    return islice(frames(), FIRST_SCORED, length)


def write_sums(sums: Mapping[str, tuple[FeatureSums, FeatureSums]], path: Path) -> None:
    """Write what FID and FVD, by their names, must know of rendered and of true frames."""
    arrays = {
        f"{metric}/{side}/{name}": value
        for metric, both in sums.items()
        for side, each in zip(("made", "true"), both, strict=True)
        for name, value in vars(each).items()
    }
    with whole_file(path) as unfinished:
        np.savez(unfinished, **arrays)


def read_sums(path: Path) -> dict[str, tuple[FeatureSums, FeatureSums]]:
    """The sums of the rendered and of the true frames that `write_sums` wrote."""
    with np.load(path) as arrays:
        return {
            metric: tuple(
                FeatureSums(
                    *(arrays[f"{metric}/{side}/{name}"] for name in ("count", "total", "products"))
                )
                for side in ("made", "true")
            )
            for metric in sorted({name.split("/")[0] for name in arrays})
        }
