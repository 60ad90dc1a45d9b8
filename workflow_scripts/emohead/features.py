"""From clips to feature shards: the aligning crop, 68 landmarks and MFCC windows of each frame."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emohead import __version__
from emohead.audio import mfcc_windows
from emohead.faces import FaceFinder, crop_frame, crop_transform, transform_points
from emohead.files import whole_file
from emohead.mead import FPS, Clip
from emohead.media import SAMPLES_PER_FRAME, read_audio, read_video
from emohead.store import ShardWriter


@dataclass(frozen=True)
class FeatureOptions:
    """How features are made; the config's `features` keys.

    `crop_size` in pixels; `max_gap` is the longest run of frames without a face that is bridged;
    `max_length_difference` in seconds, between the clip's picture and its sound.
    """

    crop_size: int = 256
    max_gap: int = 5
    max_length_difference: float = 0.5


@dataclass(frozen=True)
class ClipFeatures:
    """The features of one clip; see `emohead.store` for shapes and units."""

    landmarks: np.ndarray
    frames: list[np.ndarray]
    mfcc: np.ndarray
    transform: np.ndarray
    frames_without_face: int


def extract_clip(clip: Clip, finder: FaceFinder, options: FeatureOptions) -> ClipFeatures:
    """The features of one clip.

    Raises ValueError (MediaError, NoFaceError) with the reason when the clip can't be used.
    """
    frames = read_video(clip.video)
    samples = read_audio(clip.audio)
    difference = abs(len(samples) / SAMPLES_PER_FRAME - len(frames)) / FPS
    if difference > options.max_length_difference:
        raise ValueError(f"picture and sound differ by {difference:.2f} s in length")
    track = finder.track(frames, max_gap=options.max_gap)
    first = int(np.flatnonzero(track.found)[0])
    transform = crop_transform(track.landmarks[first], options.crop_size)
    return ClipFeatures(
        landmarks=transform_points(track.landmarks, transform),
        frames=[crop_frame(image, transform, options.crop_size) for image in frames],
        mfcc=mfcc_windows(samples, len(frames)),
        transform=transform,
        frames_without_face=int((~track.found).sum()),
    )


def extract_shard(clips: Iterable[Clip], shard: Path, table: Path, options: FeatureOptions) -> None:
    """Write the feature shard of some clips, and a table with one row a clip.

    A clip that can't be used is left out of the shard and has its reason in the table's column
    `rejected`; the others have their length there.
    """
    finder = FaceFinder()
    rows = []
    with ShardWriter(shard) as writer:
        for clip in clips:
            try:
                features = extract_clip(clip, finder, options)
            except ValueError as error:
                print(f"{clip.clip_id}: rejected: {error}", flush=True)
                rows.append({"clip_id": clip.clip_id, "rejected": str(error)})
                continue
            writer.add(
                clip.clip_id,
                landmarks=features.landmarks,
                frames=features.frames,
                mfcc=features.mfcc,
                transform=features.transform,
                attributes={"video": str(clip.video), "emohead": __version__, **asdict(options)},
            )
            rows.append(
                {
                    "clip_id": clip.clip_id,
                    "frames": len(features.frames),
                    "seconds": len(features.frames) / FPS,
                    "frames_without_face": features.frames_without_face,
                }
            )
            print(f"{clip.clip_id}: {len(features.frames)} frames", flush=True)
    columns = ["clip_id", "frames", "seconds", "frames_without_face", "rejected"]
    with whole_file(table) as unfinished:
        pd.DataFrame(rows, columns=columns).to_csv(unfinished, index=False)


def collect_clips(
    lists: Iterable[Path], tables: Iterable[Path], *, max_rejected: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The clip table with lengths, and the rejected clips with stage and reason.

    Raises ValueError, with the commonest reasons, when more than the fraction `max_rejected` of
    the clips was rejected.
    """
    clips = pd.concat([pd.read_csv(path) for path in lists], ignore_index=True)
    made = pd.concat([pd.read_csv(path) for path in tables], ignore_index=True)
    joined = clips.merge(made, on="clip_id", validate="one_to_one").sort_values("clip_id")
    is_rejected = joined["rejected"].notna()
    rejected = joined.loc[is_rejected, ["clip_id", "rejected"]].rename(
        columns={"rejected": "reason"}
    )
    rejected.insert(1, "stage", "features")
    if len(rejected) > max_rejected * len(joined):
        reasons = rejected["reason"].value_counts().head(5)
        summary = "; ".join(f"{count} x {reason}" for reason, count in reasons.items())
        raise ValueError(
            f"{len(rejected)} of {len(joined)} clips can't be used, more than data.max_rejected = "
            f"{max_rejected:.0%} allows: {summary}"
        )
    accepted = joined.loc[~is_rejected].drop(columns="rejected")
    accepted.insert(len(accepted.columns) - 1, "fps", FPS)
    return accepted.astype({"frames": int, "frames_without_face": int}), rejected
