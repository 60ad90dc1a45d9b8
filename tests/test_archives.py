import errno
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from emohead.archives.table import Archive, read_archive_table
from emohead.archives.unpacking import ArchiveError, Problem, unpack
from emohead.data.mead import find_clips

ROOT = Path(__file__).parent.parent
SUM = "ab" * 32
ANGRY = "front/angry/level_3/001.mp4"


def table(folder: Path, *rows: str) -> Path:
    path = folder / "archives.csv"
    path.write_text("\n".join(["speaker,kind,url,sha256,bytes", *rows]) + "\n")
    return path


def content(name: str) -> bytes:
    """Bytes that tell which member they are of."""
    return name.encode() * 500


def make_tar(path: Path, *members: str | tarfile.TarInfo, mode: str = "w") -> Path:
    """A tar with a file for every name; a TarInfo goes in as it is."""
    with tarfile.open(path, mode) as tar:
        for member in members:
            data = b""
            if isinstance(member, str):
                data = content(member)
                member = tarfile.TarInfo(member)
                member.size, member.mtime = len(data), 1_600_000_000
            tar.addfile(member, io.BytesIO(data))
    return path


def take(archives: dict[str, Path], root: Path, **options) -> list[Problem]:
    options = {
        "speaker": "M003", "view": "front", "emotions": ["angry", "neutral"], "levels": [3],
        **options,
    }  # fmt: skip
    return unpack(archives, root, **options)


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir())


# The table


def test_table(tmp_path):
    path = table(
        tmp_path,
        f"M003,video,https://files.example/M003/video.tar,{SUM.upper()},8000000000",
        "M003,audio,,,",
        "M005,video,archives/M005 vidéo.tar,,",
        "M005,audio,s3://mead/M005/audio.tar,,",
    )
    assert read_archive_table(path) == [
        Archive("M003", "video", "https://files.example/M003/video.tar", SUM, 8_000_000_000),
        Archive("M005", "video", "archives/M005 vidéo.tar"),
        Archive("M005", "audio", "s3://mead/M005/audio.tar"),
    ]
    assert [a.place for a in read_archive_table(path)] == ["http", "local", "s3"]


def test_table_of_a_spreadsheet_program(tmp_path):
    path = tmp_path / "archives.csv"
    path.write_bytes("\ufeffspeaker,kind,url,sha256,bytes\r\nM003,video,a.tar,,\r\n".encode())
    assert read_archive_table(path) == [Archive("M003", "video", "a.tar")]


@pytest.mark.parametrize(
    "url",
    [
        "gdrive:1AbC-dEf_123",
        "https://drive.google.com/file/d/1AbC-dEf_123/view?usp=sharing",
        "https://drive.google.com/file/u/1/d/1AbC-dEf_123/view",
        "https://drive.google.com/open?id=1AbC-dEf_123",
        "https://drive.google.com/uc?export=download&id=1AbC-dEf_123",
        "https://drive.usercontent.google.com/download?id=1AbC-dEf_123&confirm=t",
    ],
)
def test_google_drive_links(tmp_path, url):
    (archive,) = read_archive_table(table(tmp_path, f"M003,video,{url},,"))
    assert (archive.place, archive.drive_id) == ("drive", "1AbC-dEf_123")


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        ("M003,film,a.tar,,", "kind", "'film' is not one of video, audio"),
        ("../M003,video,a.tar,,", "speaker", "no speaker's id"),
        ("M003,video,a.tar,12ab,", "sha256", "64 hexadecimal digits"),
        ("M003,video,a.tar,,8 GB", "bytes", "no number of bytes"),
        ("M003,video,ftp://files.example/a.tar,,", "url", "unknown kind"),
        ("M003,video,s3://bucket,,", "url", "lacks the bucket or the key"),
        ("M003,video,https://drive.google.com/drive/folders/1AbC,,", "url", "names no file"),
        ("M004,video,b.tar,,", "kind", "a second row for M004 video"),
    ],
)
def test_table_mistakes(tmp_path, row, column, what):
    path = table(tmp_path, "M004,video,,,", row)
    with pytest.raises(ValueError, match=what) as error:
        read_archive_table(path)
    assert f"{path}, line 3, column {column}:" in str(error.value)


