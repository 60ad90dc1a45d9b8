import pandas as pd
import pytest

from emohead.mead import parse_clip_id
from emohead.split import clips_of_part, hold_out_validation, split_clips


def table(counts: dict[tuple[str, str, int], int]) -> pd.DataFrame:
    rows = [
        (f"{speaker}-front-{emotion}-{level}-{number:03d}", speaker, emotion, level, number)
        for (speaker, emotion, level), count in counts.items()
        for number in range(1, count + 1)
    ]
    return pd.DataFrame(rows, columns=["clip_id", "speaker", "emotion", "level", "number"])


def test_meads_own_24_of_30_and_32_of_40():
    clips = table({("M003", "angry", 3): 30, ("M003", "neutral", 1): 40})
    parts = split_clips(clips, test_fraction=0.2).set_index("clip_id")["part"]
    assert (parts == "test").sum() == 6 + 8
    assert parts["M003-front-angry-3-024"] == "train"
    assert parts["M003-front-angry-3-025"] == "test"
    assert parts["M003-front-neutral-1-033"] == "test"


@pytest.mark.parametrize(("count", "tests"), [(1, 0), (2, 1), (3, 1), (8, 2), (10, 2), (29, 6)])
def test_every_group_keeps_clips_to_train_on(count, tests):
    parts = split_clips(table({("W901", "sad", 2): count}), test_fraction=0.2)["part"]
    assert (parts == "test").sum() == tests


def test_random_choice_follows_its_seed():
    clips = table({("W901", "sad", 2): 20})
    drawn = [
        tuple(split_clips(clips, test_fraction=0.2, choice="random", seed=s)["part"])
        for s in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0].count("test") == 4


def test_validation_comes_from_all_emotions_and_leaves_the_rest():
    ids = list(table({("W901", e, 3): 8 for e in ("angry", "happy", "sad", "fear")})["clip_id"])
    train, held_out = hold_out_validation(ids, fraction=0.25, seed=3)
    assert sorted(train + held_out) == sorted(ids)
    assert len(held_out) == 8
    emotions = [parse_clip_id(clip_id).emotion for clip_id in held_out]
    assert all(emotions.count(e) == 2 for e in ("angry", "happy", "sad", "fear"))
    assert hold_out_validation(ids, fraction=0.25, seed=3) == (train, held_out)
    assert hold_out_validation(ids, fraction=0, seed=3) == (sorted(ids), [])


def test_an_empty_part_says_so(tmp_path):
    path = tmp_path / "split.csv"
    pd.DataFrame({"clip_id": ["a"], "part": ["train"]}).to_csv(path, index=False)
    assert clips_of_part(path, "train") == ["a"]
    with pytest.raises(ValueError, match="test part has no clips"):
        clips_of_part(path, "test")
