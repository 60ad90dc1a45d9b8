"""Small studies for tests: videos of a moving square with a tone, and made-up answers."""

import json
from pathlib import Path

import numpy as np

from emohead.media.reading import SAMPLES_PER_FRAME
from emohead.media.writing import write_video
from emohead.study.key import Key, read_key
from emohead.study.page import write_study
from emohead.study.simulate import simulate_answers

METHODS = ("ground_truth", "copy_reference", "baseline", "ours")
TEST_IDS = [
    f"{speaker}-front-{emotion}-3-{number:03d}"
    for speaker in ("M001", "W002")
    for emotion in ("angry", "happy", "sad")
    for number in (24, 25)
]
QUESTIONS = {
    name: {"text": f"Question {name}?", "low": "bad", "high": "good"}
    for name in ("ls", "ee", "vpq")
}
# Of 64 pixels, x264 gives other bytes now and then.
CLIPS, FRAMES, SIZE = 4, 6, 128


def make_videos(folder: Path, *, frames: dict[str, int] | None = None) -> dict[str, list[Path]]:
    """Videos of every method and test clip that say in their metadata what they are.

    Those of a method named in `frames` have so many frames.
    """
    for place, method in enumerate(METHODS):
        for number, clip_id in enumerate(TEST_IDS):
            length = (frames or {}).get(method, FRAMES)
            images = np.full((length, SIZE, SIZE, 3), 40 * place + 30, np.uint8)
            for t, image in enumerate(images):
                image[20:40, 5 + 3 * t : 25 + 3 * t] = 15 * number + 40
            time = np.arange(length * SAMPLES_PER_FRAME) / 16_000
            tone = 0.3 * np.sin(2 * np.pi * (300 + 100 * number) * time)
            write_video(
                folder / method / f"{clip_id}.mp4", images, audio=tone.astype(np.float32),
                comment=f"{method} {clip_id}: synthetic",
            )  # fmt: skip
    return {method: [folder / method] for method in METHODS}


def make_study(folder: Path, videos: dict[str, list[Path]], *, seed: int = 0, **more) -> Key:
    """A study of `videos` in `folder`: study.html, key.json, protocol.md."""
    options = {
        "clips": CLIPS, "points": 10, "reference": "same_emotion", "questions": QUESTIONS,
        "consent": "You rate <b>videos</b> & nothing else.",
    } | more  # fmt: skip
    return write_study(
        videos, TEST_IDS, seed=seed, page=folder / "study.html", key=folder / "key.json",
        keys=folder / "keys", protocol=folder / "protocol.md", **options,
    )  # fmt: skip


def good_answers(study: Path, folder: Path, raters: int) -> list[dict]:
    """Answers that are as a person's: of made-up raters who hear, in files and returned."""
    key = read_key(study / "key.json")
    simulate_answers(key, raters, folder)
    answers = []
    for path in sorted(folder.glob("*.json")):
        answer = json.loads(path.read_text()) | {"simulated": False}
        for item, trial in zip(key.order(answer["turn"]), answer["trials"], strict=True):
            if item.method == "ground_truth":
                trial["ls"] = 1 if item.kind == "trap" else 9
        path.write_text(json.dumps(answer))
        answers.append(answer)
    return answers
