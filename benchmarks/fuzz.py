"""Mutated pictures, sounds, videos, tables and bundles through the command line, for a given time.

    python benchmarks/fuzz.py --minutes 30 [--seed 0] [--kinds picture sound video table bundle]
        [--keep FOLDER]

Every input is a good one with bytes changed, removed, repeated or swapped, or with another file's
part in it. It must end in a result, or in one sentence. What ends otherwise (an exception that is
not told in words, a crash, more than 60 s of processor time, more than 6 GiB) is printed with its
input, which is kept in --keep. The same seed gives the same inputs.

A process takes a batch of inputs, since Python needs seconds to start; when one dies, the input
that it was at is the finding. Good inputs are made from scikit-image's astronaut and tones.
"""

import argparse
import collections
import contextlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow_scripts"), str(ROOT / "tests")]

KINDS = ("picture", "sound", "video", "table", "bundle")
BATCH, SECONDS, MEMORY = 100, 60, 6 << 30
MODULES = ["emohead.generate.generate", "emohead.features.shard", "emohead.cli"]
RATE = 16_000


# Good inputs


def portrait() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352])


def tones(seconds: float) -> np.ndarray:
    time_ = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(1400 * time_) * np.sin(20 * time_) ** 2).astype(np.float32)


def write_pictures(folder: Path) -> None:
    from PIL import Image

    image = Image.fromarray(portrait()[:, :, :])
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x010F] = 6, 72.0, "maker"
    profile = io.BytesIO()
    image.resize((64, 64)).save(profile, "png")
    for name, options in {
        "a.jpg": {"exif": exif, "quality": 80}, "b.png": {"exif": exif}, "c.webp": {"exif": exif},
        "d.gif": {}, "e.bmp": {}, "f.tiff": {"exif": exif}, "g.ppm": {}, "h.ico": {}, "i.tga": {},
        "j.jp2": {}, "k.avif": {}, "l.dds": {}, "m.pcx": {}, "n.sgi": {}, "o.icns": {},
    }.items():  # fmt: skip
        with contextlib.suppress(OSError, KeyError, ValueError):  # not in every Pillow
            image.save(folder / name, **options)
    Image.fromarray(portrait()).convert("CMYK").save(folder / "p.jpg")
    Image.fromarray(portrait()).convert("P").save(folder / "q.png")
    Image.fromarray(np.dstack([portrait(), portrait()[..., 0]])).save(folder / "r.png")


def write_sounds(folder: Path) -> None:
    for name, codec, rate, layout in (
        ("a.wav", "pcm_s16le", RATE, "stereo"), ("b.mp3", "libmp3lame", 44_100, "mono"),
        ("c.m4a", "aac", 48_000, "stereo"), ("d.flac", "flac", RATE, "mono"),
        ("e.opus", "libopus", 48_000, "mono"), ("f.aac", "aac", RATE, "mono"),
        ("g.mka", "aac", RATE, "stereo"), ("h.aiff", "pcm_s16be", RATE, "mono"),
        ("i.wav", "pcm_f32le", RATE, "mono"), ("j.au", "pcm_mulaw", 8000, "mono"),
    ):  # fmt: skip
        samples = np.stack([tones(0.4 * rate / RATE)] * (2 if layout == "stereo" else 1))
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=rate, layout=layout)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode())


def write_videos(folder: Path) -> None:
    from media_factory import make_clip, regular_times

    def picture(moment: float) -> np.ndarray:
        shift = np.array([[1, 0, 20 * np.sin(3 * moment)], [0, 1, 0]])
        return cv2.warpAffine(portrait(), shift, (256, 256), borderMode=cv2.BORDER_REPLICATE)

    for name, options in {
        "a.mp4": {}, "b.mkv": {}, "c.mov": {"clockwise": 90}, "e.ts": {},
        "d.avi": {"codec": "mpeg4", "rate": Fraction(25), "sound_codec": "libmp3lame"},
        "f.webm": {"codec": "libvpx-vp9", "sound_codec": "libopus",
                   "codec_options": {"cpu-used": "8", "deadline": "realtime"}},
        "g.mp4": {"pixel_format": "yuv444p10le", "codec_options": {"preset": "ultrafast"}},
    }.items():  # fmt: skip
        make_clip(
            folder / name, times=regular_times(25, 0.8), picture=picture,
            sound=np.repeat(tones(0.8), 3), **options,
        )  # fmt: skip


