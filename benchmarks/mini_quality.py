"""What a finished mini run reaches, beyond Table 1: the figures of docs/benchmarks.md.

Rows of all methods with the face box and the lips; how far the brows follow; how well MSEF names
the emotion, beside a logistic regression on MFCC statistics; faces that dlib finds in every frame
of the data set; how far W901 is from the photo that she was made from.
Usage: python benchmarks/mini_quality.py [results]
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import dlib
import numpy as np
import pandas as pd
import skimage.data
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from emohead.data.mead import parse_clip_id  # noqa: E402
from emohead.data.split import clips_of_part  # noqa: E402
from emohead.evaluation.scores import read_table, summarize  # noqa: E402
from emohead.features.store import StoredClip, open_clips  # noqa: E402
from emohead.landmarks.load import restore_landmark_model  # noqa: E402
from emohead.landmarks.predict import predict_landmarks  # noqa: E402
from emohead.media.reading import read_video  # noqa: E402
from emohead.training.checkpoint import load_checkpoint  # noqa: E402

RESULTS = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
METHODS = ("copy_reference", "baseline", "ours_wo_msef", "ours_wo_aatu", "ours")


def clips_of(part: str) -> dict[str, StoredClip]:
    shards = sorted((RESULTS / "features").glob("*.h5"))
    return open_clips(shards, clips_of_part(RESULTS / "split.csv", part))


def print_rows() -> None:
    scores = read_table(RESULTS / "evaluation/scores.parquet")
    scores = scores[(scores["reference"] == "same_emotion") & (scores["seed"] == 0)]
    table = pd.concat(
        summarize(scores[scores["method"] == method]).assign(method=method) for method in METHODS
    ).set_index("method")
    print(table.round(3).to_string())
    print(f"M-LMD of ours / of the copy: {table.m_lmd['ours'] / table.m_lmd['copy_reference']:.3f}")


def brow_shift(landmarks: np.ndarray) -> float:
    """How far the inner brows rise above the eyes in the middle of a clip, beside its start."""
    height = landmarks[:, 36:48, 1].mean(1) - landmarks[:, 20:24, 1].mean(1)
    return height[20:50].mean() - height[0]


def landmarks_of(method: str, kind: str) -> dict[str, np.ndarray]:
    """The `predicted` landmarks of a method's test clips, or those seen on them, `landmarks`."""
    found = {}
    for path in (RESULTS / f"methods/{method}/same_emotion/seed0").glob("*/landmarks.npz"):
        with np.load(path) as arrays:
            found |= {
                name.rpartition("/")[0]: arrays[name]
                for name in arrays
                if name.endswith(f"/{kind}")
            }
    return found


def print_brows(method: str) -> None:
    for what, kind in (("predicted", "predicted"), ("re-detected", "landmarks")):
        ours, true = landmarks_of(method, kind), landmarks_of("ground_truth", kind)
        x = [brow_shift(true[clip_id]) for clip_id in ours]
        y = [brow_shift(ours[clip_id]) for clip_id in ours]
        slope, r = np.polyfit(x, y, 1)[0], np.corrcoef(x, y)[0, 1]
        print(f"brows of {method}, {what}: r {r:.2f}, slope {slope:.2f}")


def print_classifiers() -> None:
    def statistics(clips: dict[str, StoredClip]) -> tuple[np.ndarray, np.ndarray]:
        steps = [clip.mfcc[:, 12:16].reshape(-1, 12) for clip in clips.values()]
        emotions = [parse_clip_id(clip_id).emotion_index for clip_id in clips]
        return np.array([[*s.mean(0), *s.std(0)] for s in steps]), np.array(emotions)

    test = clips_of("test")
    x, y = statistics(test)
    model = restore_landmark_model(
        load_checkpoint(RESULTS / "landmarks/audio2lm_msef/seed0/model.pt", "landmarks")
    )
    named = [
        predict_landmarks(model, clip.mfcc, clip.landmarks[0], clip.crop_size)[1].argmax()
        for clip in test.values()
    ]
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    score = logistic.fit(*statistics(clips_of("train"))).score(x, y)
    print(f"emotion of test clips: MSEF {np.mean(named == y):.3f}, logistic {score:.3f}")


def print_faces() -> None:
    detector, faces = dlib.get_frontal_face_detector(), []
    for video in sorted((RESULTS / "data/mini").rglob("*.mp4")):
        faces += [len(detector(frame)) for frame in read_video(video)]
    print(f"frames by number of faces: {pd.Series(faces).value_counts().to_dict()}")


def print_likeness() -> None:
    models = Path(find_spec("face_recognition_models").origin).parent / "models"
    recogniser = dlib.face_recognition_model_v1(
        str(models / "dlib_face_recognition_resnet_model_v1.dat")
    )
    predictor = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    detector = dlib.get_frontal_face_detector()

    def descriptor(image: np.ndarray) -> np.ndarray:
        box = max(detector(image, 1), key=dlib.rectangle.area)
        return np.array(recogniser.compute_face_descriptor(image, predictor(image, box)))

    photo = np.ascontiguousarray(skimage.data.astronaut())
    known = [descriptor(photo), descriptor(np.ascontiguousarray(photo[:, ::-1]))]
    made = []
    for clip in ("neutral/level_1", "happy/level_3", "angry/level_3", "surprised/level_3"):
        video = read_video(RESULTS / f"data/mini/W901/video/front/{clip}/001.mp4")
        made += [descriptor(np.ascontiguousarray(video[t])) for t in (0, 15, 30, 45)]
    away = [np.linalg.norm(each - photo) for each in made for photo in known]
    within = [np.linalg.norm(a - b) for i, a in enumerate(made) for b in made[:i]]
    print(f"W901 to the photo: {np.mean(away):.2f} (least {min(away):.2f}); "
          f"to herself {np.mean(within):.2f}")  # fmt: skip


print_rows()
print_brows("ours")
print_brows("baseline")
print_classifiers()
print_likeness()
print_faces()
