import math

import numpy as np
import pytest
from scipy import stats

from emohead.evaluation.statistics import (
    FEWEST_RESAMPLED,
    FEWEST_SPEAKERS,
    holm,
    mean_interval,
    mean_over_seeds,
    paired_difference,
)

NAN, INF = math.nan, math.inf


def coverage(clips: int, seeds: int, spreads: tuple[float, float, float], skewed=False) -> float:
    """Share of simulated experiments whose interval holds the true difference, 0.3.

    `spreads` are the standard deviations over seeds, over clips and of the noise.
    """
    rng = np.random.default_rng(5)
    of_seeds, of_clips, of_noise = spreads
    trials, hits = 400, 0
    for _ in range(trials):
        by_clip = rng.exponential(1, clips) - 1 if skewed else rng.normal(size=clips)
        differences = (
            of_seeds * rng.normal(size=(seeds, 1))
            + of_clips * by_clip
            + of_noise * rng.normal(size=(seeds, clips))
        )
        other = rng.normal(size=(seeds, clips))
        found = paired_difference(other + differences + 0.3, other, draws=399)
        hits += found.low <= 0.3 <= found.high
    return hits / trials


@pytest.mark.parametrize(
    ("clips", "seeds", "spreads", "skewed"),
    [
        (32, 1, (0.0, 1.0, 0.5), False),
        (32, 1, (0.0, 1.0, 0.5), True),
        (5, 1, (0.0, 1.0, 0.5), False),
        (32, 3, (0.2, 1.0, 0.5), True),
        (32, 3, (1.0, 0.5, 0.5), False),
        (32, 5, (0.3, 1.0, 0.5), False),
    ],
)
def test_the_interval_of_a_difference_covers_the_truth_95_times_in_100(
    clips, seeds, spreads, skewed
):
    # Three standard errors of 400 trials are .033; seeds make it a little too careful.
    assert 0.92 <= coverage(clips, seeds, spreads, skewed) <= 0.985