def write_tables(folder: Path) -> None:
    rows = "file,speaker,emotion,level\n" + "".join(
        f"{name},anna,{emotion},{level}\n"
        for name, emotion, level in (
            ("a.mp4", "happy", 1),
            ("ü b.mp4", "sad", ""),
            ("c", "fear", 3),
        )
    )
    archives = "speaker,kind,url,sha256,bytes\nM003,video,/data/a.tar,,\nM003,audio,s3://b/c,,12\n"
    for name, text in (("footage", rows), ("archives", archives)):
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            (folder / f"{name}-{encoding}.csv").write_bytes(text.encode(encoding))
        (folder / f"{name}-semicolons.csv").write_text(text.replace(",", ";"))
    shutil.copy(ROOT / "config.yaml", folder / "config.yaml")


def write_bundles(folder: Path) -> None:
    from method_factory import CONFIG, save_models

    from emohead.generate.bundle import export_bundle
    from emohead.generate.card import make_card

    landmarks, translator = save_models(folder)
    export_bundle(landmarks, translator, folder / "ours.h5", card=make_card(CONFIG, "ours", 0))
    landmarks.unlink()
    translator.unlink()


WRITERS = {
    "picture": write_pictures, "sound": write_sounds, "video": write_videos,
    "table": write_tables, "bundle": write_bundles,
}  # fmt: skip


# Mutations


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A file with one to four things wrong with it."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        size = len(made)
        if size < 4:
            return bytes(made)
        # Headers are where most of the meaning is.
        place = rng.randrange(min(size, 400)) if rng.random() < 0.5 else rng.randrange(size)
        length = min(rng.choice((1, 2, 4, 8, 64, 1000)), size - place)
        way = rng.randrange(8)
        if way == 0:
            made[place] ^= 1 << rng.randrange(8)
        elif way == 1:
            made[place : place + length] = rng.randbytes(length)
        elif way == 2:
            made[place : place + length] = rng.choice((b"\0", b"\xff", b"\x7f", b"9")) * length
        elif way == 3:
            del made[place : place + length]
        elif way == 4:
            made[place:place] = made[place : place + length]
        elif way == 5:
            del made[rng.randrange(size) :]
        elif way == 6:
            start = rng.randrange(max(1, len(other)))
            made[place:place] = other[start : start + rng.choice((8, 100, 10_000))]
        else:
            value = rng.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, rng.getrandbits(32)))
            made[place : place + 4] = value.to_bytes(4, rng.choice(("big", "little")))
    return bytes(made)


# What is done with an input: as the command line does it


def run_cli(*arguments: object) -> None:
    """`emohead ...` in this process; anything but a result or a sentence is raised."""
    from emohead.cli import main

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = main([str(each) for each in arguments])
    lines = said.getvalue().strip().splitlines()
    if status not in (0, 1) or (status == 1 and len(lines) != 1):
        raise AssertionError(f"status {status}, said: {lines[-3:]}")


def spare_loading(bundle: Path) -> None:
    """Load once for a batch what every call of `emohead generate` would: a second's work."""
    from emohead import cli
    from emohead.features.faces import FaceFinder
    from emohead.generate import generate
    from emohead.generate.bundle import read_bundle

    finder, model = FaceFinder(), read_bundle(bundle)
    generate.FaceFinder = lambda: finder
    read_model = cli._read_model
    cli._read_model = lambda flags: model if flags.model == bundle else read_model(flags)


def use(kind: str, path: Path, good: Path, scratch: Path) -> None:
    """Take one input where people would put it."""
    from emohead.archives.table import read_archive_table
    from emohead.data.footage import read_footage
    from emohead.generate.bundle import read_config

    bundle = good / "bundle/ours.h5"
    out = ("--out", scratch / "made.mp4", "--quiet", "--device", "cpu", "--precision", "float32")
    if kind == "picture":
        run_cli(
            "generate", "--model", bundle, "--audio", good / "sound/a.wav", "--face", path, *out
        )
    elif kind == "sound":
        run_cli(
            "generate", "--model", bundle, "--audio", path, "--face", good / "picture/a.jpg", *out
        )
    elif kind == "video":
        extract(path, scratch)
    elif kind == "bundle":
        run_cli("info", "--model", path)
    else:
        # What the workflow reads when it starts; its checks tell a ValueError in a sentence.
        for read in (
            lambda: read_footage(path, path.parent),
            lambda: read_archive_table(path),
            lambda: read_config([path]),
        ):
            try:
                read()
            except ValueError as error:
                if path.name not in str(error) or "\n" in str(error):
                    raise  # words of a library's, which don't say whereof


