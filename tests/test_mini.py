"""The embedded data set: files in MEAD's layout, and faces that do what voice and emotion say."""

import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import dlib
import numpy as np
import pytest
import skimage.data
from scipy.interpolate import RBFInterpolator

from emohead.config import MINI_SPEAKERS
from emohead.data.mead import EMOTIONS
from emohead.features.points import lip_opening
from emohead.media.reading import read_video
from emohead.mini.acting import act, expression_envelope
from emohead.mini.action_units import EXPRESSIONS
from emohead.mini.dataset import make_speaker
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.sentences import SENTENCE_COUNT, sentence
from emohead.mini.speech import MANNERS, SAMPLE_RATE, VOICES, Phoneme, Utterance, speak
from emohead.mini.visemes import REST, MouthShape, mouth_curves
from emohead.mini.warping import Box, backward_field

SCRIPT = Path(__file__).parents[1] / "workflow_scripts" / "make_mini.py"
SENTENCE_WITH_P_AND_A = "Papa made both of us a pot of mushroom soup."


@pytest.fixture(scope="module", params=tuple(PORTRAITS))
def renderer(request):
    return Renderer(PORTRAITS[request.param]())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("mini")
    videos = make_speaker(root, "W901", emotions=("neutral", "sad"), levels=(3,), sentences=1)
    return root, videos


def landmarks_of(finder, image):
    boxes = finder.boxes(image)
    assert len(boxes) == 1
    return finder.landmarks(image, boxes[0])


def test_every_speaker_has_a_face_and_a_voice():
    assert MINI_SPEAKERS == tuple(PORTRAITS) == tuple(VOICES)


def face_of(emotion):
    return FacePose(EXPRESSIONS[emotion].unit_weights())


def test_files_lie_where_mead_has_them(made):
    root, videos = made
    files = sorted(str(file.relative_to(root)) for file in root.rglob("*.m*"))
    assert files == [
        "W901/audio/neutral/level_1/001.m4a",
        "W901/audio/sad/level_3/001.m4a",
        "W901/video/front/neutral/level_1/001.mp4",
        "W901/video/front/sad/level_3/001.mp4",
    ]
    assert [str(video.relative_to(root)) for video in videos] == files[2:]


def test_video_and_audio_have_one_length_and_say_that_they_are_synthetic(made):
    root, videos = made
    for video in videos:
        audio = root / "W901/audio" / video.relative_to(root / "W901/video/front")
        with av.open(str(video)) as pictures, av.open(str(audio.with_suffix(".m4a"))) as sound:
            stream = pictures.streams.video[0]
            assert stream.average_rate == Fraction(25)
            assert (stream.width, stream.height) == (256, 256)
            assert sound.streams.audio[0].channels == 1
            seconds = [float(s.duration * s.time_base) for s in (stream, sound.streams.audio[0])]
            assert abs(seconds[0] - seconds[1]) < 0.025
            assert 2.0 < seconds[0] < 4.2
            assert "Synthetic" in pictures.metadata["comment"]


def test_every_frame_has_exactly_one_face(made, finder):
    for video in made[1]:
        faces = [len(finder.boxes(frame)) for frame in read_video(video)[::4]]
        assert len(faces) > 10
        assert set(faces) == {1}


def test_script_makes_the_same_bytes_again(made, tmp_path):
    root, _ = made
    wishes = ["--speaker", "W901", "--emotions", "neutral", "--sentences", "1", "--output"]
    subprocess.run([sys.executable, str(SCRIPT), *wishes, str(tmp_path / "W901")], check=True)
    for file in ("video/front/neutral/level_1/001.mp4", "audio/neutral/level_1/001.m4a"):
        assert (tmp_path / "W901" / file).read_bytes() == (root / "W901" / file).read_bytes()


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"speaker": "M003"}, "W901, W902"),
        ({"emotions": ["joy"]}, ", ".join(EMOTIONS)),
        ({"levels": [4]}, "1, 2, 3"),
        ({"sentences": SENTENCE_COUNT + 1}, f"1 to {SENTENCE_COUNT}"),
        ({"frame_size": 127}, "even"),
    ],
)
def test_unknown_wishes_are_refused_with_what_there_is(tmp_path, change, allowed):
    wishes = {"speaker": "W901", "sentences": 1, **change}
    with pytest.raises(ValueError, match=allowed):
        make_speaker(tmp_path, **wishes)
    assert not list(tmp_path.iterdir())