def test_without_the_second_level_seeds_would_not_be_covered():
    """The simulation can tell: clips alone, of three seeds that differ, cover far too seldom."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        differences = rng.normal(size=(3, 1)) + 0.5 * rng.normal(size=(3, 32))
        interval = mean_interval(differences, draws=199)
        hits += interval.low <= 0 <= interval.high
    assert hits / 200 < 0.5


def test_p_values_are_uniform_where_there_is_no_difference():
    rng = np.random.default_rng(1)
    p = [
        paired_difference(rng.normal(size=(1, 24)), rng.normal(size=(1, 24)), draws=399).p
        for _ in range(300)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_a_known_difference_is_that_of_the_paired_t_test_where_values_are_normal():
    rng = np.random.default_rng(3)
    against = rng.normal(5, 2, size=(1, 200))
    ours = against - 0.1 + rng.normal(0, 0.7, size=(1, 200))
    found = paired_difference(ours, against)
    expected = stats.ttest_rel(ours[0], against[0])
    low, high = expected.confidence_interval()
    assert found.mean == pytest.approx((ours - against).mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)
    assert (found.clips, found.seeds) == (200, 1)
    # Unpaired, the spread over clips would hide it.
    assert stats.ttest_ind(ours[0], against[0]).pvalue > 0.1 > found.p


def test_the_other_way_round_the_difference_changes_its_sign():
    rng = np.random.default_rng(0)
    ours, against = rng.gamma(2, size=(3, 40)), rng.gamma(2, size=(3, 40))
    there, back = paired_difference(ours, against), paired_difference(against, ours)
    assert back.mean == pytest.approx(-there.mean)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), rel=0.05)
    assert paired_difference(ours, against) == there


def test_clips_without_a_finite_value_in_any_seed_are_left_out_of_both():
    ours = np.array([[1.0, 2.0, 3.0, NAN, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    against = np.array([[0.0, INF, 1.0, 2.0, 4.0], [0.0, 1.0, 1.0, 2.0, 4.0]])
    found = paired_difference(ours, against)
    assert (found.clips, found.seeds, found.mean) == (3, 2, pytest.approx((1 + 2 + 1) / 3))


def test_too_few_clips_have_no_interval_and_equal_differences_a_sign_test():
    one = paired_difference(np.array([[2.0]]), np.array([[1.0]]))
    assert one.mean == 1 and math.isnan(one.p) and math.isnan(one.low)
    assert paired_difference(np.full((1, 5), NAN), np.ones((1, 5))).clips == 0
    same = paired_difference(np.ones((2, 6)), np.ones((2, 6)))
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    alike = paired_difference(np.full((2, 6), 2.0), np.full((2, 6), 1.0))
    assert alike.p == pytest.approx(2 / 2**6)
    with pytest.raises(ValueError, match=r"\(1, 5\) and of \(1, 4\)"):
        paired_difference(np.ones((1, 5)), np.ones((1, 4)))


def test_one_odd_clip_of_many_decides_nothing():
    ours = np.zeros((1, 32))
    ours[0, 7] = 1
    found = paired_difference(ours, np.zeros((1, 32)))
    assert found.p > 0.05 and found.low <= 0 < found.high < 1


def test_mean_interval_is_a_bootstrap_of_clips_with_all_their_seeds():
    rng = np.random.default_rng(2)
    by_clip = rng.normal(size=40)
    values = by_clip + np.array([[0.0], [1.0], [5.0]])  # seeds differ by a constant
    interval = mean_interval(values)
    chosen = rng.integers(40, size=(20000, 40))
    expected = np.quantile(by_clip[chosen].mean(axis=1) + 2, [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx(expected, abs=0.02)
    assert mean_interval(values) == interval


def test_mean_interval_of_few_clips_is_students_t():
    values = np.array([[1.0, 2.0, 4.0, 5.0]])
    assert values.shape[1] < FEWEST_RESAMPLED
    expected = stats.ttest_1samp(values[0], 0).confidence_interval()
    interval = mean_interval(values)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))


def test_mean_interval_of_special_values():
    assert all(map(math.isnan, vars(mean_interval(np.array([[1.0, NAN]]))).values()))
    truth = mean_interval(np.full((1, 9), INF))
    assert truth.low == truth.high == INF
    assert math.isnan(mean_interval(np.array([[INF, 1.0, 2.0]])).low)


def test_mean_goes_over_clips_then_seeds():
    # The second seed has one clip fewer; its mean still counts as much as the first's.
    assert mean_over_seeds(np.array([[1.0, 2.0, 6.0], [5.0, NAN, 7.0]])) == (3 + 6) / 2
    assert math.isnan(mean_over_seeds(np.array([[NAN]])))


def clips_of_speakers(counts, rng, correlation=0.3):
    """Values [1, clips] of speakers with so many clips each, and whose each clip is."""
    whose = np.repeat([f"W{k:03d}" for k in range(len(counts))], counts)
    of_speakers = np.repeat(rng.normal(size=len(counts)), counts)
    noise = rng.normal(size=len(whose))
    return (correlation**0.5 * of_speakers + (1 - correlation) ** 0.5 * noise)[None], whose


def test_of_many_speakers_the_unit_is_the_speaker():
    """Against the textbook's variance of a ratio (clusters of unequal size), and Student's t."""
    rng = np.random.default_rng(11)
    counts = rng.integers(3, 20, size=10)
    values, whose = clips_of_speakers(counts, rng)
    mean = values.mean()
    sums = [(values[0, whose == name] - mean).sum() for name in np.unique(whose)]
    error = math.sqrt(10 / 9 * np.square(sums).sum()) / counts.sum()
    expected = mean + np.array([-1, 1]) * stats.t.ppf(0.975, 9) * error
    interval = mean_interval(values, speakers=whose)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))
    found = paired_difference(values, np.zeros_like(values), 99_999, speakers=whose)
    assert found.mean == pytest.approx(mean) and found.speakers == 10
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.02)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / error, 9), abs=0.01)
    # The order of the clips, and what the speakers are called, is nothing to it.
    order = rng.permutation(counts.sum())
    again = mean_interval(values[:, order], speakers=[f"x{name}" for name in whose[order]])
    assert (again.low, again.high) == pytest.approx((interval.low, interval.high))


def test_speakers_of_equal_size_are_the_t_test_of_their_means_in_every_seed():
    rng = np.random.default_rng(12)
    values, whose = clips_of_speakers([6] * FEWEST_SPEAKERS, rng)
    values = values + np.array([[0.0], [2.0]])  # seeds differ by a constant
    means = values.mean(axis=0).reshape(-1, 6).mean(axis=1)
    expected = stats.ttest_1samp(means, 0).confidence_interval()
    interval = mean_interval(values, speakers=whose)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))


def test_of_few_speakers_what_one_adds_to_all_clips_widens_nothing():
    rng = np.random.default_rng(13)
    values, whose = clips_of_speakers([3, 4], rng)
    within = [values[0, whose == name] for name in np.unique(whose)]
    squares = sum(np.square(each - each.mean()).sum() for each in within)
    half = stats.t.ppf(0.975, 5) * math.sqrt(squares / 5 / 7)
    interval = mean_interval(values, speakers=whose)
    assert interval.high - values.mean() == pytest.approx(half)
    moved = mean_interval(values + 100 * (whose == "W001"), speakers=whose)
    assert moved.high - moved.low == pytest.approx(2 * half)
    unaware = mean_interval(values + 100 * (whose == "W001"))
    assert unaware.high - unaware.low > 50
    one = mean_interval(values, speakers=["W000"] * 7)
    assert one == mean_interval(values)  # a single speaker's are as before


def test_speakers_with_clips_of_their_own_missing_keep_the_mean_over_clips():
    values, whose = clips_of_speakers([4] * 8, np.random.default_rng(14))
    values = np.concatenate([values, values + 1])
    values[0, :5] = NAN  # of seed 0 nothing of the first speaker
    interval = mean_interval(values, speakers=whose)
    assert (interval.low + interval.high) / 2 == pytest.approx(mean_over_seeds(values))
    with pytest.raises(ValueError, match="speakers of 3 clips for values of 32"):
        mean_interval(values, speakers=["a", "b", "c"])


@pytest.mark.parametrize("seeds", [1, 3])
def test_clips_of_a_speaker_that_are_alike_are_covered_by_speakers_and_not_by_clips(seeds):
    rng = np.random.default_rng(15)
    trials, by_speakers, by_clips = 300, 0, 0
    for _ in range(trials):
        values, whose = clips_of_speakers(rng.integers(8, 25, size=8), rng)
        values = np.repeat(values, seeds, axis=0) + 0.1 * rng.normal(size=(seeds, 1)) * (seeds > 1)
        nothing = np.zeros_like(values)
        by_speakers += paired_difference(values, nothing, 199, speakers=whose).p > 0.05
        by_clips += paired_difference(values, nothing, 199).p > 0.05
    assert 0.91 <= by_speakers / trials <= 0.985
    assert by_clips / trials < 0.85


def test_holm_by_hand():
    # Sorted: .005 * 4, .01 * 3, .03 * 2, .04 * 1 -> .02, .03, .06, then not below .06.
    corrected = holm(np.array([0.04, 0.005, NAN, 0.03, 0.01]))
    assert corrected[[0, 1, 3, 4]] == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert math.isnan(corrected[2])
    assert holm(np.array([0.6, 0.5])) == pytest.approx([1.0, 1.0])