def extract(path: Path, scratch: Path) -> None:
    """Rule extract_features: a reason in the table, and none that is unexpected."""
    from emohead.data.mead import Clip
    from emohead.features import shard

    clip = Clip("anna", "front", "happy", 1, 1, path, path)
    part = shard._Part.of(clip, scratch, shard.FeatureOptions(crop_size=64))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        shard._make_part(part, shard.FeatureOptions(crop_size=64))
    for row in part.rows():
        if str(row.get("rejected", "")).startswith("unexpected"):
            raise AssertionError(said.getvalue())


# Batches


def work(kind: str, inputs: list[Path], good: Path, log: Path) -> None:
    """One process: each input in turn; what is being tried and what was found go to `log`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)  # FFmpeg's own words
    scratch = Path(tempfile.mkdtemp(dir=log.parent))
    if kind in ("picture", "sound"):
        spare_loading(good / "bundle/ours.h5")
    with log.open("a") as told:
        for path in inputs:
            print(json.dumps({"at": str(path)}), file=told, flush=True)
            # Nobody handles the signal: it ends the process, wherever it hangs.
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                use(kind, path, good, scratch)
            except BaseException:
                print(json.dumps({"found": traceback.format_exc()}), file=told, flush=True)
        print(json.dumps({"done": True}), file=told, flush=True)


def run_batch(kind: str, inputs: list[Path], good: Path, folder: Path) -> list[tuple[Path, str]]:
    """The findings of a batch; a process that dies, or hangs, is one, and the rest goes on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    found: list[tuple[Path, str]] = []
    left = list(inputs)
    while left:
        log = folder / "log"
        log.unlink(missing_ok=True)
        process = context.Process(target=work, args=(kind, left, good, log))
        process.start()
        process.join()
        lines = read_log(log)
        at: Path | None = None
        for line in lines:
            if "at" in line:
                at = Path(line["at"])
            elif "found" in line:
                found.append((at, line["found"]))
        if any("done" in line for line in lines):
            return found
        if at is None:
            raise SystemExit("a process died before its first input")
        hung = process.exitcode == -signal.SIGPROF
        killed = "took too long" if hung else f"died ({process.exitcode})"
        found.append((at, f"the process {killed}"))
        left = left[left.index(at) + 1 :]
    return found


def read_log(log: Path) -> list[dict]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    flags = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A fork server looks for modules there alone: without it, another checkout's may be tried.
    os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])
    rng = random.Random(flags.seed)
    counts: collections.Counter[str] = collections.Counter()
    findings: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + 60 * flags.minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = folder / "good"
        for kind, write in WRITERS.items():
            (good / kind).mkdir(parents=True)
            write(good / kind)
        samples = {kind: sorted((good / kind).iterdir()) for kind in KINDS}
        everything = [path.read_bytes() for paths in samples.values() for path in paths]
        batches = 0
        while time.monotonic() < end:
            kind = flags.kinds[batches % len(flags.kinds)]
            batches += 1
            batch = folder / "batch"
            shutil.rmtree(batch, ignore_errors=True)
            batch.mkdir()
            inputs = []
            for number in range(BATCH):
                sample = rng.choice(samples[kind])
                path = batch / f"{number:02d}-{sample.name}"
                path.write_bytes(mutate(sample.read_bytes(), rng.choice(everything), rng))
                inputs.append(path)
            for path, told in run_batch(kind, inputs, good, folder):
                findings[kind] += 1
                kept = flags.keep / f"{flags.seed}-{batches}-{path.name}"
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, kept)
                print(f"--- {kind}: {kept}\n{told}", flush=True)
            counts[kind] += len(inputs)
    for kind in flags.kinds:
        print(f"{kind}: {counts[kind]} inputs, {findings[kind]} findings")


if __name__ == "__main__":
    main()
