"""Methods on two small clips: what they are given, what they make, and how they go on."""

import json
import tracemalloc

import numpy as np
import pytest
import torch
from method_factory import CONFIG, ON_CPU, Film, save_models, translator
from skimage.transform import SimilarityTransform

from emohead.data.mead import EMOTIONS
from emohead.evaluation.redetect import redetect
from emohead.features.points import CALM_POINTS
from emohead.features.store import ShardWriter, open_clips
from emohead.generate.bundle import export_bundle
from emohead.generate.card import make_card
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.predict import predict_landmarks
from emohead.methods import method as methods
from emohead.methods.device import RenderingDevice, RenderingOptions, rendering_device
from emohead.methods.method import Method, read_method, render_clip, render_clips
from emohead.methods.rendered import open_rendering, sound_of, stand_in_clips
from emohead.methods.target import place_target, retarget
from emohead.translator.render import warp_alone

SAD, NEUTRAL = "W901-front-sad-3-001", "W901-front-neutral-1-002"


@pytest.fixture
def clips(tmp_path):
    """A sad clip and a neutral one, 5 frames each; nothing in them is the same."""
    draw = np.random.default_rng(0)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        for clip_id in (SAD, NEUTRAL):
            writer.add(
                clip_id,
                landmarks=draw.uniform(20, 100, (5, 68, 2)),
                frames=draw.integers(0, 255, (5, 64, 64, 3), np.uint8),
                mfcc=draw.normal(0, 1, (5, 28, 12)),
            )
    return open_clips([tmp_path / "s.h5"])


@pytest.fixture
def clip(clips):
    return clips[SAD]


def landmark_model(**options):
    """Untrained, so that it predicts the reference landmarks as they are."""
    draw = np.random.default_rng(1)
    faces = draw.uniform(0.2, 0.8, (50, 68, 2)).astype(np.float32)
    statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
    torch.manual_seed(0)
    chosen = LandmarkModelOptions(
        components=4, audio_width=8, emotion_width=8, memory_slots=4, reference_width=8,
        hidden_width=8, lstm_width=8, lstm_layers=1, **options,
    )  # fmt: skip
    return build_landmark_model(chosen, fit_basis(faces, 4), statistics)


def rendered(method, clips, tmp_path, reference, *, keep=False):
    """What `render_clips` makes, read again."""
    (tmp_path / "state").mkdir(exist_ok=True)
    render_clips(
        method, clips, reference=reference, keep=keep, state=tmp_path / "state",
        folder=tmp_path / "frames",
    )  # fmt: skip
    return open_rendering(tmp_path / "frames", method.name)


def frames_of(clip):
    return np.stack(list(clip.frames()))


def test_truth_gives_the_clip_itself(clips):
    method = read_method("ground_truth", "truth", "truth", ON_CPU)
    made = render_clip(method, clips[SAD], clips[NEUTRAL])
    np.testing.assert_array_equal(made.landmarks, clips[SAD].landmarks)
    np.testing.assert_array_equal(list(made.frames), clips[SAD].frames())
    assert made.emotion_probabilities is None


@pytest.mark.parametrize("reference", [SAD, NEUTRAL])
def test_reference_repeats_the_first_frame_of_the_reference_clip(clips, reference):
    method = read_method("copy", "reference", "reference", ON_CPU)
    made = render_clip(method, clips[SAD], clips[reference])
    frames = np.stack(list(made.frames))
    assert (made.landmarks == clips[reference].landmarks[0]).all()
    assert (frames == clips[reference].frame(0)).all()
    assert len(made.landmarks) == len(frames) == 5


def test_parts_can_be_mixed(clip):
    made = render_clip(Method("mixed", "truth", "reference", ON_CPU), clip, clip)
    np.testing.assert_array_equal(made.landmarks, clip.landmarks)
    assert (np.stack(list(made.frames)) == clip.frame(0)).all()


