# What jobs need: memory, minutes, disk and cores, from the clips, frames and pixels of the config.
# Clusters look at all of them; Snakemake on one machine at cores, gpu and download alone, unless
# it is told a limit (`--resources mem_mb=16000`).
import math

from emohead.data.expected import (
    FEATURE_BYTES,
    clip_frames,
    stored_frame_bytes,
)
from emohead.plan.rates import FRAME_SIZE, Memory, Rates, cores_for, hourglass_gflop

CROP_SIZE = config["features"]["crop_size"]
SOURCE = config["data"]["source"]
MIB = 2**20
# Pixels of a frame in those of the frames that were measured.
AREA = (CROP_SIZE / FRAME_SIZE) ** 2
# A job may take so many times what it is expected to: the core may be slower than the one that was
# measured, other jobs may be beside it, the clips longer; and some minutes until it begins.
PATIENCE, BEGINNING = 3, 10
# A training goes on from its last checkpoint, and clusters refuse jobs of many days.
LONGEST_TRAINING = 24 * 60
# The limit of a translator's decoded frames; above it they are decoded when asked for (translator/data.py).
HELD_MIB = 8 * 1024
# The paper's translator, on which rates were measured.
PAPER_WIDTHS = (64, 128, 256, 512, 512, 512)


def again(first):
    """A resource of a first attempt, doubled and trebled for the next ones.

    `first` is a number, or a function of the wildcards and inputs. What an attempt has done lies in
    state/, where the next one goes on.
    """

    def resource(wildcards, input, attempt):
        value = first(wildcards, input) if callable(first) else first
        return attempt * math.ceil(value)

    return resource


def minutes(seconds, cores=1):
    """The limit of a job that is expected to take so many seconds of a core."""
    return BEGINNING + PATIENCE * seconds / cores / 60


# How much there is to do.


@cache
def shard_frames(speaker, emotion):
    """Frames of a shard's clips, as far as they are known before they are read."""
    if SOURCE == "footage":
        clips = len(footage()[speaker, emotion])
    else:
        clips = emohead.config.clips_of(config["data"], emotion)
    return clips * clip_frames(SOURCE)


@cache
def stored_frames(path):
    """Frames in a feature shard that is there, by its size."""
    return Path(path).stat().st_size / stored_frame_bytes(CROP_SIZE)


@cache
def shards_of(speaker):
    """A speaker's emotions with their feature shards."""
    return {
        emotion: f"results/features/{speaker}-{emotion}.h5"
        for each, emotion in shards()
        if each == speaker
    }


def speaker_frames(speaker):
    """Frames of a speaker: of the shards that are there, and of those that are to come."""
    return sum(
        stored_frames(path) if os.path.exists(path) else shard_frames(speaker, emotion)
        for emotion, path in shards_of(speaker).items()
    )


def shares(speaker):
    """The parts of a speaker's clips that are trained on and tested; of a list, at most."""
    split = config["split"]
    if split["unit"] == "list":
        return 1, 1
    if split["unit"] == "speaker":
        return (0, 1) if speaker in split["test_speakers"] else (1, 0)
    return 1 - split["test_fraction"], split["test_fraction"]


def test_frames(wildcards):
    """Frames of a speaker's test part."""
    return shares(wildcards.speaker)[1] * speaker_frames(wildcards.speaker)


def train_frames():
    """Frames of everybody's training part."""
    return sum(shares(speaker)[0] * speaker_frames(speaker) for speaker in speakers())


@cache
def million_scores():
    """Scores of all runs, in millions."""
    tested = sum(shares(speaker)[1] for speaker in speakers()) / len(speakers())
    # A clip that is cut in time is tested, too.
    clips = expected_clips() * (1 if config["split"]["unit"] == "time" else tested)
    return len(method_runs()) * clips * Rates.scores.value / 1e6