def test_lips_close_on_bilabials_and_open_on_a(renderer, finder):
    rng = np.random.default_rng(0)
    said = speak(SENTENCE_WITH_P_AND_A, VOICES["W901"], MANNERS["neutral"], 1.0, rng)
    poses = act("neutral", 1.0, said, rng)

    def openings(sounds):
        ends = [phoneme.start for phoneme in said.phonemes[1:]]
        middles = [
            (phoneme.start + end) / 2
            for phoneme, end in zip(said.phonemes, ends, strict=False)
            if phoneme.mnemonic in sounds
        ]
        assert len(middles) >= 2
        pictures = [renderer.render(poses[int(25 * (middle - 0.02))]) for middle in middles]
        return [lip_opening(landmarks_of(finder, picture)) for picture in pictures]

    closed, wide = openings(("p", "b", "m")), openings(("'A:", "'0"))
    # dlib sees about a pixel between Hopper's closed lips.
    assert np.median(closed) < 1.5 and max(closed) < 3
    assert min(wide) > 8


def test_mouth_opens_as_far_as_it_is_told(renderer, finder):
    gaps = [
        lip_opening(landmarks_of(finder, renderer.render(FacePose(face_of("neutral").units, m, j))))
        for m, j in ((REST, 0.0), (MouthShape(open=0.4), 0.34), (MouthShape(open=0.8), 0.68))
    ]
    assert gaps[0] < 2 and gaps[1] > gaps[0] + 3 and gaps[2] > gaps[1] + 3


def test_faces_show_the_emotion(renderer, finder):
    shown = {
        emotion: landmarks_of(finder, renderer.render(face_of(emotion)))
        for emotion in ("angry", "happy", "neutral", "sad", "surprised")
    }

    def brow_height(emotion):
        points = shown[emotion]
        return points[36:48, 1].mean() - points[19:25, 1].mean()

    def corner_below(emotion, landmark):
        points = shown[emotion]
        return points[[48, 54], 1].mean() - points[landmark, 1]

    # Small for Hopper: dlib holds the frame of her glasses for brows.
    assert brow_height("angry") < brow_height("neutral") - 0.75
    assert brow_height("surprised") > brow_height("neutral") + 1.5
    nose_tip, upper_lip = 33, 51
    assert corner_below("happy", nose_tip) < corner_below("neutral", nose_tip) - 1.5
    assert corner_below("sad", upper_lip) > corner_below("neutral", upper_lip) + 1.0


def test_a_face_recogniser_does_not_take_w901_for_the_astronaut():
    models = Path(find_spec("face_recognition_models").origin).parent / "models"
    recogniser = dlib.face_recognition_model_v1(
        str(models / "dlib_face_recognition_resnet_model_v1.dat")
    )
    predictor = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    detector = dlib.get_frontal_face_detector()

    def descriptor(image):
        image = np.ascontiguousarray(image)
        box = max(detector(image, 1), key=dlib.rectangle.area)
        return np.array(recogniser.compute_face_descriptor(image, predictor(image, box)))

    photo = skimage.data.astronaut()
    known = [descriptor(photo), descriptor(photo[:, ::-1])]
    # The recogniser works: the mirrored photo is the same person.
    assert np.linalg.norm(known[0] - known[1]) < 0.3
    renderer = Renderer(PORTRAITS["W901"]())
    distances = [
        np.linalg.norm(descriptor(renderer.render(face_of(emotion))) - person)
        for emotion in EMOTIONS
        for person in known
    ]
    same_person = 0.6  # dlib's own threshold
    assert min(distances) > same_person + 0.05


def test_blink_closes_the_eyes(finder):
    renderer = Renderer(PORTRAITS["W901"]())
    units = face_of("neutral").units
    heights = [
        np.ptp(landmarks_of(finder, renderer.render(FacePose(units, lids=lids)))[36:42, 1])
        for lids in (0.0, 1.0)
    ]
    assert heights[1] < 0.7 * heights[0]


