import multiprocessing
import tracemalloc

import h5py
import numpy as np
import pytest
from method_factory import Film

from emohead.features.store import Shard, ShardWriter, open_clips


def noise_clip(seed: int, length: int = 6, size: int = 64) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    smooth = np.kron(
        draw.integers(0, 255, (length, 8, 8, 3)), np.ones((1, size // 8, size // 8, 1))
    )
    return {
        "landmarks": draw.normal(60, 20, (length, 68, 2)).astype(np.float32),
        "frames": smooth.astype(np.uint8),
        "mfcc": draw.normal(0, 5, (length, 28, 12)).astype(np.float32),
        "transform": draw.normal(0, 1, (2, 3)).astype(np.float32),
    }


@pytest.mark.parametrize("codec", ["jpeg", "png", "bmp"])
def test_what_goes_in_comes_out(tmp_path, codec):
    clip = noise_clip(0)
    with ShardWriter(tmp_path / "a.h5", codec=codec) as writer:
        writer.add("W901-front-sad-3-001", **clip, attributes={"video": "a.mp4"})
    stored = Shard(tmp_path / "a.h5")["W901-front-sad-3-001"]
    for name in ("landmarks", "mfcc", "transform"):
        np.testing.assert_array_equal(getattr(stored, name), clip[name])
    assert stored.length == 6
    assert stored.crop_size == 64
    assert stored.attributes["video"] == "a.mp4"
    np.testing.assert_array_equal(stored.frame(3), stored.frames()[3])
    error = stored.frames().astype(float) - clip["frames"]
    if codec != "jpeg":
        assert not error.any()
    else:
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 35


@pytest.mark.parametrize("codec", ["png", "bmp"])
def test_noise_of_any_size_comes_back_without_loss(tmp_path, codec):
    """Rows of BMP are padded to four bytes."""
    draw = np.random.default_rng(0)
    films = {f"clip{side}": draw.integers(0, 256, (2, side, side, 3), np.uint8)
             for side in (1, 17, 18, 64)}  # fmt: skip
    with ShardWriter(tmp_path / "a.h5", codec=codec) as writer:
        for name, frames in films.items():
            writer.add(name, landmarks=np.zeros((2, 68, 2)), frames=frames)
    for name, clip in open_clips([tmp_path / "a.h5"]).items():
        np.testing.assert_array_equal(clip.frames(), films[name])


@pytest.mark.parametrize("span", [range(0, 150), range(3, 149), range(60, 70), range(149, 150)])
def test_frames_are_iterated_over_in_their_order(tmp_path, span):
    """More of them than are read at once, from the cut's first to its last."""
    greys = np.arange(150, dtype=np.uint8)
    frames = [np.full((4, 4, 3), grey, np.uint8) for grey in greys]
    with ShardWriter(tmp_path / "a.h5", codec="bmp") as writer:
        writer.add("a", landmarks=np.zeros((150, 68, 2)), frames=frames)
    clip = Shard(tmp_path / "a.h5")["a"].cut(span)
    iterated = clip.iterate_frames()
    assert [frame[0, 0, 0] for frame in iterated] == list(greys[span.start : span.stop])
    assert next(iterated, None) is None
    np.testing.assert_array_equal(list(clip.iterate_frames()), clip.frames())


def test_iterating_holds_a_few_frames(tmp_path):
    film = Film(1000, 64)
    with ShardWriter(tmp_path / "a.h5", codec="bmp") as writer:
        writer.add("a", landmarks=np.zeros((1000, 68, 2)), frames=film())
    assert film.most < 4
    clip = Shard(tmp_path / "a.h5")["a"]
    tracemalloc.start()
    assert sum(1 for _ in clip.iterate_frames()) == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6  # of 12 MB


def test_channels_are_rgb(tmp_path):
    red = np.zeros((2, 64, 64, 3), np.uint8)
    red[..., 0] = 200
    with ShardWriter(tmp_path / "a.h5") as writer:
        writer.add("a", landmarks=np.zeros((2, 68, 2)), frames=red)
    assert Shard(tmp_path / "a.h5")["a"].frame(0)[10, 10].tolist() == pytest.approx(
        [200, 0, 0], abs=3
    )


def write(path, **clips) -> None:
    with ShardWriter(path) as writer:
        for clip_id, clip in clips.items():
            writer.add(clip_id, **clip)


def identity(path, clip_id="a") -> tuple[int, int, str]:
    return Shard(path)[clip_id].identity


def test_a_clip_has_the_same_digest_in_any_file(tmp_path):
    clip, other = noise_clip(0), noise_clip(1)
    write(tmp_path / "one.h5", a=clip)
    write(tmp_path / "two.h5", b=other, a=clip)
    with ShardWriter(tmp_path / "copy.h5") as writer:
        writer.copy(tmp_path / "two.h5")
    ids = {identity(tmp_path / f"{name}.h5") for name in ("one", "two", "copy")}
    ((start, stop, digest),) = ids
    assert (start, stop) == (0, 6)
    assert identity(tmp_path / "two.h5", "b")[2] != digest
    (cut,) = open_clips([tmp_path / "one.h5"], {"a": range(2, 5)}).values()
    assert cut.identity == (2, 5, digest)


@pytest.mark.parametrize("name", ["landmarks", "mfcc", "transform", "frames"])
def test_a_digest_is_of_every_array(tmp_path, name):
    clip = noise_clip(0)
    write(tmp_path / "a.h5", a=clip)
    write(tmp_path / "b.h5", a=clip | {name: noise_clip(1)[name]})
    assert identity(tmp_path / "a.h5") != identity(tmp_path / "b.h5")


def test_digests_are_not_read_from_a_file_that_was_changed(tmp_path):
    """Of another size: they are taken anew, and are those of what is there."""
    path = tmp_path / "a.h5"
    write(path, a=noise_clip(0), b=noise_clip(1))
    write(tmp_path / "changed.h5", a=noise_clip(2), b=noise_clip(1))
    assert Shard(path).is_as_written
    with h5py.File(path, "r+") as file, h5py.File(tmp_path / "changed.h5") as changed:
        for name in ("frames", "landmarks", "mfcc", "transform"):
            del file["a"][name]
            changed["a"].copy(name, file["a"])
    assert not Shard(path).is_as_written
    for clip_id in "ab":
        assert identity(path, clip_id) == identity(tmp_path / "changed.h5", clip_id)


def test_lengths_must_agree(tmp_path):
    clip = noise_clip(0) | {"mfcc": np.zeros((5, 28, 12))}
    with (
        pytest.raises(ValueError, match="different lengths"),
        ShardWriter(tmp_path / "a.h5") as writer,
    ):
        writer.add("a", **clip)
    assert list(tmp_path.iterdir()) == []


def test_a_cut_clip_shows_its_frames_alone(tmp_path):
    clip = noise_clip(0, length=9)
    with ShardWriter(tmp_path / "a.h5", codec="png") as writer:
        writer.add("a", **clip)
    whole = Shard(tmp_path / "a.h5")["a"]
    cut = whole.cut(range(4, 7))
    assert (whole.length, cut.length) == (9, 3)
    for name in ("landmarks", "mfcc"):
        np.testing.assert_array_equal(getattr(cut, name), clip[name][4:7])
    np.testing.assert_array_equal(cut.frames(), clip["frames"][4:7])
    for t in range(3):
        np.testing.assert_array_equal(cut.frame(t), clip["frames"][4 + t])
    with pytest.raises(IndexError):
        cut.frame(3)
    np.testing.assert_array_equal(cut.transform, whole.transform)
    assert cut.crop_size == 64


@pytest.mark.parametrize("span", [range(4, 10), range(-1, 3), range(5, 5), range(0, 8, 2)])
def test_only_frames_that_there_are_can_be_cut(tmp_path, span):
    with ShardWriter(tmp_path / "a.h5") as writer:
        writer.add("a", **noise_clip(0, length=9))
    with pytest.raises(ValueError, match="a: frames"):
        open_clips([tmp_path / "a.h5"], {"a": span})


def test_open_clips_joins_shards_and_names_what_is_missing(tmp_path):
    for name in ("b", "a"):
        with ShardWriter(tmp_path / f"{name}.h5") as writer:
            writer.add(name, **noise_clip(1))
    paths = [tmp_path / "b.h5", tmp_path / "a.h5"]
    assert list(open_clips(paths)) == ["a", "b"]
    assert list(open_clips(paths, ["b"])) == ["b"]
    with pytest.raises(ValueError, match="holds the clips c"):
        open_clips(paths, ["a", "c"])


def test_open_clips_gives_each_clip_its_frames(tmp_path):
    with ShardWriter(tmp_path / "s.h5") as writer:
        for name in ("a", "b", "c"):
            writer.add(name, **noise_clip(1))
    opened = open_clips([tmp_path / "s.h5"], {"c": range(2, 6), "a": range(0, 3)})
    assert {clip_id: clip.span for clip_id, clip in opened.items()} == {
        "a": range(0, 3),
        "c": range(2, 6),
    }
    np.testing.assert_array_equal(opened["c"].mfcc, noise_clip(1)["mfcc"][2:])


def test_every_process_reads_by_a_file_of_its_own(tmp_path):
    """A loader's workers, forked or started anew, read what the shard has."""
    frames = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((16, 16, 3), np.uint8)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        writer.add("a", landmarks=np.zeros((40, 68, 2)), frames=frames)
    clip = Shard(tmp_path / "s.h5")["a"]
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            results = [pool.apply_async(clip.frame, (t,)) for t in range(40)]
            for t, result in enumerate(results):
                assert (clip.frame(t) == t).all()
                assert (result.get() == t).all()
