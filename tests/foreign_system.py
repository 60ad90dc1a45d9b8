"""Somebody else's talking heads: the reference face, brighter where the sound is loud."""

from pathlib import Path

import cv2
import pandas as pd

from emohead.media.reading import read_audio


def foreign_system(inputs: Path, out: Path, *, reference: str, name: str = "{}.mp4") -> None:
    """Read inputs.csv, write a video for each clip; `name` has {} for the clip's id."""
    table = pd.read_csv(inputs / "inputs.csv", keep_default_na=False)
    table = table[(table["reference"] == reference) & (table["framing"] == "crop")]
    for row in table[table["size"] == table["size"].min()].itertuples():
        image = cv2.imread(str(inputs / row.image))
        path, codec = str(out / name.format(row.clip_id)), cv2.VideoWriter_fourcc(*"mp4v")
        film = cv2.VideoWriter(path, codec, 25, image.shape[1::-1])
        loudness = read_audio(inputs / row.wav).reshape(row.frames, 640).std(axis=1)
        for level in loudness / loudness.max():
            film.write(cv2.convertScaleAbs(image, alpha=0.7 + 0.3 * level))
        film.release()
