import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emohead.data.mead import parse_clip_id
from emohead.data.split import clips_of_part, hold_out_validation, split_clips
from emohead.features.mfcc import mfcc_windows


def table(counts: dict[tuple[str, str, int], int], frames: int = 100) -> pd.DataFrame:
    rows = [
        (f"{speaker}-front-{emotion}-{level}-{number:03d}", speaker, emotion, level, number, frames)
        for (speaker, emotion, level), count in counts.items()
        for number in range(1, count + 1)
    ]
    columns = ["clip_id", "speaker", "emotion", "level", "number", "frames"]
    return pd.DataFrame(rows, columns=columns)


def of_lengths(*lengths: int) -> pd.DataFrame:
    return table({("W901", "sad", 2): len(lengths)}).assign(frames=lengths)


def test_meads_own_24_of_30_and_32_of_40():
    clips = table({("M003", "angry", 3): 30, ("M003", "neutral", 1): 40})
    parts = split_clips(clips, test_fraction=0.2).set_index("clip_id")["part"]
    assert (parts == "test").sum() == 6 + 8
    assert parts["M003-front-angry-3-024"] == "train"
    assert parts["M003-front-angry-3-025"] == "test"
    assert parts["M003-front-neutral-1-033"] == "test"


@pytest.mark.parametrize(("count", "tests"), [(2, 1), (3, 1), (8, 2), (10, 2), (29, 6)])
def test_every_group_keeps_clips_to_train_on(count, tests):
    parts = split_clips(table({("W901", "sad", 2): count}), test_fraction=0.2)["part"]
    assert (parts == "test").sum() == tests


@pytest.mark.parametrize("choice", ["last", "random"])
def test_a_recording_is_trained_on_or_tested_with_all_its_stretches(choice):
    """The second and third stretch of recording 1 have the numbers 100002 and 100003."""
    clips = table({("W901", "sad", 2): 5})
    later = clips.iloc[[0, 0]].assign(number=[100_002, 100_003])
    later["clip_id"] = [f"W901-front-sad-2-{number}" for number in later["number"]]
    clips = pd.concat([clips, later], ignore_index=True)
    for seed in range(10):
        parts = split_clips(clips, test_fraction=0.4, choice=choice, seed=seed)
        takes = [parse_clip_id(clip_id).take for clip_id in parts["clip_id"]]
        by_take = parts["part"].groupby(takes)
        assert (by_take.nunique() == 1).all()
        assert (by_take.first() == "test").sum() == 2


def test_speakers_may_have_names_that_pandas_takes_for_something_else(tmp_path):
    names = ("NA", "007", "7")
    table({(name, "sad", 2): 2 for name in names}).to_csv(tmp_path / "clips.csv", index=False)
    script = Path(__file__).parent.parent / "workflow_scripts" / "split_clips.py"
    flags = "--unit clip --test-fraction 0.5 --gap 0 --choice last --seed 0"
    subprocess.run(
        [sys.executable, script, *flags.split(), "--clips", tmp_path / "clips.csv",
         "--output", tmp_path / "split.csv"],
        check=True,
    )  # fmt: skip
    for part, number in (("train", 1), ("test", 2)):
        expected = {f"{name}-front-sad-2-00{number}" for name in names}
        assert set(clips_of_part(tmp_path / "split.csv", part)) == expected


def test_a_single_clip_is_trained_on():
    clips = table({("W901", "sad", 2): 1, ("W901", "sad", 3): 2})
    assert list(split_clips(clips, test_fraction=0.2)["part"]) == ["train", "train", "test"]


def test_whole_clips_have_all_their_frames():
    parts = split_clips(of_lengths(90, 120), test_fraction=0.5)
    assert list(parts[["part", "start", "stop"]].itertuples(index=False, name=None)) == [
        ("train", 0, 90),
        ("test", 0, 120),
    ]