def test_table_without_a_column(tmp_path):
    path = tmp_path / "archives.csv"
    path.write_text("actor,type,url,sha256,bytes\n")
    with pytest.raises(ValueError, match=r"archives.csv: no column speaker, kind"):
        read_archive_table(path)


def test_the_template_is_a_table_with_nothing_filled_in():
    path = ROOT / "config/mead_archives.csv"
    assert read_archive_table(path) == []
    rows = pd.read_csv(path)
    assert rows.speaker.nunique() == 48
    assert set(rows.groupby("speaker").kind.apply(tuple)) == {("video", "audio")}


# Unpacking


def test_takes_only_what_is_wanted(tmp_path):
    video = make_tar(
        tmp_path / "video.tar",
        "video/front/angry/level_3/001.mp4",
        "video/front/angry/level_2/001.mp4",
        "video/left_30/angry/level_3/001.mp4",
        "video/front/happy/level_3/001.mp4",
        "video/front/neutral/level_1/040.mp4",
        "video/front/angry/level_3/._001.mp4",
        "video/front/angry/level_3/notes.txt",
    )
    audio = make_tar(
        tmp_path / "audio.tar",
        "audio/angry/level_3/001.m4a",
        "audio/happy/level_3/001.m4a",
        "audio/angry/level_3/001.mp4",
    )
    assert take({"video": video, "audio": audio}, tmp_path / "out") == []
    assert files(tmp_path / "out") == [
        "M003/audio/angry/level_3/001.m4a",
        "M003/video/front/angry/level_3/001.mp4",
        "M003/video/front/neutral/level_1/040.mp4",
    ]
    taken = tmp_path / "out/M003/video/front/angry/level_3/001.mp4"
    assert taken.read_bytes() == content("video/front/angry/level_3/001.mp4")
    # Unpacked again it is no newer.
    assert taken.stat().st_mtime == 1_600_000_000
    (clip,) = find_clips(
        tmp_path / "out/M003", speaker="M003", view="front", emotion="angry", levels=[3]
    )
    assert clip.audio.name == "001.m4a"


