"""A person's own videos, named by a table."""

import pytest

from emohead.data.footage import read_footage


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "b c.mov", "sub/ä.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def write(folder, text):
    table = folder / "table.csv"
    table.write_text(text, encoding="utf-8")
    return table


def test_rows_become_clips_in_their_order(folder):
    table = write(
        folder,
        "file,speaker,emotion,level\n"
        "a.mp4,anna,happy,3\nsub/ä.mp4,anna,happy,3\nb c.mov,anna,sad,\n",
    )
    clips = read_footage(table, folder)
    assert [clip.clip_id for clip in clips] == [
        "anna-front-happy-3-001", "anna-front-happy-3-002", "anna-front-sad-1-001",
    ]  # fmt: skip
    assert [clip.video.name for clip in clips] == ["a.mp4", "ä.mp4", "b c.mov"]
    assert all(clip.audio == clip.video for clip in clips)


def test_level_may_be_left_out_and_a_spreadsheet_s_mark_is_no_part_of_a_name(folder):
    table = write(folder, "\ufefffile,speaker,emotion\na.mp4,anna,neutral\n")
    assert read_footage(table, folder)[0].clip_id == "anna-front-neutral-1-001"


def test_excel_s_line_about_tabs_is_no_header(folder):
    table = write(folder, "sep=\t\nfile\tspeaker\temotion\na.mp4\tanna\tsad\n")
    assert read_footage(table, folder)[0].clip_id == "anna-front-sad-1-001"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("file,speaker\na.mp4,anna\n", "no column emotion"),
        ("file,speaker,emotion\na.mp4,anna,joy\n", "line 2: emotion 'joy' is none of angry"),
        ("file,speaker,emotion\na.mp4,anna b,sad\n", "line 2: speaker 'anna b'"),
        ("file,speaker,emotion\na.mp4,anna\n", "line 2: emotion '' is none of angry"),
        ("file,speaker,emotion\nx.mp4,anna,sad\n", r"line 2: there is no file .*x\.mp4"),
        ("file,speaker,emotion,level\na.mp4,anna,sad,4\n", "line 2: level '4'"),
        ("file,speaker,emotion\na.mp4,anna,sad\na.mp4,anna,happy\n", "line 3: .*twice"),
        ("file,speaker,emotion\n", "names no file"),
        (
            'file,speaker,emotion,notes\na.mp4,anna,sad,"soft\nb c.mov,anna,happy,\n',
            "line 3: .* quotation mark",
        ),
    ],
)
def test_mistakes_are_named_by_line_and_column(folder, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_footage(write(folder, text), folder)
