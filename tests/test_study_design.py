"""What a study shows and in which order: balanced, drawn without looking at results, enough."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.evaluation.study_clips import PRACTICE, TRAPS, choose_clips
from emohead.study.design import ORDERS, REPEATS, draw_orders, williams_square
from emohead.study.power import smallest_difference

MEAD_IDS = [
    f"{speaker}-front-{emotion}-{level}-{number:03d}"
    for speaker in ("M003", "M030", "W009", "W015")
    for emotion in EMOTIONS
    for level in ((1,) if emotion == "neutral" else (1, 2, 3))
    for number in range(25, 31)
]


@pytest.mark.parametrize("clips", [4, 8, 12, 32])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_emotions_and_speakers_are_balanced(clips, seed):
    chosen = choose_clips(MEAD_IDS, clips=clips, seed=seed)
    names = [parse_clip_id(clip_id) for clip_id in chosen.rated]
    for part, number in (("emotion", 8), ("speaker", 4)):
        counts = Counter(getattr(name, part) for name in names)
        assert len(counts) == min(number, clips)
        assert max(counts.values()) - min(counts.values()) <= 1, (part, counts)


def test_no_clip_has_two_tasks_and_a_traps_sound_is_another_sentence_of_its_speaker():
    chosen = choose_clips(MEAD_IDS, clips=12, seed=3)
    pictures = [picture for picture, _ in chosen.traps]
    shown = [*chosen.rated, *chosen.practice, *pictures]
    assert len(set(shown)) == len(shown) == 12 + PRACTICE + TRAPS
    assert set(shown) <= set(chosen.clip_ids) <= set(MEAD_IDS)
    for picture, sound in chosen.traps:
        seen, heard = parse_clip_id(picture), parse_clip_id(sound)
        assert (seen.speaker, seen.emotion) == (heard.speaker, heard.emotion)
        assert seen.number != heard.number


def test_the_choice_depends_on_ids_and_seed_alone():
    assert choose_clips(MEAD_IDS[::-1], clips=12, seed=0) == choose_clips(
        set(MEAD_IDS), clips=12, seed=0
    )
    assert choose_clips(MEAD_IDS, clips=12, seed=0) != choose_clips(MEAD_IDS, clips=12, seed=1)


def test_too_small_a_test_part_is_named_once_a_study_is_made():
    chosen = choose_clips(MEAD_IDS[:9], clips=12, seed=0)  # others may ask which clips to keep
    assert len(chosen.rated) == 9
    with pytest.raises(ValueError, match=r"study\.clips: 12 clips.* 9 test clips: 4 at most"):
        chosen.check_enough(12)
    choose_clips(MEAD_IDS[:9], clips=4, seed=0).check_enough(4)


@pytest.mark.parametrize("methods", [2, 3, 4, 5, 6, 7, 8])
def test_a_williams_square_balances_places_and_neighbours(methods):
    square = williams_square(methods)
    rows = methods if methods % 2 == 0 else 2 * methods
    assert square.shape == (rows, methods)
    assert (np.sort(square, axis=1) == np.arange(methods)).all()
    for column in square.T:
        assert set(Counter(column).values()) == {rows // methods}
    followed = Counter(pair for row in square.tolist() for pair in pairwise(row))
    assert len(followed) == methods * (methods - 1)
    assert set(followed.values()) == {rows // methods}


@pytest.mark.parametrize(("clips", "methods"), [(4, 3), (8, 4), (12, 4), (12, 6), (5, 5)])
def test_orders_are_complete_balanced_and_all_different(clips, methods):
    rated = np.arange(clips * methods).reshape(clips, methods)
    practice, traps = [900, 901, 902], [800, 801]
    orders = draw_orders(rated, practice, traps, np.random.default_rng(0))
    assert len(set(map(tuple, orders))) == len(orders) == ORDERS
    places = np.zeros((methods, methods))  # of a method in its clip's showings
    for order in orders:
        assert order[:PRACTICE] == practice
        rest = order[PRACTICE:]
        counts = Counter(rest)
        assert sum(count == 2 for count in counts.values()) == REPEATS
        assert set(counts) == {*rated.flat, *traps}
        for item, count in counts.items():
            if count == 2:
                first, again = (i for i, each in enumerate(rest) if each == item)
                assert first < len(rest) / 2 < again + 1
        for trap in traps:
            assert len(rest) / 5 < rest.index(trap) < len(rest) * 0.85
        once = [item for i, item in enumerate(rest) if item not in rest[:i] and item < 800]
        for clip in range(clips):
            shown = [item % methods for item in once if item // methods == clip]
            for place, method in enumerate(shown):
                places[method, place] += 1
    if ORDERS % len(williams_square(methods)) == 0:
        assert (places == ORDERS * clips / methods).all()


def test_no_clip_follows_itself():
    rated = np.arange(48).reshape(12, 4)
    for order in draw_orders(rated, [], [800, 801], np.random.default_rng(1)):
        clips = [item // 4 if item < 800 else item for item in order]
        assert all(first != second for first, second in pairwise(clips))


def test_power_is_what_a_simulation_finds():
    """With the smallest difference, four of five simulated studies find it."""
    raters, clips, draws = 30, 12, 4000
    rng = np.random.default_rng(0)
    shape = (draws, raters, clips)
    difference = smallest_difference(raters, clips) + np.sqrt(2) * (
        rng.normal(0, 0.9, (draws, raters, 1))
        + rng.normal(0, 0.6, (draws, 1, clips))
        + rng.normal(0, 2.0, shape)
    )
    # The interval of random raters and clips, by the mean squares of a two-way layout.
    means = difference.mean(axis=(1, 2))
    by_rater = difference.mean(axis=2).var(axis=1, ddof=1) / raters
    by_clip = difference.mean(axis=1).var(axis=1, ddof=1) / clips
    rest = (
        difference
        - difference.mean(axis=2, keepdims=True)
        - difference.mean(axis=1, keepdims=True)
        + means[:, None, None]
    )
    noise = (rest**2).sum(axis=(1, 2)) / ((raters - 1) * (clips - 1)) / (raters * clips)
    z = means / np.sqrt(by_rater + by_clip - noise)
    assert 0.76 < np.mean(z > 2.08) < 0.86  # t of some 25 degrees of freedom
    # As the survey of the field's practice has it, within rounding.
    for (n, m), points in {(30, 8): 1.22, (30, 32): 0.84, (100, 32): 0.59}.items():
        assert smallest_difference(n, m) == pytest.approx(points, abs=0.03)