@pytest.mark.parametrize(("reference", "chosen"), [("same_emotion", SAD), ("neutral", NEUTRAL)])
def test_stand_ins_show_what_rendering_would_and_copy_nothing(clips, tmp_path, reference, chosen):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    for landmarks in ("truth", "reference"):
        for frames in ("truth", "reference"):
            shown = stand_in_clips(
                clips, reference, method="m", landmarks=landmarks, translator=frames
            )[SAD]
            method = read_method("m", landmarks, frames, ON_CPU)
            made = render_clip(method, clips[SAD], clips[chosen])
            np.testing.assert_array_equal(shown.landmarks, made.landmarks)
            expected = np.stack(list(made.frames))
            for _ in range(2):  # from the first one on, each time
                np.testing.assert_array_equal(frames_of(shown), expected)
            assert shown.attributes == {"reference_clip": chosen}
            assert shown.length == 5
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("reference", "chosen"), [("same_emotion", SAD), ("neutral", NEUTRAL)])
def test_both_models_are_given_the_protocols_reference_face(
    clips, tmp_path, monkeypatch, reference, chosen
):
    faces = []

    def translate(model, landmarks, reference_face, reference_landmarks, *, batch_size, scene):
        faces.append((reference_face, reference_landmarks))
        yield from np.repeat(reference_face[None], len(landmarks), axis=0)

    monkeypatch.setattr(methods, "translate", translate)
    method = Method("ours", landmark_model(), "a translator", ON_CPU)
    made = rendered(method, clips, tmp_path, reference)[SAD]
    np.testing.assert_allclose(
        made.landmarks, np.repeat(clips[chosen].landmarks[:1], 5, axis=0), atol=1e-4
    )
    face, own = faces[list(clips).index(SAD)]
    np.testing.assert_array_equal(face, clips[chosen].frame(0))
    np.testing.assert_array_equal(own, clips[chosen].landmarks[0])
    assert made.attributes["reference_clip"] == chosen


def test_the_warp_alone_is_a_translator(clips, tmp_path):
    method = read_method("warped", "truth", "warp", ON_CPU)
    made = frames_of(rendered(method, clips, tmp_path, "neutral")[SAD])
    face, own = clips[NEUTRAL].frame(0), clips[NEUTRAL].landmarks[0]
    expected = list(warp_alone(clips[SAD].landmarks, face, own))
    np.testing.assert_array_equal(made, expected)
    assert np.abs(made[0].astype(int) - face).mean() > 1