def utterance_of_noise():
    """Two seconds of noise between half a second of silence on either side."""
    samples = np.zeros(3 * SAMPLE_RATE, np.float32)
    voiced = slice(SAMPLE_RATE // 2, 5 * SAMPLE_RATE // 2)
    samples[voiced] = np.random.default_rng(1).normal(0, 0.1, 2 * SAMPLE_RATE)
    return Utterance(samples, [Phoneme(0.5, "a"), Phoneme(2.5, "_")])


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_expression_sets_in_stands_and_relaxes(emotion):
    envelope = expression_envelope(emotion, utterance_of_noise())
    assert envelope.shape == (75,)
    assert 0 < envelope[0] < 0.4 * envelope.max()
    assert 15 < envelope.argmax() < 60
    assert 0.2 < envelope[-1] < 0.7 * envelope.max()
    assert envelope.max() <= 1


def test_surprise_and_anger_come_faster_than_sadness():
    said = utterance_of_noise()
    half_way = {
        emotion: int(np.argmax(expression_envelope(emotion, said) > 0.5))
        for emotion in ("surprised", "angry", "sad")
    }
    assert half_way["surprised"] <= half_way["angry"] < half_way["sad"] - 3


def test_anger_is_loud_and_quick_sadness_soft_and_slow():
    def say(emotion, strength):
        rng = np.random.default_rng(3)
        return speak(sentence("happy", 2), VOICES["W902"], MANNERS[emotion], strength, rng)

    angry, neutral, sad = say("angry", 1.0), say("neutral", 1.0), say("sad", 1.0)
    assert angry.frames < neutral.frames < sad.frames
    assert angry.loudness().max() > neutral.loudness().max() > sad.loudness().max()
    # A stronger emotion is further from neutral.
    assert neutral.frames < say("sad", 0.5).frames < sad.frames


@pytest.mark.parametrize("speaker", tuple(VOICES))
def test_every_voice_says_the_same_again(speaker):
    takes = [
        speak(sentence("fear", 4), VOICES[speaker], MANNERS["fear"], 1.0, np.random.default_rng(5))
        for _ in range(4)
    ]
    for again in takes[1:]:
        np.testing.assert_array_equal(again.samples, takes[0].samples)
        assert again.phonemes == takes[0].phonemes


def test_mouth_follows_the_phonemes_in_time():
    phonemes = [Phoneme(0.2, "a"), Phoneme(0.6, "m"), Phoneme(0.8, "a"), Phoneme(1.2, "_")]
    mouth = mouth_curves(phonemes, 35)
    opening, press = mouth[:, 0], mouth[:, 3]
    assert abs(opening.argmax() / 25 - 0.4) < 0.15 or abs(opening.argmax() / 25 - 1.0) < 0.15
    assert opening[17] < 0.05 and press[17] > 0.9  # the middle of the m
    assert opening[[0, 1, 33, 34]].max() < 0.05


def test_thin_plate_spline_agrees_with_scipy():
    rng = np.random.default_rng(0)
    targets = rng.uniform(20, 230, (30, 2))
    sources = targets + rng.normal(0, 4, (30, 2))
    box = Box(60, 80, 141, 175)
    field = backward_field(targets, sources, box)
    spline = RBFInterpolator(targets, sources, kernel="thin_plate_spline", smoothing=0.5)
    expected = spline([(60, 80), (100, 120), (140, 174), (61, 173)])
    found = [field[0, 0], field[40, 40], field[94, 80], field[93, 1]]
    # Between the grid's nodes the field is interpolated.
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_training_and_test_part_share_no_text():
    said = {sentence(e, n) for e in EMOTIONS for n in range(1, SENTENCE_COUNT + 1)}
    assert len(said) == 3 + 8 * (SENTENCE_COUNT - 3)  # three are said in all emotions
    trained = {sentence(e, n) for e in EMOTIONS for n in range(1, 11)}
    tested = {sentence(e, n) for e in EMOTIONS for n in (11, 12)}
    assert not trained & tested