@pytest.mark.parametrize("choice", ["last", "random"])
@pytest.mark.parametrize("unit", ["clip", "time"])
def test_a_dev_part_leaves_the_test_part_alone(unit, choice):
    clips = table({("W901", "sad", 2): 12, ("W902", "happy", 3): 30, ("W902", "sad", 2): 2})
    clips["frames"] = np.arange(len(clips)) * 5 + 30
    kinds = {
        (dev, scored): split_clips(
            clips, unit=unit, choice=choice, test_fraction=0.2, dev_fraction=dev, scored=scored
        )
        for dev, scored in ((0, "test"), (0.2, "test"), (0.2, "dev"))
    }

    def part(kind: tuple[float, str], name: str) -> set[tuple]:
        rows = kinds[kind]
        return set(
            rows[rows["part"] == name].drop(columns="part").itertuples(index=False, name=None)
        )

    none, beside, dev = kinds
    assert part(none, "test") == part(beside, "test") == part(dev, "unused")
    assert part(beside, "unused") == part(dev, "test") != set()
    assert part(beside, "train") == part(dev, "train") != part(none, "train")
    if unit == "clip":
        of_twelve = [clip for clip, *_ in part(dev, "test") if clip.startswith("W901")]
        assert len(of_twelve) == 2 and len(part(dev, "test")) == 2 + 6
        every = part(dev, "test") | part(dev, "train") | part(dev, "unused")
        assert every == part(none, "train") | part(none, "test")
        if choice == "last":
            assert sorted(clip[-3:] for clip in of_twelve) == ["009", "010"]
        # Of two clips one is trained on and one tested: there is none to spare.
        assert not [clip for clip, *_ in part(dev, "test") if clip.startswith("W902-front-sad")]
    else:
        ends = {clip: start for clip, start, _ in part(dev, "unused")}
        starts = {clip: stop for clip, _, stop in part(dev, "train")}
        for clip, start, stop in part(dev, "test"):
            assert ends[clip] - stop == start - starts[clip] == 13  # half a second


def test_random_choice_follows_its_seed():
    clips = table({("W901", "sad", 2): 20})
    drawn = [
        tuple(split_clips(clips, test_fraction=0.2, choice="random", seed=s)["part"])
        for s in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0].count("test") == 4


def test_a_random_choice_is_of_sentences_over_all_levels():
    levels = table({("W901", "sad", level): 15 for level in (1, 2, 3)})
    parts = split_clips(levels, test_fraction=0.2, choice="random").set_index("clip_id")["part"]
    tested = {level: [] for level in (1, 2, 3)}
    for clip_id in parts.index[parts == "test"]:
        tested[parse_clip_id(clip_id).level].append(parse_clip_id(clip_id).number)
    assert len(tested[1]) == 3 and tested[1] == tested[2] == tested[3]


def test_a_random_choice_leaves_the_others_alone():
    counts = {("W902", "sad", 2): 20, ("W902", "happy", 2): 20}
    split = {"test_fraction": 0.2, "choice": "random", "seed": 3}
    before = split_clips(table(counts), **split).set_index("clip_id")["part"]
    # One more speaker, and one clip of another emotion rejected.
    more = table({("W901", "sad", 2): 7} | counts)
    more = more[more["clip_id"] != "W902-front-happy-2-004"]
    after = split_clips(more, **split).set_index("clip_id")["part"]
    sad = [clip_id for clip_id in before.index if "-sad-" in clip_id]
    pd.testing.assert_series_equal(after[sad], before[sad])
    both = before.index.intersection(after.index)
    assert (after[both] != before[both]).sum() <= 1
    # Speakers and emotions are drawn each for itself.
    drawn = {
        emotion: [c[-3:] for c in before.index[before == "test"] if emotion in c]
        for emotion in ("sad", "happy")
    }
    assert drawn["sad"] != drawn["happy"]


@pytest.mark.parametrize(
    ("frames", "test_fraction", "gap", "train", "test"),
    [
        (125, 0.2, 0.5, (0, 87), (100, 125)),  # half a second is 12.5 frames
        (100, 0.25, 0.2, (0, 70), (75, 100)),
        (103, 0.2, 0.0, (0, 82), (82, 103)),  # 82.4 frames
        (100, 0.5, 0.28, (0, 43), (50, 100)),  # 7 frames, though .28 * 25 > 7 in a computer
    ],
)
def test_a_clip_is_tested_on_its_end(frames, test_fraction, gap, train, test):
    parts = split_clips(of_lengths(frames), unit="time", test_fraction=test_fraction, gap=gap)
    assert list(parts["clip_id"]) == ["W901-front-sad-2-001"] * 2
    assert list(parts[["part", "start", "stop"]].itertuples(index=False, name=None)) == [
        ("train", *train),
        ("test", *test),
    ]


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.5, 1.3])
@pytest.mark.parametrize("test_fraction", [0.1, 0.2, 0.35])
def test_no_frame_is_in_both_parts_and_the_gap_is_kept(gap, test_fraction):
    clips = of_lengths(*range(80, 400, 7))
    parts = split_clips(clips, unit="time", test_fraction=test_fraction, gap=gap)
    train, test = (parts[parts["part"] == p].set_index("clip_id") for p in ("train", "test"))
    assert len(train) == len(clips)
    assert (train["start"] == 0).all()
    assert len(test) > 30
    assert ((test["start"] - train["stop"][test.index]) / 25 >= gap).all()
    assert (test["stop"] == clips.set_index("clip_id")["frames"][test.index]).all()