@cache
def work_of(translator):
    """A translator's work for a frame, about, in that of the paper's at 256 pixels.

    A convolution's work grows with the square of its width; the deeper ones have fewer pixels.
    """
    widths = model_options("translator", translator)["model"]["widths"]

    def work(widths):
        return sum((width / 2**depth) ** 2 for depth, width in enumerate(widths))

    return AREA * work(widths) / work(PAPER_WIDTHS)


@cache
def motion_work(name):
    """What a motion field computes for a pair of frames, in that of First Order Motion's at 256."""
    widths = model_options("motion_field", name)["model"]["generator_widths"]
    return AREA * (widths[0] / 64) ** 2


# Data and features.


def extraction_cores(wildcards):
    """Processes for one shard: the cores that the other shards leave over; on a cluster, where
    there are as many as one likes, those that it needs."""
    if workflow.local_exec:
        return max(1, (workflow.cores or 1) // len(shards()))
    return cores_for(extraction_seconds(wildcards))


def extraction_seconds(wildcards):
    """Seconds of a core."""
    frames = shard_frames(wildcards.speaker, wildcards.emotion)
    return frames * Rates.extract_features.value


def extraction_minutes(wildcards, input):
    """The limit of a shard's extraction."""
    return minutes(extraction_seconds(wildcards), extraction_cores(wildcards))


def extraction_memory(wildcards, input):
    """MiB of the processes that work on clips, and of the one that waits for them."""
    return 500 + extraction_cores(wildcards) * Memory.extract_features


def sound_minutes(wildcards, input):
    """The limit of a shard's sound."""
    frames = shard_frames(wildcards.speaker, wildcards.emotion)
    return minutes(frames * Rates.extract_sound.value)


def shard_megabytes(wildcards, input):
    """MB of a shard, twice: its clips in state/ and the file that they are joined in."""
    frames = shard_frames(wildcards.speaker, wildcards.emotion)
    return 2 * frames * stored_frame_bytes(CROP_SIZE) / 1e6


def archive_megabytes(wildcards, input):
    """MB of a speaker's archives (of one kind, where the job has one), as far as the table knows."""
    return sum(
        (row.bytes or 20e9) / 1e6
        for (speaker, kind), row in archives().items()
        if speaker == wildcards.speaker and kind == getattr(wildcards, "kind", kind)
    )


def unpacking_minutes(wildcards, input):
    """The limit of unpacking, at 10 MB a second."""
    return minutes(archive_megabytes(wildcards, input) / 10)


def judging_minutes(wildcards, input):
    """Every fifth frame of the training part is decoded, which takes about 2 ms."""
    return minutes(train_frames() / 5 * 0.002)


def feature_memory(wildcards, input):
    """MiB of the training part's landmarks and MFCC, and of as much again in between."""
    return 1000 + 2 * train_frames() * FEATURE_BYTES / MIB


# Trainings.


def training_memory(stage, name):
    """MiB: what is held of the data, and of a translator a batch on its way forth and back."""
    if stage not in VGG_STAGES:
        # The PCA basis is fitted in float64.
        data = 2.5 * train_frames() * FEATURE_BYTES / MIB
        return 1.5 * (Memory.train_landmarks + data)
    frames = train_frames() * 3 * CROP_SIZE**2 / MIB
    data = frames if frames < HELD_MIB else 8 * 500  # or workers that read them
    work = work_of(name) if stage == "translator" else motion_work(name)
    batch = model_options(stage, name)["train"]["batch_size"] * work
    return 1.5 * (
        Memory.train_translator + data + batch * Memory.train_translator_image
    )


def training_minutes(stage, name):
    """With a GPU of 20 TFLOP/s, or with the cores that it has."""
    options = model_options(stage, name)
    train, model = options["train"], options["model"]
    length = clip_frames(SOURCE)
    seen = train_frames() * train["epochs"]
    if train.get("frames_per_clip"):
        seen *= min(1, train["frames_per_clip"] / length)
    if stage == "translator":
        gflop = Rates.translator_step.value * work_of(name)
    elif stage == "motion_field":
        gflop = Rates.motion_step.value * motion_work(name)
    elif stage in ("landmarks", "motion_audio"):
        gflop = Rates.landmarks_step.value
        if heard := hourglass_gflop(model):  # of a window of each clip
            gflop += heard * model.get("window", 64) / length
    else:
        seen = train["epochs"] * model["samples_per_epoch"]
        gflop = Rates.disentangler_step.value * (model["conv_width"] / 64) ** 2
    rate = 20_000
    if not gpus(stage, name):
        kind = stage if stage in VGG_STAGES else "landmarks"
        rate = getattr(Rates, f"train_{kind}").value * train_threads(stage, name)
    return min(LONGEST_TRAINING, minutes(seen * gflop / rate))


def trying_minutes(wildcards, input):
    """The limit of a motion field's gates, on the clips that were held out of its training."""
    train = model_options("motion_field", wildcards.motion_field)["train"]
    frames = train["validation"] * train_frames()
    seconds = render_seconds("motion", frames) + 2 * frames * Rates.redetect.value
    return minutes(seconds)


# Rendering and scoring.


def render_seconds(translator, frames):
    """Seconds of a core for so many frames, in float32."""
    rendering = Rates.write_frames.value * AREA
    if translator in config["translator"]["models"]:
        rendering += Rates.render_float32.value * work_of(translator)
    elif translator in ("bundle", "motion"):  # taken to be of the paper's size
        rendering += Rates.render_float32.value
    return frames * rendering


def cores_and_minutes(seconds):
    """A job's cores, one beside a GPU, and its limit, by its `seconds` of a core."""

    def cores(wildcards):
        return 1 if rendering_gpu() else cores_for(seconds(wildcards))

    def limit(wildcards, input):
        return minutes(seconds(wildcards), cores(wildcards))

    return cores, limit


def rendering_seconds(wildcards):
    """Seconds of a core for a speaker's test part."""
    translator = METHODS[wildcards.method]["translator"]
    return render_seconds(translator, test_frames(wildcards))


rendering_cores, rendering_minutes = cores_and_minutes(rendering_seconds)


def rendered_megabytes(wildcards, input):
    """MB of a speaker's frames, uncompressed."""
    return test_frames(wildcards) * 3 * CROP_SIZE**2 / 1e6


def scoring_minutes(wildcards, input):
    """The limit of a speaker's scores; somebody else's videos are searched for faces, too."""
    seconds = Rates.redetect.value + Rates.metrics.value
    if is_foreign(wildcards.method):
        seconds += Rates.extract_features.value
    return minutes(test_frames(wildcards) * seconds * max(AREA, 1 / 4))


def input_minutes(wildcards, input):
    """The limit of a speaker's inputs for other systems: every video is decoded and coded anew."""
    videos = len(config["inputs"]["framings"]) * len(config["inputs"]["sizes"])
    return minutes(test_frames(wildcards) * videos * Rates.extract_features.value)


def network_seconds(wildcards):
    """Seconds of a core for the networks' metrics of a speaker's test part."""
    frame = sum(
        getattr(Rates, name).value * (AREA if name == "lpips" else 1)
        for name, weights in WEIGHTS.items()
        if weights
    )
    return frame * test_frames(wildcards)


network_cores, network_minutes = cores_and_minutes(network_seconds)


def stage_seconds(wildcards):
    """Seconds of a core for a stage's model on a speaker's test part, with every reference face."""
    frames = test_frames(wildcards) * len(references())
    seconds = frames * AREA * Rates.metrics.value
    if wildcards.stage == "translator":
        seconds += render_seconds(wildcards.name, frames)
    return seconds


stage_cores, stage_minutes = cores_and_minutes(stage_seconds)


def rendering_memory(wildcards, input):
    """MiB: torch, a net, and a batch of frames; the paper's net is a tenth of it."""
    return 1.5 * Memory.render_clips


def report_memory(wildcards, input):
    """MiB of a job that reads all scores."""
    return 1000 + 2 * million_scores() * Memory.report_rows


def report_minutes(wildcards, input):
    """The limit of a job that reads all scores."""
    return minutes(million_scores() * Rates.report_rows.value)
