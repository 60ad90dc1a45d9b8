"""How much a config asks for, before there is any data: speakers, shards, clips and runs.

Says the same as the Snakefile does (a test compares them), but needs no data and no Snakemake.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from emohead.config import MINI_SPEAKERS, clips_of, model_options
from emohead.data.footage import footage_of
from emohead.data.mead import levels_of

#: MEAD's public part, for `speakers: null`.
MEAD_SPEAKERS = 48
#: Values that replace a model.
STAND_INS = {"truth", "reference"}


@dataclass(frozen=True)
class Sizes:
    """Sizes of a config's run.

    `rendered_runs` are the runs of methods with a translator, `predicted_runs` those with a
    landmark model alone, `copied_runs` those without any (ground truth and copy_reference among
    them), `foreign_runs` somebody else's videos; `references` are the kinds of reference face,
    `networks` those whose weights are given.
    """

    source: str
    speakers: int
    shards: int
    clips: int
    references: int
    seeds: int
    rendered_runs: int
    predicted_runs: int
    copied_runs: int
    foreign_runs: int
    networks: tuple[str, ...]

    @property
    def runs(self) -> int:
        """All runs that are scored."""
        return self.rendered_runs + self.predicted_runs + self.copied_runs + self.foreign_runs


def sizes(config: Mapping[str, Any]) -> Sizes:
    """Sizes of a whole config (config.yaml with what was laid over it).

    Counts what MEAD has, not what is on disk; of footage, its files. ValueError where
    that can't be read.
    """
    data = config["data"]
    speakers, shards, clips, neutral = (
        _footage(data) if data["source"] == "footage" else _mead_layout(data)
    )
    references = [r for r in config["evaluation"]["references"] if r != "neutral" or neutral]
    seeds = len(config["seeds"])
    rendered = predicted = foreign = 0
    copied = 1 + len(references)  # every config has ground_truth and copy_reference
    for method in config["methods"].values():
        if "videos" in method:
            foreign += 1
        elif "bundle" in method or (
            method.get("translator") == "warp" and method["landmarks"] in STAND_INS
        ):
            rendered += len(references)  # no training of this run, and so no further seed
        elif "motion" in method or method["translator"] not in STAND_INS:
            rendered += len(references) * seeds
        elif method["landmarks"] not in STAND_INS:
            predicted += len(references) * seeds
        else:  # without any model one seed does
            copied += len(references)
    return Sizes(
        source=data["source"],
        speakers=speakers,
        shards=shards,
        clips=clips,
        references=len(references),
        seeds=seeds,
        rendered_runs=rendered,
        predicted_runs=predicted,
        copied_runs=copied,
        foreign_runs=foreign,
        networks=tuple(name for name, file in config["evaluation"]["weights"].items() if file),
    )


def share_tested(config: Mapping[str, Any]) -> float:
    """The part of the clips that is tested; by `split.test_fraction` with the units clip and time.

    Else that of `split.test_speakers`, or of the clips in `split.list` that the config asks for.
    ValueError where the list can't be read.
    """
    split, data = config["split"], config["data"]
    if split["unit"] not in ("list", "speaker"):
        return split["test_fraction"]
    if data["source"] == "footage":
        clips, _ = footage_of(data)
        if split["unit"] == "speaker":
            return sum(clip.speaker in split["test_speakers"] for clip in clips) / len(clips)
        asked = {(clip.speaker, clip.emotion, clip.level, clip.number) for clip in clips}
        return len(asked & _listed(split["list"])) / len(clips)
    if split["unit"] == "speaker":
        return len(split["test_speakers"]) / _speakers(data)
    speakers = data["speakers"] or (MINI_SPEAKERS if data["source"] == "mini" else None)
    tested = sum(
        (speakers is None or speaker in speakers)
        and emotion in data["emotions"]
        and level in levels_of(emotion, data["levels"])
        for speaker, emotion, level, _ in _listed(split["list"])
    )
    return tested / _mead_layout(data)[2]


def _listed(path: str | None) -> set[tuple[str, str, int, int]]:
    """Speaker, emotion, level and number of a list's clips."""
    from emohead.data.published_lists import read_test_list  # NumPy, which few configs need here

    if path is None or not Path(path).is_file():
        raise ValueError(f"split.list: there is no file {path!r}")
    return {astuple(clip) for clip in read_test_list(Path(path))[0]}


def _footage(data: Mapping[str, Any]) -> tuple[int, int, int, bool]:
    """Speakers, shards, clips, and whether all speakers have neutral clips."""
    clips, _ = footage_of(data)
    shards = {(clip.speaker, clip.emotion) for clip in clips}
    speakers = {speaker for speaker, _ in shards}
    return len(speakers), len(shards), len(clips), {(s, "neutral") for s in speakers} <= shards


def _mead_layout(data: Mapping[str, Any]) -> tuple[int, int, int, bool]:
    """As `_footage`, for all other sources."""
    emotions, speakers = data["emotions"], _speakers(data)
    clips = speakers * sum(clips_of(data, emotion) for emotion in emotions)
    return speakers, speakers * len(emotions), clips, "neutral" in emotions


def _speakers(data: Mapping[str, Any]) -> int:
    if data["speakers"]:
        return len(data["speakers"])
    if data["source"] == "mini":
        return len(MINI_SPEAKERS)
    return len(data["folder"]) if isinstance(data["folder"], Mapping) else MEAD_SPEAKERS


def needed_models(config: Mapping[str, Any], stage: str) -> dict[str, dict[str, Any]]:
    """The options of a stage's models that the methods need, by name."""
    if stage == "motion_audio":
        needed = dict.fromkeys(method.get("motion") for method in config["methods"].values())
    elif stage == "motion_field":
        heard = needed_models(config, "motion_audio").values()
        fields = (options["model"]["field"] for options in heard)
        seen = (method.get("motion") for method in config["methods"].values())
        needed = dict.fromkeys([*fields, *seen])
    elif stage == "disentangler":
        models = needed_models(config, "landmarks").values()
        needed = dict.fromkeys(options["model"].get("disentangler") for options in models)
    else:
        needed = dict.fromkeys(method.get(stage) for method in config["methods"].values())
    return {
        name: model_options(config, stage, name)
        for name in needed
        if name in config[stage]["models"]
    }
