"""Every metric and convention of the tables of scores: what it is, its unit, its direction.

A convention is the way in which one metric is computed; numbers of different conventions can't be
compared. `emohead metrics` prints this list. Nothing heavy is imported here, so that the report
can read it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

#: The clip_id of a figure that belongs to a whole method, such as FID.
ALL_CLIPS = "all"
#: The first frame of a clip, which can be the reference face itself, is never scored.
FIRST_SCORED = 1


@dataclass(frozen=True)
class Metric:
    """One metric by one convention; `lower_is_better` is None for what has no better side."""

    name: str
    convention: str
    heading: str
    formula: str
    unit: str
    lower_is_better: bool | None
    used_by: str


_DISTANCES = {
    "f_lmd": ("F-LMD", "points 0-67", "the face", False),
    "m_lmd": ("M-LMD", "points 48-67", "the mouth", False),
    "jaw_lmd": ("Jaw LMD", "points 0-16", "the jaw", False),
    "f_lvd": ("F-LVD", "points 0-67", "the face", True),
    "m_lvd": ("M-LVD", "points 48-67", "the mouth", True),
}
_POINTS = {
    "redetected": "dlib's points of the rendered frames against dlib's of the true crops",
    "predicted": "the landmark model's points against the clip's own",
}
_USED_BY = {
    ("f_lmd", "redetected/centred/128"): "EAT (`test_lmd.py`); here Table 1",
    ("m_lmd", "redetected/centred/128"): "EAT (`test_lmd.py`); here Table 1",
    ("m_lvd", "redetected/centred/128"): "EAT (`test_lmd.py`)",
    ("f_lmd", "predicted/centred/128"): "perhaps the paper; here Table 1",
    ("m_lmd", "predicted/centred/128"): "perhaps the paper; here Table 1",
    ("f_lmd", "redetected/centred/256"): "most papers that work at 256 px",
    ("m_lmd", "redetected/centred/256"): "most papers that work at 256 px",
}


def _landmark_metrics() -> Iterator[Metric]:
    for name, (heading, points, part, velocity) in _DISTANCES.items():
        for source, of_what in _POINTS.items():
            for centring in ("centred", "raw"):
                for size in (128, 256):
                    convention = f"{source}/{centring}/{size}"
                    middle = f", centroid of {part} removed" if centring == "centred" else ""
                    what = "of the steps from frame to frame" if velocity else "of the places"
                    yield Metric(
                        name, convention, heading,
                        f"{of_what}; {points}{middle}; mean Euclidean distance {what} over points "
                        f"and frames",
                        f"px{' a frame' if velocity else ''} of a {size}-px crop",
                        True,
                        _USED_BY.get((name, convention), "–"),
                    )  # fmt: skip
        if name == "m_lmd":
            yield Metric(
                name, "atvg_sum", "M-LMD, summed",
                "as redetected/centred/128, summed over the 20 points; mean over frames",
                "px of a 128-px crop, 20 points together",
                True,
                "ATVG (`evaluation_matrix.py`)",
            )  # fmt: skip


def _picture_metrics() -> Iterator[Metric]:
    parts = {
        "frame": "the whole frame",
        "face": "the box of the clip's true landmarks, 5 % of the crop wider on each side",
        "mouth": "the same box of points 48-67",
    }
    ssim = "scikit-image's map, RGB, 7x7 uniform window, sample covariance, range 255; mean over "
    psnr = "20 log10(255 / RMSE), RGB, mean over frames; RMSE over "
    for part, where in parts.items():
        used_by = "ATVG, EAT (`test_psnr_ssim.py`); here Table 1" if part == "frame" else "–"
        yield Metric("ssim", part, "SSIM", ssim + where, "-1 to 1", False, used_by)
    for part, where in parts.items():
        used_by = "EAT (`test_psnr_ssim.py`); here Table 1" if part == "frame" else "–"
        yield Metric("psnr", part, "PSNR", psnr + where, "dB", False, used_by)
    yield Metric(
        "psnr_legacy", "grey_wrapped", "PSNR, wrapped 8-bit",
        "frames at 256 px (area), grey, (x - y)² mod 256 in 8 bits; 20 log10(255 / √mean), mean "
        "over frames; floor near 27.9 dB",
        "dB", False, "ATVG (`evaluation_matrix.py`); probably the paper",
    )  # fmt: skip
    yield Metric(
        "sharpness", "cpbd", "Sharpness",
        "CPBD: share of edges whose blur is not noticed (probability at most .63), of the rendered "
        "frame in grey; mean over frames",
        "0 to 1", False, "ATVG (`evaluation_matrix.py`); the paper cites it for PSNR",
    )  # fmt: skip
    yield Metric(
        "lpips", "alex", "LPIPS",
        "distance of AlexNet's features, linear weights v0.1; mean over frames",
        "0 and more", True, "widely used (Zhang et al. 2018)",
    )  # fmt: skip
    yield Metric(
        "fid", "inception", "FID",
        "Fréchet distance of Inception's 2048 features, of all scored frames of a method",
        "0 and more", True, "EVP, EAT (5 frames a clip)",
    )  # fmt: skip

    yield Metric(
        "fvd", "i3d", "FVD",
        "Fréchet distance of I3D's features of all pieces of 16 scored frames, side by side, of a "
        "method",
        "0 and more", True, "Unterthiner et al. 2018; StyleGAN-V's network",
    )  # fmt: skip


def _clip_metrics() -> Iterator[Metric]:
    opening = {
        "redetected": "re-detected on both sides",
        "predicted": "the model's points against the clip's own",
    }
    for source, which in opening.items():
        yield Metric(
            "lip_correlation", source, "Lip correlation",
            f"Pearson correlation of the inner lips' opening with the true one; {which}",
            "-1 to 1", False, "–",
        )  # fmt: skip
    for source, which in opening.items():
        yield Metric(
            "lip_lag", source, "Lip lag",
            f"shift in -5 to 5 frames at which that correlation is greatest; {which}",
            "frames, positive: late", None, "–",
        )  # fmt: skip
    yield Metric(
        "identity", "dlib_distance", "Identity distance",
        "Euclidean distance of dlib's face descriptors, rendered against true, of a frame a "
        "second; mean (the same person: below .6)",
        "0 and more", True, "as ArcFace's similarity elsewhere",
    )  # fmt: skip
    yield Metric(
        "identity", "arcface_cosine", "CSIM",
        "cosine of ArcFace's embeddings of the faces, rendered against true, of the same frames; "
        "mean",
        "-1 to 1", False, "many newer papers",
    )  # fmt: skip
    judges = {
        "landmarks": "a judge of the re-detected landmarks",
        "pixels": "a judge of the pictures",
        "msef": "the classifier of the method's own MSEF",
    }
    for convention, judge in judges.items():
        yield Metric(
            "emotion_accuracy", convention, "Emotion accuracy",
            f"1 where {judge} names the clip's emotion, else 0"
            + ("" if convention == "msef" else "; fitted on the true training part"),
            "0 or 1", False,
            "the paper's L_ec" if convention == "msef" else "EAT, with Emotion-FAN",
        )  # fmt: skip
    yield Metric(
        "emotion_accuracy", "emotion_fan", "Emotion accuracy",
        "1 where Emotion-FAN names the clip's emotion by all its frames, else 0",
        "0 or 1", False, "EAT, FixTalk (`test_emotion_acc.py`)",
    )  # fmt: skip
    yield Metric(
        "emotion_accuracy", "sound", "Emotion accuracy",
        "1 where a logistic regression on mean and standard deviation of the clip's MFCC names its "
        "emotion, else 0; fitted on the true training part; in the ablations alone",
        "0 or 1", False, "the bar for MSEF's classifier",
    )  # fmt: skip
    yield from _dynamics_metrics()
    yield Metric("frames", "count", "Frames", "frames scored", "frames", None, "–")
    yield Metric(
        "faces_missed", "count", "Faces missed",
        "scored frames on which dlib finds no face; their points are taken between the neighbours'",
        "frames", True, "–",
    )  # fmt: skip
    yield Metric(
        "sync_confidence", "syncnet", "Sync confidence",
        "median less least distance of SyncNet's embeddings over the shifts",
        "0 and more", False, "Wav2Lip's LSE-C; EAT",
    )  # fmt: skip
    yield Metric(
        "sync_distance", "syncnet", "Sync distance",
        "least distance of SyncNet's embeddings over the shifts",
        "0 and more", True, "Wav2Lip's LSE-D",
    )  # fmt: skip
    yield Metric(
        "sync_offset", "syncnet", "Sync offset",
        "shift at which SyncNet's distance is least",
        "frames", None, "SyncNet (AV offset)",
    )  # fmt: skip


#: Those whose network's weights a user gives, by their names and conventions: docs/networks.md.
BY_NETWORKS = {
    "lpips": "alex", "fid": "inception", "fvd": "i3d", "identity": "arcface_cosine",
    "sync_confidence": "syncnet", "sync_distance": "syncnet", "emotion_accuracy": "emotion_fan",
}  # fmt: skip

#: The metrics of `dynamics`, by the convention `theval`, with their headings.
THEVAL = {
    "lip_dynamics": "Lip dynamics",
    "brow_dynamics": "Brow dynamics",
    "head_dynamics": "Head motion dynamics",
    "silent_lips": "Silent lip stability",
    "lip_loudness": "Lip-sync, by loudness",
}


def _dynamics_metrics() -> Iterator[Metric]:
    formulas = {
        "lip_dynamics": (
            "distances of all pairs of the points 48-67, standard deviation over time; mean",
            "px of a 256-px crop",
        ),
        "brow_dynamics": (
            "distance of the brow's middle from the eye's, in that of the eyes; mean absolute "
            "change from frame to frame, both sides",
            "eye distances a frame",
        ),
        "head_dynamics": (
            "√(mean standard deviation of roll, yaw and pitch (degrees) x mean variance of their "
            "steps + mean variance of the face's place)",
            "as it is: degrees and px of a 256-px crop",
        ),
        "silent_lips": (
            "in silences of .3 s and more: median absolute deviation of the inner lips' opening "
            "from its mean there",
            "distances of the eyes' outer corners",
        ),
        "lip_loudness": (
            "in speech: mean absolute difference of the inner lips' opening and the sound's "
            "loudness (50 ms), each brought to 0 to 1",
            "0 to 1",
        ),
    }
    for name, heading in THEVAL.items():
        formula, unit = formulas[name]
        yield Metric(
            name, "theval", heading, f"of the re-detected points; {formula}", unit, None,
            "THEval (2026), there by MediaPipe's points",
        )  # fmt: skip
    yield Metric(
        "head_motion", "ratio", "Head motion, share of the true",
        "degrees that the head turns from frame to frame (roll, yaw, pitch by points 27-31, 35 and "
        "the eyes' corners, mean over five frames), rendered by true",
        "1: as much as in truth", None, "–",
    )  # fmt: skip
    yield Metric(
        "head_motion", "diversity", "Head motion, spread",
        "standard deviation over time of the same angles, mean of the three",
        "degrees", None, "SadTalker's diversity, there of a network's features",
    )  # fmt: skip


#: All of them, a metric's conventions beside each other.
METRICS: tuple[Metric, ...] = (*_landmark_metrics(), *_picture_metrics(), *_clip_metrics())

#: The metrics of Table 1 and the convention that stands in it.
HEADLINE: dict[str, str] = {
    "f_lmd": "redetected/centred/128",
    "m_lmd": "redetected/centred/128",
    "ssim": "frame",
    "psnr": "frame",
}

_BY_NAME = {(metric.name, metric.convention): metric for metric in METRICS}


def metric(name: str, convention: str) -> Metric:
    """One entry of the catalogue; ValueError when there is none, naming the conventions."""
    if (name, convention) not in _BY_NAME:
        known = [each.convention for each in METRICS if each.name == name]
        have = f"its conventions are {', '.join(known)}" if known else "there is no such metric"
        raise ValueError(f"metric {name!r} by convention {convention!r}: {have}")
    return _BY_NAME[name, convention]