def test_short_clips_are_trained_on_whole_and_named(capsys):
    """Of 47 frames a fifth is 9.4, from frame 38 on: 9 frames, .36 s."""
    parts = split_clips(of_lengths(47, 52), unit="time", test_fraction=0.2)
    assert list(parts.drop(columns="clip_id").itertuples(index=False, name=None)) == [
        ("train", 0, 47),
        ("train", 0, 29),
        ("test", 42, 52),
    ]
    said = capsys.readouterr().out
    assert "1 of 2 clips are too short" in said
    assert "W901-front-sad-2-001" in said


def test_a_split_by_time_draws_nothing():
    clips = of_lengths(100, 150, 200)
    splits = [
        split_clips(clips, unit="time", test_fraction=0.2, choice=choice, seed=seed)
        for choice, seed in (("last", 0), ("random", 1))
    ]
    pd.testing.assert_frame_equal(*splits)


@pytest.mark.parametrize("clips", [of_lengths(20, 30), of_lengths()])
def test_clips_that_are_all_too_short_cannot_be_tested(clips):
    with pytest.raises(ValueError, match=r"nothing to test on.*split\.gap"):
        split_clips(clips, unit="time", test_fraction=0.2)


def test_single_clips_cannot_be_split_by_clips():
    clips = table({("W901", "sad", 2): 1, ("W901", "happy", 2): 1})
    with pytest.raises(ValueError, match=r"nothing to test on.*split\.unit to time"):
        split_clips(clips, test_fraction=0.2)


@pytest.mark.parametrize(("gap", "shares"), [(0.5, False), (0.28, False), (0.12, True)])
def test_the_gap_keeps_sound_of_one_part_out_of_the_others_windows(gap, shares):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 100 * 640)).astype(np.float32)
    parts = split_clips(of_lengths(100), unit="time", test_fraction=0.4, gap=gap)
    train, test = (slice(row.start, row.stop) for row in parts.itertuples())
    cut = (train.stop + test.start) * 640 // 2
    windows = mfcc_windows(noise[0], 100)
    other_end = mfcc_windows(np.concatenate([noise[0, :cut], noise[1, cut:]]), 100)
    other_start = mfcc_windows(np.concatenate([noise[1, :cut], noise[0, cut:]]), 100)
    same_train = np.allclose(windows[train], other_end[train], atol=1e-3)
    same_test = np.allclose(windows[test], other_start[test], atol=1e-3)
    assert (same_train and same_test) == (not shares)


def test_validation_comes_from_all_emotions_and_leaves_the_rest():
    ids = list(table({("W901", e, 3): 8 for e in ("angry", "happy", "sad", "fear")})["clip_id"])
    clips = {clip_id: len(clip_id) for clip_id in ids}
    train, held_out = hold_out_validation(clips, fraction=0.25, seed=3)
    assert train | held_out == clips and not train.keys() & held_out
    assert len(held_out) == 8
    emotions = [parse_clip_id(clip_id).emotion for clip_id in held_out]
    assert all(emotions.count(e) == 2 for e in ("angry", "happy", "sad", "fear"))
    assert hold_out_validation(clips, fraction=0.25, seed=3) == (train, held_out)
    everything, nothing = hold_out_validation(clips, fraction=0, seed=3)
    assert (list(everything), nothing) == (sorted(ids), {})


@pytest.mark.parametrize(("angry", "sad", "held_out"), [(1, 0, 0), (1, 1, 0), (3, 1, 2), (5, 0, 4)])
def test_validation_leaves_every_emotion_a_clip_to_train_on(angry, sad, held_out):
    ids = list(table({("W901", "angry", 3): angry, ("W901", "sad", 3): sad})["clip_id"])
    train, validation = hold_out_validation(dict.fromkeys(ids), fraction=0.9, seed=0)
    assert len(validation) == held_out
    assert {parse_clip_id(c).emotion for c in train} == {parse_clip_id(c).emotion for c in ids}


def test_a_part_is_read_back_with_its_frames(tmp_path):
    path = tmp_path / "split.csv"
    split_clips(of_lengths(47, 125), unit="time", test_fraction=0.2).to_csv(path, index=False)
    assert clips_of_part(path, "train") == {
        "W901-front-sad-2-001": range(0, 47),
        "W901-front-sad-2-002": range(0, 87),
    }
    assert clips_of_part(path, "test") == {"W901-front-sad-2-002": range(100, 125)}


def test_an_empty_part_says_so(tmp_path):
    path = tmp_path / "split.csv"
    row = {"clip_id": ["a"], "part": ["train"], "start": [0], "stop": [9]}
    pd.DataFrame(row).to_csv(path, index=False)
    assert clips_of_part(path, "train") == {"a": range(9)}
    with pytest.raises(ValueError, match="test part has no clips"):
        clips_of_part(path, "test")
