"""The servers here are real, on this machine; S3 is spoken by the same one.

Not tested, for want of the services: Google Drive itself (gdown is sent to the server here instead,
or replaced), Amazon's S3 (signatures aren't checked here), logins and proxies.
"""

import errno
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import threading
from collections import namedtuple
from pathlib import Path

import gdown
import numpy as np
import pytest
import requests
from file_server import Server, serving

from emohead.archives import downloads, transfers
from emohead.archives.downloads import DownloadError, fetch, provide
from emohead.archives.partial import PartialDownload
from emohead.archives.table import Archive

ROOT = Path(__file__).parent.parent
BLOCK = 1 << 16


def tar_bytes(seed: int = 0, size: int = 5 * BLOCK) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo("front/angry/level_3/001.mp4")
        member.size = size
        tar.addfile(member, io.BytesIO(np.random.default_rng(seed).bytes(size)))
    return file.getvalue()


DATA = tar_bytes()
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(transfers, "BLOCK", BLOCK)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        server.files = {"/M003/video.tar": DATA}
        yield server


def archive(server: Server, **options) -> Archive:
    options = {"url": f"{server.url}/M003/video.tar", "sha256": SUM, "bytes": len(DATA), **options}
    return Archive("M003", "video", **options)


def get(archive: Archive, folder: Path, **options) -> Path:
    return fetch(archive, folder / "video.tar", **{"attempts": 3, "pause": 0.01, **options})


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"video.tar.lock"}


def test_fetches(server, tmp_path):
    assert get(archive(server), tmp_path / "M003") == tmp_path / "M003/video.tar"
    assert (tmp_path / "M003/video.tar").read_bytes() == DATA
    assert names(tmp_path / "M003") == {"video.tar", "video.tar.json"}
    before = len(server.requests)
    get(archive(server), tmp_path / "M003")
    assert len(server.requests) == before  # it is here


def test_goes_on_within_a_call(server, tmp_path, capsys):
    server.breaks = [int(2.5 * BLOCK), int(2.7 * BLOCK), int(3.5 * BLOCK), int(4.5 * BLOCK)]
    # More breaks than attempts, but something arrived between them.
    get(archive(server), tmp_path, attempts=3)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert server.asked() == [BLOCK * n for n in (0, 1, 2, 2, 2, 3, 3, 4, 4, 5)]
    assert "once more in" in capsys.readouterr().out


def test_goes_on_in_the_next_call(server, tmp_path):
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError, match=r"M003 video: http.*given up after 3 tries") as error:
        get(archive(server), tmp_path)
    assert "131kB are here" in str(error.value)
    assert names(tmp_path) == {"video.tar.part", "video.tar.part.json"}
    server.requests.clear()
    get(archive(server), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert server.asked() == [BLOCK * n for n in (2, 3, 4, 5)]


def test_a_whole_part_is_not_fetched_again(server, tmp_path):
    (tmp_path / "video.tar.part").write_bytes(DATA)
    source = {"url": "", "version": f"{archive(server).url} {len(DATA)}"}
    (tmp_path / "video.tar.part.json").write_text(str(source).replace("'", '"'))
    get(archive(server), tmp_path)
    assert server.asked() == []
    assert (tmp_path / "video.tar").read_bytes() == DATA


def test_a_server_that_cannot_go_on(server, tmp_path, capsys):
    server.ranges = False
    get(archive(server), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert "can't go on from the middle: from the start" in capsys.readouterr().out


def test_a_part_of_another_file_is_dropped(server, tmp_path, capsys):
    server.etag = "old"
    server.files["/M003/video.tar"] = tar_bytes(seed=1)
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError):
        get(archive(server, sha256=None), tmp_path)
    server.etag = "new"
    server.files["/M003/video.tar"] = DATA
    get(archive(server, sha256=None), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert "another than before" in capsys.readouterr().out


def test_a_login_page_does_not_cost_what_has_arrived(server, tmp_path):
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError):
        get(archive(server, bytes=None), tmp_path)
    server.files["/M003/video.tar"] = b"<html><title>Sign in</title></html>"
    with pytest.raises(DownloadError, match="Sign in"):
        get(archive(server, bytes=None), tmp_path)
    server.files["/M003/video.tar"] = DATA
    server.requests.clear()
    get(archive(server, bytes=None), tmp_path)
    assert server.asked()[0] == 2 * BLOCK


def test_a_new_link_to_the_same_file_goes_on(server, tmp_path):
    server.etag = "same"
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError):
        get(archive(server), tmp_path)
    server.requests.clear()
    get(archive(server, url=f"{server.url}/M003/video.tar?signature=a%2Fb"), tmp_path)
    assert server.asked()[0] == 2 * BLOCK


