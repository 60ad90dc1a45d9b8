"""Files that are there whole or not at all."""

import errno
import os

import pytest

from emohead.files import put_link, whole_file


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Or a power cut would leave a name with nothing under it."""
    path, order = tmp_path / "table.csv", []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: order.append(os.pread(f, 9, 0)) or fsync(f))
    monkeypatch.setattr(os, "replace", lambda *names: order.append("named") or replace(*names))
    with whole_file(path) as unfinished:
        unfinished.write_text("a,b")
    assert order == [b"a,b", "named"]
    assert path.read_text() == "a,b"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_disk_that_cannot_say_so_is_written_all_the_same(tmp_path, monkeypatch, code):
    def refused(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refused)
    with whole_file(tmp_path / "table.csv") as unfinished:
        unfinished.write_text("a,b")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_what_did_not_reach_the_disk_is_an_error(tmp_path, monkeypatch):
    """A network disk says only then that it is full."""
    path = tmp_path / "table.csv"
    path.write_text("older")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), whole_file(path) as unfinished:
        unfinished.write_text("a,b")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


def test_a_link_is_put_to_what_comes_later(tmp_path):
    put_link(tmp_path / "link", tmp_path / "later")
    (tmp_path / "later").write_text("there")
    assert (tmp_path / "link").read_text() == "there"