@pytest.mark.parametrize("size", [64, 32])
def test_a_bundle_is_a_method(clips, tmp_path, size):
    """In crops of another size, too: what is given and what is made is resized."""
    landmarks, checkpoint = save_models(tmp_path)
    config = {**CONFIG, "features": {**CONFIG["features"], "crop_size": size}}
    out = tmp_path / "theirs.h5"
    export_bundle(landmarks, checkpoint, out, card=make_card(config, "ours", 0))
    theirs = read_method("theirs", "bundle", "bundle", ON_CPU, bundle=out)
    made = render_clip(theirs, clips[SAD], clips[NEUTRAL])
    ours = read_method("ours", str(landmarks), str(checkpoint), ON_CPU)
    expected = render_clip(ours, clips[SAD], clips[NEUTRAL])
    np.testing.assert_allclose(made.landmarks, expected.landmarks, atol=1e-4)
    frames = np.stack(list(made.frames))
    assert frames.shape == (5, 64, 64, 3)
    face, points = clips[NEUTRAL].frame(0), expected.landmarks
    if size == 64:
        np.testing.assert_array_equal(frames, np.stack(list(expected.frames)))
        return
    face = face.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    small = np.stack(list(methods.translate(ours.translator, points / 2 - 0.25, face)))
    shrunk = frames.reshape(5, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.corrcoef(shrunk.ravel(), small.ravel())[0, 1] > 0.97
    alone = read_method("theirs", "truth", "bundle", ON_CPU, bundle=out)
    np.testing.assert_array_equal(
        render_clip(alone, clips[SAD], clips[SAD]).landmarks, clips[SAD].landmarks
    )


def test_heads_can_be_where_the_true_ones_are(clips):
    clip, reference = clips[SAD], clips[NEUTRAL]
    own = render_clip(Method("m", landmark_model(), "reference", ON_CPU), clip, reference)
    posed = render_clip(
        Method("m", landmark_model(), "reference", ON_CPU, "truth"), clip, reference
    )
    for mine, true, made in zip(own.landmarks, clip.landmarks, posed.landmarks, strict=True):
        calm = list(CALM_POINTS)
        head = SimilarityTransform.from_estimate(mine[calm], true[calm])
        np.testing.assert_allclose(made, head(mine), atol=1e-2)
    truth = render_clip(Method("m", "truth", "warp", ON_CPU, "truth"), clip, reference)
    np.testing.assert_array_equal(truth.landmarks, clip.landmarks)


def test_a_target_video_gives_face_head_and_scene(clips, tmp_path, monkeypatch):
    seen = []

    def translate(model, landmarks, reference_face, reference_landmarks, *, batch_size, scene):
        seen.append((reference_face, list(scene)))
        yield from np.repeat(reference_face[None], len(landmarks), axis=0)

    monkeypatch.setattr(methods, "translate", translate)
    method = Method("evp", landmark_model(), "a translator", ON_CPU, target=clips[NEUTRAL])
    made = rendered(method, {SAD: clips[SAD]}, tmp_path, "same_emotion")[SAD]
    target = place_target(clips[NEUTRAL], clips[SAD].landmarks[0], 5)
    # The untrained model predicts the face that it is given: the target's, and not the clip's.
    still = np.repeat(target.landmarks[:1], 5, axis=0)
    np.testing.assert_allclose(made.landmarks, retarget(still, target.landmarks, 64), atol=1e-3)
    ((face, scene),) = seen
    frames = list(target.frames())
    np.testing.assert_array_equal(face, frames[0])
    np.testing.assert_array_equal(scene, frames)


def test_a_method_that_is_told_hears_no_emotion(clips):
    model = landmark_model(architecture="evp", emotion="none", conv_width=2).eval()
    torch.nn.init.normal_(model.fc.weight)
    torch.nn.init.normal_(model.audio_encoder.mean_codes)
    clip = clips[SAD]
    made = render_clip(Method("m", model, "reference", ON_CPU, told=True), clip, clip)
    with model.telling(EMOTIONS.index("sad")):
        told, _ = predict_landmarks(model, clip.mfcc, clip.landmarks[0], 64)
    heard, _ = predict_landmarks(model, clip.mfcc, clip.landmarks[0], 64)
    np.testing.assert_array_equal(made.landmarks, told)
    assert not np.allclose(told, heard)


@pytest.mark.parametrize("keep", [False, True])
def test_rendered_frames_come_back_without_loss(clips, tmp_path, keep):
    method = Method("ours", "truth", translator(), ON_CPU)
    expected = list(render_clip(method, clips[SAD], clips[SAD]).frames)
    made = rendered(method, clips, tmp_path, "same_emotion", keep=keep)
    assert list(made) == sorted(clips)
    np.testing.assert_array_equal(frames_of(made[SAD]), expected)
    np.testing.assert_array_equal(made[SAD].landmarks, clips[SAD].landmarks)


def test_frames_that_stay_are_compressed_and_others_are_not(clips, tmp_path):
    method = Method("copy", "truth", "reference", ON_CPU)
    for keep, begins in ((False, b"BM"), (True, b"\x89PNG")):
        rendered(method, clips, tmp_path, "same_emotion", keep=keep)
        stored = open_clips([tmp_path / "frames" / f"{SAD}.h5"])[SAD].group["frames"]
        assert all(data.tobytes().startswith(begins) for data in stored)


@pytest.mark.parametrize("emotion", ["binary", "softmax"])
def test_the_classifiers_belief_goes_with_the_clip(clips, tmp_path, emotion):
    model = landmark_model(loss=LossWeights(emotion=emotion))
    made = rendered(Method("ours", model, "reference", ON_CPU), clips, tmp_path, "same_emotion")
    for clip_id, clip in clips.items():
        told = json.loads(made[clip_id].attributes["emotion_probabilities"])
        _, expected = predict_landmarks(model, clip.mfcc, clip.landmarks[0], 64)
        assert len(told) == 8
        assert told == pytest.approx(expected.tolist(), abs=1e-6)
        assert all(value == round(value, 6) for value in told)


def test_without_a_classifier_there_is_no_belief(clips, tmp_path):
    method = Method("ours", landmark_model(classifier=False), "reference", ON_CPU)
    made = rendered(method, clips, tmp_path, "same_emotion")
    assert set(made[SAD].attributes) == {"reference_clip"}


def test_a_speaker_without_neutral_clips_stops_before_anything_is_rendered(clips, tmp_path):
    method = Method("copy", "reference", "reference", ON_CPU)
    with pytest.raises(ValueError, match="speaker W901 has no neutral test clip"):
        rendered(method, {SAD: clips[SAD]}, tmp_path, "neutral")
    assert not (tmp_path / "frames").exists()
    assert not list((tmp_path / "state").iterdir())


def test_a_folder_of_an_earlier_rendering_gives_way(clips, tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "W901-front-happy-3-001.h5").touch()
    method = Method("copy", "reference", "reference", ON_CPU)
    assert list(rendered(method, clips, tmp_path, "same_emotion")) == sorted(clips)


# --- long clips ---


def test_a_long_clip_is_rendered_a_few_frames_at_a_time(clips, tmp_path, monkeypatch):
    film = Film(3000, 64)
    landmarks = np.zeros((3000, 68, 2), np.float32)
    monkeypatch.setattr(
        methods, "render_clip", lambda *_: methods.Rendering(landmarks, film())
    )  # fmt: skip
    tracemalloc.start()
    made = rendered(
        Method("m", "truth", "truth", ON_CPU), {SAD: clips[SAD]}, tmp_path, "same_emotion"
    )
    assert sum(1 for _ in made[SAD].frames()) == 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert film.most < 10
    # All frames are 37 MB.
    assert peak < 12e6


def test_a_translator_makes_a_batch_at_a_time():
    seen = []
    model = translator()
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    points = np.random.default_rng(0).uniform(4, 28, (25, 68, 2)).astype(np.float32)
    face = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    frames = methods.translate(model, points, face, batch_size=10)
    first = next(frames)
    assert seen == [10]
    rest = list(frames)
    assert seen == [10, 10, 5]
    whole = list(methods.translate(model, points, face, batch_size=25))
    assert max(
        np.abs(a.astype(int) - b).max() for a, b in zip([first, *rest], whole, strict=True)
    ) <= 1  # fmt: skip


class AlwaysThere:
    """In the place of FaceFinder: one face, found in every frame."""

    def boxes(self, image):
        return np.array([[8.0, 8, 56, 56]])

    def box_near(self, image, box):
        return box

    def landmarks(self, image, box):
        return np.linspace(box[:2], box[2:], 68).astype(np.float32)


class Describes:
    """In the place of FaceDescriber; counts what it describes."""

    count = 0

    def describe(self, frame, landmarks):
        self.count += 1
        return frame.mean() * np.ones(128)


def test_dlib_sees_a_long_clip_a_few_frames_at_a_time():
    film, describes = Film(3000, 64), Describes()
    seen = redetect(film(), 3000, AlwaysThere(), describes)
    assert seen.found.all() and seen.landmarks.shape == (3000, 68, 2)
    assert film.most < 20
    assert describes.count == len(seen.descriptors) == 3000 / 25  # one a second


# --- the sound ---


def test_sound_is_that_of_the_frames(clip):
    samples = np.arange(5 * 640, dtype=np.float32)
    cut = clip.cut(range(2, 4))
    np.testing.assert_array_equal(sound_of(clip, samples), samples)
    np.testing.assert_array_equal(sound_of(cut, samples), samples[1280:2560])
    np.testing.assert_array_equal(
        sound_of(cut, samples[:1300]), np.append(samples[1280:1300], np.zeros(1260))
    )
    assert not sound_of(cut, samples[:900]).any()
    assert len(sound_of(cut, samples[:900])) == 1280


# --- models and devices ---


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.pt"):
        read_method("ours", str(tmp_path / "nothing.pt"), "truth", ON_CPU)


def test_bf16_is_used_when_asked_for_and_differs_a_little(tmp_path):
    _, checkpoint = save_models(tmp_path)
    draw = np.random.default_rng(0)
    points = draw.uniform(4, 28, (6, 68, 2)).astype(np.float32)
    face = draw.integers(0, 255, (32, 32, 3), np.uint8)
    frames = {}
    for precision, kind in (("32-true", torch.float32), ("bf16-true", torch.bfloat16)):
        device = RenderingDevice("cpu", precision, 16)
        model = read_method("ours", "truth", str(checkpoint), device).translator
        assert {p.dtype for p in model.parameters()} == {kind}
        frames[precision] = np.stack(list(methods.translate(model, points, face))).astype(int)
    apart = np.abs(frames["32-true"] - frames["bf16-true"])
    assert 0 < apart.mean() < 3
    assert frames["32-true"].std() > 10


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_gpu_the_cpu_renders_as_the_config_says(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with rendering_device(RenderingOptions(device), threads=1) as chosen:
        assert chosen == RenderingDevice("cpu", "32-true", "auto")
        assert [chosen.frames_at_once(size) for size in (128, 256, 1024)] == [16, 4, 1]
        assert torch.get_num_threads() == 1
        assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.allow_tf32
    assert str(chosen).endswith(", 32-true")
    asked = RenderingOptions(device, "bf16-true", 3)
    with rendering_device(asked, threads=1) as chosen:
        assert chosen == RenderingDevice("cpu", "bf16-true", 3)
        assert chosen.frames_at_once(256) == 3


def test_auto_takes_the_precision_that_the_device_does_fast(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for fast, expected in ((True, "bf16-true"), (False, "32-true")):
        monkeypatch.setattr("emohead.methods.device.bf16_is_fast", lambda kind, fast=fast: fast)
        with rendering_device(RenderingOptions(precision="auto"), threads=1) as chosen:
            assert chosen.precision == expected


def test_a_gpu_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        pytest.raises(
            ValueError, match=r"^rendering\.device is cuda and torch finds no GPU: "
        ) as e,
        rendering_device(RenderingOptions("cuda"), threads=1),
    ):
        pass
    assert "\n" not in str(e.value)