def test_wrong_checksum(server, tmp_path):
    with pytest.raises(DownloadError, match="wrong checksum") as error:
        get(archive(server, sha256="0" * 64), tmp_path)
    assert "0" * 64 in str(error.value)
    assert SUM in str(error.value)
    assert names(tmp_path) == {"video.tar.bad", "video.tar.part.json"}
    assert (tmp_path / "video.tar.bad").read_bytes() == DATA
    # It was the table that was wrong.
    server.requests.clear()
    get(archive(server), tmp_path)
    assert server.requests == []
    assert "video.tar" in names(tmp_path)


def test_bad_bytes_are_not_used_again(server, tmp_path):
    server.files["/M003/video.tar"] = DATA[:-1] + b"x"
    with pytest.raises(DownloadError, match="wrong checksum"):
        get(archive(server), tmp_path)
    server.files["/M003/video.tar"] = DATA
    server.requests.clear()
    get(archive(server), tmp_path)
    assert server.asked()[0] == 0
    assert names(tmp_path) == {"video.tar", "video.tar.json"}


def test_a_bad_part_is_fetched_anew_once(server, tmp_path, capsys):
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError):
        get(archive(server), tmp_path)
    part = tmp_path / "video.tar.part"
    part.write_bytes(b"x" * part.stat().st_size)
    server.requests.clear()
    get(archive(server), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert server.asked() == [BLOCK * n for n in (2, 3, 4, 5, 0, 1, 2, 3, 4, 5)]
    assert "fetching it anew" in capsys.readouterr().out


def test_without_a_checksum_the_log_has_it(server, tmp_path, capsys):
    get(archive(server, sha256=None, bytes=None), tmp_path)
    assert f"the table has no sha256, so it is not checked; it is {SUM}" in capsys.readouterr().out
    server.requests.clear()
    get(archive(server, sha256=None, bytes=None), tmp_path)
    assert server.requests == []
    # Another link, another file.
    server.files["/M003/other.tar"] = tar_bytes(seed=1)
    other = archive(server, url=f"{server.url}/M003/other.tar", sha256=None, bytes=None)
    get(other, tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == tar_bytes(seed=1)


def test_an_interrupted_replacement_does_not_pass_the_old_file_off_as_new(server, tmp_path):
    get(archive(server, sha256=None), tmp_path)
    server.files["/M003/other.tar"] = tar_bytes(seed=1)
    server.breaks = [int(2.5 * BLOCK)] * 3
    other = archive(server, url=f"{server.url}/M003/other.tar", sha256=None)
    with pytest.raises(DownloadError):
        get(other, tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA  # nothing lost
    get(other, tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == tar_bytes(seed=1)


@pytest.mark.parametrize(
    ("status", "why", "pause"),
    [(404, r"there is no such file \(404\)", 1000), (410, r"no such file \(410\)", 1000),
     (403, r"access is denied \(403\)", 1000), (401, r"access is denied \(401\)", 1000),
     (503, r"status 503 \(given up after 3 tries", 0)],
)  # fmt: skip
def test_a_dead_link_ends_at_once_and_a_busy_server_is_asked_again(
    server, tmp_path, status, why, pause
):
    server.status["/M003/video.tar"] = status
    with pytest.raises(DownloadError, match=f"M003 video: http.*{why}"):
        get(archive(server), tmp_path, pause=pause)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/video.tar", "http://no.invalid/video.tar"])
def test_no_server(tmp_path, url, capsys):
    with pytest.raises(DownloadError, match=r"Cannot connect to host .*given up after 2 tries"):
        get(Archive("M003", "video", url), tmp_path, attempts=2)
    assert capsys.readouterr().out.count("once more") == 1


def test_pauses_grow(tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    with pytest.raises(DownloadError):
        get(Archive("M003", "video", "http://127.0.0.1:1/v.tar"), tmp_path, attempts=9, pause=5)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_web_page_in_its_place(server, tmp_path):
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head>" + b"x" * 3 * BLOCK
    server.files["/M003/video.tar"] = page
    with pytest.raises(DownloadError, match=r"no archive but a web page \('Sign in'\)"):
        get(archive(server, bytes=None), tmp_path)
    assert names(tmp_path) == {"video.tar.part.json"}


def test_an_empty_file(server, tmp_path):
    server.files["/M003/video.tar"] = b""
    with pytest.raises(DownloadError, match="no archive but an empty file"):
        get(archive(server, bytes=None), tmp_path)


def test_another_size_than_the_table_says(server, tmp_path):
    with pytest.raises(DownloadError, match=f"has {len(DATA)} bytes, the table says 7"):
        get(archive(server, bytes=7), tmp_path)
    assert server.asked() == []


def test_passwords_stay_out_of_messages(server, tmp_path):
    url = server.url.replace("//", "//me:secret@") + "/none.tar?X-Amz-Signature=secret"
    with pytest.raises(DownloadError) as error:
        get(archive(server, url=url), tmp_path)
    assert "secret" not in str(error.value)


def test_not_enough_room_before(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 200_000))
    with pytest.raises(DownloadError, match=r"338kB are still to come, 200kB are free, 138kB are"):
        get(archive(server), tmp_path)
    assert server.asked() == []


def test_disk_full_in_the_middle(server, tmp_path, monkeypatch):
    append = PartialDownload.append

    def full(part, block):
        if part.size >= 2 * BLOCK:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(part, block)

    with monkeypatch.context() as patch:
        patch.setattr(PartialDownload, "append", full)
        with pytest.raises(DownloadError, match=r"not enough room .*131kB are here and stay"):
            get(archive(server), tmp_path, pause=1000)
    server.requests.clear()
    get(archive(server), tmp_path)
    assert server.asked()[0] == 2 * BLOCK
    assert (tmp_path / "video.tar").read_bytes() == DATA


def test_what_a_part_is_of_is_not_forgotten_when_that_cannot_be_written(
    server, tmp_path, monkeypatch
):
    """Neither on a full disk, nor by a kill between opening the file and writing it."""
    server.breaks = [int(2.5 * BLOCK)] * 3
    with pytest.raises(DownloadError, match="given up"):
        get(archive(server), tmp_path)

    def full(path, text, **_):
        open(path, "w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(DownloadError, match="not enough room"):
            get(archive(server), tmp_path)
    server.requests.clear()
    get(archive(server), tmp_path)
    assert server.asked()[0] == 2 * BLOCK


def test_two_processes_fetch_it_once(server, tmp_path):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(get(archive(server), tmp_path)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [tmp_path / "video.tar"] * 2
    assert server.asked() == [BLOCK * n for n in range(6)]


# S3


@pytest.fixture
def s3(server, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    server.etag = "v1"
    server.files = {"/mead/M003/a b.tar": DATA, "/mead/M003/a%20b.tar": DATA}
    return server


def test_s3(s3, tmp_path):
    get(archive(s3, url="s3://mead/M003/a b.tar"), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert s3.asked() == [BLOCK * n for n in range(6)]


def test_s3_goes_on(s3, tmp_path):
    (tmp_path / "video.tar.part").write_bytes(DATA[: 2 * BLOCK])
    (tmp_path / "video.tar.part.json").write_text(f'{{"version": "\\"v1\\" {len(DATA)}"}}')
    get(archive(s3, url="s3://mead/M003/a b.tar"), tmp_path)
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert s3.asked() == [BLOCK * n for n in (2, 3, 4, 5)]


def test_s3_dead_link(s3, tmp_path):
    with pytest.raises(DownloadError, match=r"M003 video: s3://mead/none.tar: there is no such"):
        get(archive(s3, url="s3://mead/none.tar"), tmp_path, pause=1000)
    s3.status["/mead/secret.tar"] = 403
    with pytest.raises(DownloadError, match="access is denied"):
        get(archive(s3, url="s3://mead/secret.tar"), tmp_path, pause=1000)


def test_s3_without_credentials(s3, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DownloadError, match="no S3 credentials: set AWS_PROFILE"):
        get(archive(s3, url="s3://mead/M003/a b.tar"), tmp_path, pause=1000)


# Google Drive


class Drive:
    """In the place of gdown.download: keeps its part as gdown does, breaks where it is told."""

    def __init__(self, data: bytes = DATA):
        self.data, self.breaks, self.calls = data, [], []

    def __call__(self, *, id, output, quiet, resume, timeout, progress):
        assert (id, quiet, resume) == ("1AbC", True, True)
        part = Path(output).with_name("archive12345678.part")
        done = part.stat().st_size if part.exists() else 0
        self.calls.append(done)
        stop = self.breaks.pop(0) if self.breaks else len(self.data)
        with open(part, "ab") as file:
            for start in range(done, stop, BLOCK):
                file.write(self.data[start : min(stop, start + BLOCK)])
                file.flush()
                progress(min(stop, start + BLOCK), len(self.data))
        if stop < len(self.data):
            raise requests.exceptions.ChunkedEncodingError("Connection broken")
        part.rename(output)
        return output


@pytest.fixture
def drive(monkeypatch):
    drive = Drive()
    monkeypatch.setattr(gdown, "download", drive)
    return drive


def on_drive(**options) -> Archive:
    url = "https://drive.google.com/file/d/1AbC/view?usp=sharing"
    return Archive("M003", "video", **{"url": url, "sha256": SUM, **options})


def test_drive_goes_on(drive, tmp_path):
    drive.breaks = [2 * BLOCK, 3 * BLOCK]
    get(on_drive(), tmp_path)
    assert drive.calls == [0, 2 * BLOCK, 3 * BLOCK]
    assert (tmp_path / "video.tar").read_bytes() == DATA
    assert names(tmp_path) == {"video.tar", "video.tar.json"}


def test_drive_bad_part_is_fetched_anew_once(drive, tmp_path):
    drive.breaks = [2 * BLOCK]
    with pytest.raises(DownloadError, match="given up after 1 tries"):
        get(on_drive(), tmp_path, attempts=1)
    (part,) = (tmp_path / "video.tar.drive").iterdir()
    part.write_bytes(DATA[:BLOCK] + b"x" * BLOCK)
    get(on_drive(), tmp_path)
    assert drive.calls == [0, 2 * BLOCK, 0]
    assert (tmp_path / "video.tar").read_bytes() == DATA


@pytest.fixture
def real_gdown(server, tmp_path, monkeypatch):
    """Google Drive is the server here."""
    session_get = requests.Session.get

    def get(session, url, **options):
        return session_get(session, url.replace("https://drive.google.com", server.url), **options)

    monkeypatch.setattr(requests.Session, "get", get)
    module = sys.modules["gdown.download"]
    monkeypatch.setattr(module, "DEFAULT_COOKIES_FILE", str(tmp_path / "cookies/cookies.txt"))
    monkeypatch.setattr(module, "CHUNK_SIZE", BLOCK)
    server.files = {"/uc": DATA}
    return server


def test_real_gdown_goes_on(real_gdown, tmp_path):
    real_gdown.headers = {"Content-Disposition": 'attachment; filename="video.tar"'}
    real_gdown.etag = "v1"
    real_gdown.breaks = [2 * BLOCK]
    get(on_drive(), tmp_path / "M003")
    assert (tmp_path / "M003/video.tar").read_bytes() == DATA
    assert names(tmp_path / "M003") == {"video.tar", "video.tar.json"}
    # gdown asks for the whole file once more, for its size, and drops that answer.
    assert real_gdown.asked() == [0, 0, 2 * BLOCK]


def test_real_gdown_is_refused_going_on(real_gdown, tmp_path, capsys):
    real_gdown.headers = {"Content-Disposition": 'attachment; filename="video.tar"'}
    real_gdown.ranges = False
    real_gdown.breaks = [2 * BLOCK]
    get(on_drive(), tmp_path / "M003")
    assert (tmp_path / "M003/video.tar").read_bytes() == DATA
    assert "Drive can't go on from the middle" in capsys.readouterr().out


def test_real_gdown_says_why_not(real_gdown, tmp_path):
    page = '<html><p class="uc-error-subcaption">Too many users have viewed it</p></html>'
    real_gdown.files["/uc"] = page.encode()
    with pytest.raises(DownloadError, match=r"M003 video: https://drive.*Too many users have view"):
        get(on_drive(), tmp_path / "M003", pause=1000)
    real_gdown.status["/uc"] = 404
    with pytest.raises(DownloadError, match=r"M003 video: https://drive.*permission"):
        get(on_drive(), tmp_path / "M003", pause=1000)


def test_drive_page_and_size(drive, tmp_path):
    with pytest.raises(DownloadError, match=f"has {len(DATA)} bytes, the table says 7"):
        get(on_drive(bytes=7), tmp_path)
    shutil.rmtree(tmp_path)
    drive.data = b"<html><title>Google Drive - Quota exceeded</title>" + b" " * 3 * BLOCK
    with pytest.raises(DownloadError, match="Quota exceeded"):
        get(on_drive(), tmp_path)
    assert names(tmp_path) == {"video.tar.part.json"}


def test_drive_not_enough_room(drive, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 100_000))
    with pytest.raises(DownloadError, match="100kB are free"):
        get(on_drive(), tmp_path)


# Local files, and the script


def test_local_file_is_only_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a b/vidéo.tar"
    path.parent.mkdir()
    path.write_bytes(DATA)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    local = Archive("M003", "video", "a b/vidéo.tar", SUM, len(DATA))
    assert fetch(local, tmp_path / "video.tar") == path
    assert not (tmp_path / "video.tar").exists()
    fetch(Archive("M003", "video", str(path)), tmp_path / "video.tar")
    assert "not checked" in capsys.readouterr().out
    with pytest.raises(DownloadError, match="wrong checksum"):
        fetch(Archive("M003", "video", str(path), "0" * 64), tmp_path / "video.tar")
    with pytest.raises(DownloadError, match="the table says 7"):
        fetch(Archive("M003", "video", str(path), SUM, 7), tmp_path / "video.tar")
    with pytest.raises(DownloadError, match=r"M003 video: there is no file '/.*none.tar'"):
        fetch(Archive("M003", "video", "none.tar"), tmp_path / "video.tar")
    assert path.read_bytes() == DATA
    path.parent.chmod(0o700)


def test_provide_links_to_it(server, tmp_path):
    table = tmp_path / "archives.csv"
    table.write_text(
        "speaker,kind,url,sha256,bytes\n"
        f"M003,video,{server.url}/M003/video.tar,{SUM},\n"
        "M003,audio,,,\n"
    )
    link = tmp_path / "results/M003/video.tar"
    for _ in range(2):  # the second takes the link away and makes it again
        link.unlink(missing_ok=True)
        provide(table, "M003", "video", tmp_path / "downloads", link)
        assert link.is_symlink()
        assert link.read_bytes() == DATA
    assert server.asked() == [BLOCK * n for n in range(6)]
    with pytest.raises(DownloadError, match="there is no url for M003 audio"):
        provide(table, "M003", "audio", tmp_path / "downloads", link)


def test_script(tmp_path):
    table = tmp_path / "archives.csv"
    table.write_text(f"speaker,kind,url,sha256,bytes\nM003,video,none.tar,{SUM},\n")
    result = subprocess.run(
        [
            sys.executable, ROOT / "workflow_scripts/fetch_archive.py", "--table", table,
            "--speaker", "M003", "--kind", "video", "--downloads", tmp_path / "downloads",
            "--output", tmp_path / "video.tar",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert "M003 video: there is no file" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "video.tar").is_symlink()