@pytest.mark.parametrize("prefix", ["", "./", "video/", "M003/video/", "./M003/video/", "a b/é/"])
@pytest.mark.parametrize(
    ("mode", "kinds"),
    [("w", ".mp4 .m4a"), ("w:gz", ".MP4 .wav"), ("w:bz2", ".mp4 .m4a"), ("w:xz", ".mp4 .m4a")],
)
def test_any_folders_in_front_any_compression_and_format(tmp_path, prefix, mode, kinds):
    kind, sound_kind = kinds.split()
    video = make_tar(tmp_path / "video.tar", f"{prefix}front/angry/level_3/7{kind}", mode=mode)
    sound = f"{prefix.replace('video', 'audio')}angry/level_3/007{sound_kind}"
    audio = make_tar(tmp_path / "audio.tar", sound, mode=mode)
    assert take({"video": video, "audio": audio}, tmp_path / "out") == []
    assert files(tmp_path / "out") == [
        f"M003/audio/angry/level_3/007{sound_kind}",
        "M003/video/front/angry/level_3/007.mp4",
    ]


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_nothing_leaves_the_folder(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    video = make_tar(
        tmp_path / "video.tar",
        "../../front/angry/level_3/001.mp4",
        "/front/angry/level_3/002.mp4",
        special("front/angry/level_3/003.mp4", tarfile.SYMTYPE, str(secret)),
        special("front/angry/level_3/004.mp4", tarfile.LNKTYPE, "../../secret.txt"),
        special("front/angry/level_3/005.mp4", tarfile.CHRTYPE),
        special("front/angry/level_3", tarfile.SYMTYPE, str(tmp_path)),
        "front/angry/level_3/006.mp4",
        special("front/happy/level_3/007.mp4", tarfile.SYMTYPE, str(secret)),
        "../../secret.txt",
    )
    problems = take({"video": video}, tmp_path / "out")
    assert files(tmp_path / "out") == ["M003/video/front/angry/level_3/006.mp4"]
    assert secret.read_text() == "secret"
    assert files(tmp_path) == [
        "out/M003/video/front/angry/level_3/006.mp4", "secret.txt", "video.tar"
    ]  # fmt: skip
    # Only what was wanted is worth a word.
    assert [p.archive for p in problems] == ["M003 video.tar"] * 5
    for problem, (number, why) in zip(
        problems,
        [(1, "leads out"), (2, "leads out"), (3, "a link"), (4, "a link"), (5, "a link")],
        strict=True,
    ):
        assert f"{number:03d}.mp4" in problem.reason
        assert why in problem.reason


def test_a_link_to_a_folder_made_earlier_is_not_followed(tmp_path):
    video = make_tar(
        tmp_path / "video.tar",
        special("M003/video/front/angry", tarfile.SYMTYPE, str(tmp_path / "elsewhere")),
        "M003/video/front/angry/level_3/001.mp4",
    )
    (tmp_path / "elsewhere").mkdir()
    assert take({"video": video}, tmp_path / "out") == []
    assert files(tmp_path / "elsewhere") == []
    assert files(tmp_path / "out") == ["M003/video/front/angry/level_3/001.mp4"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_cut_short(tmp_path, mode):
    names = [f"front/angry/level_3/{n:03d}.mp4" for n in range(1, 6)]
    whole = make_tar(tmp_path / "whole.tar", *names, mode="w")
    if mode == "w":
        cut = 4 * (512 + len(content(names[0])) // 512 * 512 + 512) - 5000  # inside the 4th
        (tmp_path / "video.tar").write_bytes(whole.read_bytes()[:cut])
    else:
        packed = make_tar(tmp_path / "packed.tar", *names, mode=mode).read_bytes()
        (tmp_path / "video.tar").write_bytes(packed[: len(packed) * 3 // 4])
    (problem,) = take({"video": tmp_path / "video.tar"}, tmp_path / "out")
    assert problem.archive == "M003 video.tar"
    assert "damaged or cut short" in problem.reason
    taken = files(tmp_path / "out")
    if mode == "w":
        assert taken == [f"M003/video/{name}" for name in names[:3]]
        assert "3 files were taken" in problem.reason
    for name in taken:
        path = tmp_path / "out" / name
        assert path.read_bytes() == content(name.removeprefix("M003/video/"))


@pytest.mark.parametrize("cut", ["between two members", "in a header", "in a skipped member"])
def test_cut_short_where_a_tar_could_end(tmp_path, cut):
    make_tar(tmp_path / "whole.tar", ANGRY, "front/happy/level_3/001.mp4", mode="w")
    with tarfile.open(tmp_path / "whole.tar") as tar:
        second = tar.getmembers()[1]
    size = {
        "between two members": second.offset,
        "in a header": second.offset + 100,
        "in a skipped member": second.offset_data + 100,
    }[cut]
    (tmp_path / "video.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:size])
    (problem,) = take({"video": tmp_path / "video.tar"}, tmp_path / "out")
    assert "cut short" in problem.reason
    assert files(tmp_path / "out") == [f"M003/video/{ANGRY}"]


def test_damaged_header(tmp_path):
    whole = make_tar(tmp_path / "video.tar", ANGRY, "front/angry/level_3/002.mp4")
    with tarfile.open(whole) as tar:
        second = tar.getmembers()[1]
    data = bytearray(whole.read_bytes())
    data[second.offset : second.offset + 512] = b"x" * 512
    whole.write_bytes(data)
    (problem,) = take({"video": whole}, tmp_path / "out")
    assert f"damaged or cut short after {ANGRY!r}" in problem.reason
    assert files(tmp_path / "out") == [f"M003/video/{ANGRY}"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "an empty file"),
        (b"\0" * 5000, "a file of zeros"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "a web page ('Sign in')"),
        (b"PK\x03\x04" + b"x" * 2000, "a zip file"),
        (b"\0\0\0\x20ftypisom" + b"x" * 2000, "a single video"),
        (b"hello", "not a tar file"),
    ],
)
def test_no_archive_at_all(tmp_path, data, what):
    (tmp_path / "video.tar").write_bytes(data)
    audio = make_tar(tmp_path / "audio.tar", "angry/level_3/001.m4a")
    archives = {"video": tmp_path / "video.tar", "audio": audio}
    (problem,) = take(archives, tmp_path / "out")
    assert problem.archive == "M003 video.tar"
    assert f"is no archive but {what}" in problem.reason
    assert files(tmp_path / "out") == ["M003/audio/angry/level_3/001.m4a"]


@pytest.mark.parametrize(
    ("names", "reason", "kept"),
    [
        ((ANGRY, f"copy/{ANGRY}"), f"'copy/{ANGRY}' is in it twice", [f"M003/video/{ANGRY}"]),
        ((f"M005/video/{ANGRY}",), "is a clip of M005, not of M003", []),
    ],
)
def test_a_second_and_a_foreign_clip_are_left_out(tmp_path, names, reason, kept):
    video = make_tar(tmp_path / "video.tar", *names)
    (problem,) = take({"video": video}, tmp_path / "out")
    assert reason in problem.reason and files(tmp_path / "out") == kept
    assert all((tmp_path / "out" / name).read_bytes() == content(ANGRY) for name in kept)


def test_numbers_that_no_clip_can_have_are_named(tmp_path):
    odd = [ANGRY.replace("001", number) for number in ("000", "300002")]
    video = make_tar(tmp_path / "video.tar", ANGRY, *odd)
    (problem,) = take({"video": video}, tmp_path / "out")
    assert all(repr(name) in problem.reason for name in odd)
    assert files(tmp_path / "out") == [f"M003/video/{ANGRY}"]


def test_says_what_there_is_in_place_of_the_wanted(tmp_path):
    down = make_tar(tmp_path / "video.tar", "down/angry/level_3/001.mp4")
    (problem,) = take({"video": down}, tmp_path / "out")
    assert "has 1 clips, but none of view front" in problem.reason
    assert "its views: down" in problem.reason
    other = make_tar(tmp_path / "audio.tar", "readme.txt")
    (problem,) = take({"audio": other}, tmp_path / "out")
    assert "the first name in it is 'readme.txt'" in problem.reason
    assert (tmp_path / "out/M003").is_dir()


def test_full_disk(tmp_path, monkeypatch):
    video = make_tar(tmp_path / "video.tar", ANGRY, "front/angry/level_3/002.mp4")
    copy, calls = shutil.copyfileobj, []

    def copyfileobj(source, sink, length):
        calls.append(sink.name)
        if len(calls) == 2:
            sink.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, sink, length)

    monkeypatch.setattr(shutil, "copyfileobj", copyfileobj)
    with pytest.raises(ArchiveError, match=r"video.tar: the disk is full after 1 files"):
        take({"video": video}, tmp_path / "out")
    assert files(tmp_path / "out") == [f"M003/video/{ANGRY}"]


def test_script(tmp_path):
    video = make_tar(tmp_path / "video.tar", "front/sad/level_1/001.mp4")
    audio = tmp_path / "audio.tar"
    audio.write_text("no tar")
    subprocess.run(
        [
            sys.executable, ROOT / "workflow_scripts/unpack_archives.py", "--speaker", "M003",
            "--archive", f"video={video}", "--archive", f"audio={audio}", "--view", "front",
            "--emotions", "angry", "sad", "--levels", "1", "2",
            "--output", tmp_path / "a b/M003", "--problems", tmp_path / "problems.csv",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    assert files(tmp_path / "a b") == ["M003/video/front/sad/level_1/001.mp4"]
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert problems[["clip_id", "stage"]].values.tolist() == [["M003 audio.tar", "unpack"]]
