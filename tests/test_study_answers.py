"""Bad answers are refused with name and reason, careless raters excluded, and nobody else."""

import copy
import json
import os
import re

import pytest
from study_factory import good_answers

from emohead.study.answers import MOST_BYTES, read_answers, shown_name
from emohead.study.key import read_key
from emohead.study.table2_forms import write_table2


@pytest.fixture
def answers(study, tmp_path):
    """A folder with three good answers, and the first of them."""
    folder = tmp_path / "answers"
    return folder, good_answers(study, folder, 3)[0]


def change(**fields):
    return lambda answer: answer | fields


def change_trial(number=6, **fields):
    def changed(answer):
        answer["trials"][number] |= fields
        return answer

    return changed


def edit(action):
    def changed(answer):
        action(answer)
        return answer

    return changed


FORMS = ("csv", "md", "tex", "html")
SCRIPT = "<script>alert(1)</script>"
#: What is done to a good answer, and words of the reason. Text and bytes stand for a whole file.
BROKEN = {
    "not JSON": (b"rating: 5", "is not JSON"),
    "empty": (b"", "is not JSON"),
    "not text": (b"\xff\xfe\x00\x01", "is not JSON"),
    "cut off": (b'{"format": 1, "study": "12', "is not JSON"),
    "no number": (b'{"format": NaN}', "is not JSON"),
    "nested deeply": (b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
    "a list": (b"[1, 2]", "is not an object"),
    "too large": (b" " * MOST_BYTES + b"{}", "larger than 256 kB"),
    "another study": (change(study="0" * 16), "belongs to another study, 0000000000000000"),
    "no consent": (change(consent=False), "has no consent"),
    "a field is missing": (edit(lambda a: a.pop("hearing")), "lacks 'hearing'"),
    "a field twice": (b'{"consent": false, "consent": true}', "has a field twice"),
    "a field too many": (change(name=SCRIPT), "has a field that the page doesn't write"),
    "another format": (change(format=2), "has format, which is not 1"),
    "script in the rater's name": (change(rater=SCRIPT), "has rater, which is not written as"),
    "path in the rater's name": (change(rater="../../../etc/passwd"), "has rater, which is not"),
    "line break in the rater's name": (
        edit(lambda a: a.update(rater=a["rater"] + "\n")), "has rater, which is not"
    ),
    "rater is a number": (change(rater=7), "has rater, which is not a string"),
    "no trials": (change(trials=[]), "lacks 21 of 21 videos"),
    "a trial is missing": (edit(lambda a: a["trials"].pop(9)), "trials in place of 23|lacks 1 of"),
    "a trial twice": (
        edit(lambda a: a["trials"].append(a["trials"][4])), "has 24 trials in place of 23"
    ),
    "trials in another order": (
        edit(lambda a: a["trials"].insert(0, a["trials"].pop(4))), "in another order than turn"
    ),
    "an unknown trial": (change_trial(item="0" * 12), "has a trial 0{12}, which the study"),
    "script for a trial": (change_trial(item=SCRIPT), r"has trials\.6\.item, which is not written"),
    "a value below the scale": (change_trial(ls=0), r"has trials\.6\.ls, which is below 1"),
    "a value above the scale": (change_trial(vpq=11), r"has trials\.6\.vpq, which is above 10"),
    "half a point": (change_trial(ee=5.5), r"has trials\.6\.ee, which is not an integer"),
    "a value as text": (change_trial(ee="5"), r"has trials\.6\.ee, which is not an integer"),
    "a value is true": (change_trial(ee=True), r"has trials\.6\.ee, which is not an integer"),
    "a scale is missing": (edit(lambda a: a["trials"][6].pop("ee")), "which lacks 'ee'"),
    "an order that isn't there": (change(turn=240), "has turn, which is above 239"),
    "an order that is no whole number": (change(turn=5.0), "has turn, which is not an integer"),
    "an order beyond all numbers": (change(turn=int("9" * 4000)), "has turn, which is above 239"),
    "negative time": (change_trial(seconds=-1), r"has trials\.6\.seconds, which is below 0"),
    "answered before the questions opened": (
        change_trial(seconds=0.4, opened=0.5), "has trial 7 answered before its questions opened"
    ),
    "the video was skipped": (change_trial(opened=0.05), "has trial 7 opened after 0.1 s"),
    "longer trials than the whole": (change_trial(seconds=80_000), "less than its trials together"),
    "finished before it started": (
        change(started="2026-01-01T10:00:00Z", finished="2026-01-01T09:00:00Z"), "took -3600 s"
    ),
    "digits of another script": (change(started="\u0662026-01-01T10:00:00Z"), "has started, which"),
    "a day that isn't there": (change(started="2026-02-30T10:00:00Z"), "a time that doesn't exist"),
    "finished in the future": (change(finished="9000-01-01T10:00:00Z"), "finished in the future"),
}  # fmt: skip


def broken_file(how, answer):
    content, _ = BROKEN[how]
    if isinstance(content, bytes):
        return content
    # A rater of its own, unless it is that which is broken.
    fresh = copy.deepcopy(answer) | {"rater": os.urandom(16).hex()}
    return json.dumps(content(fresh)).encode()


def test_at_least_thirty_ways_to_be_broken_are_told_apart_and_stop_nobody(study, answers):
    folder, answer = answers
    for number, how in enumerate(BROKEN):
        (folder / f"broken {number:02d}.json").write_bytes(broken_file(how, answer))
    (folder / "copy.json").write_bytes(next(folder.glob("emohead-*.json")).read_bytes())
    again = copy.deepcopy(answer)
    again["trials"][5]["ls"] = 11 - again["trials"][5]["ls"]
    (folder / "zz same rater.json").write_text(json.dumps(again))
    (folder / "link.json").symlink_to(study / "key.json")
    (folder / "folder.json").mkdir()
    (folder / "answers.json.txt").write_bytes(broken_file("no consent", answer))
    (folder / "one more rater").mkdir()
    read = read_answers(folder, read_key(study / "key.json"))
    assert len(read.kept) == 3
    told = {each.file: each.reason for each in read.dropped}
    assert len(told) == len(BROKEN) + 6 >= 30
    assert {each.kind for each in read.dropped} == {"refused"}
    for number, (how, (_, words)) in enumerate(BROKEN.items()):
        reason = told[f"broken {number:02d}.json"]
        assert re.search(words, reason), (how, reason)
        assert "<" not in reason and "passwd" not in reason
    assert "is a copy of another file" in told.values()
    assert "is a second one of the rater" in told["zz same rater.json"]
    assert told["answers.json.txt"] == "is not named .json"
    for name in ("link.json", "folder.json", "one more rater"):
        assert told[name] == "is not a plain file"


def test_names_and_texts_of_bad_files_reach_no_page_as_markup(study, answers, tmp_path):
    folder, answer = answers
    name = "=cmd|' <img src=x onerror=alert(1)>.json"
    (folder / name).write_text(json.dumps(answer | {"rater": SCRIPT}))
    before = sorted(path for path in tmp_path.rglob("*"))
    out = tmp_path / "out"
    write_table2(
        folder, study / "key.json", [], [out / f"t.{form}" for form in FORMS],
        scores=[], seed=0, ratings=out / "ratings.csv", excluded=out / "excluded.csv",
    )  # fmt: skip
    texts = {path.name: path.read_text() for path in out.iterdir()}
    assert len(texts) == 6
    for text in texts.values():
        assert "<img" not in text and "<script" not in text and SCRIPT not in text
    assert "\n?cmd" in texts["excluded.csv"]  # no formula for a spreadsheet
    assert sorted(p for p in tmp_path.rglob("*") if out not in (p, *p.parents)) == before


def test_a_shown_name_is_plain():
    assert shown_name("a b-c_1.json") == "a b-c_1.json"
    assert shown_name("\x1b[31m<i>\u202e=.json") == "??31m?i???.json"
    assert len(shown_name("x" * 5000)) == 80


CARELESS = {
    "deaf": (change(hearing="000"), "did not hear the digits"),
    "hasty": (
        edit(lambda a: [t.update(seconds=t["opened"] + 0.2) for t in a["trials"]]), "answered 0.2 s"
    ),
    "blind to sound": (
        edit(lambda a: [t.update(ls=7) for t in a["trials"]]),
        "another clip's sound 7.0 .* the real ones 7.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", CARELESS)
def test_a_careless_rater_is_excluded(study, answers, how):
    folder, answer = answers
    act, words = CARELESS[how]
    path = sorted(folder.glob("*.json"))[0]
    path.write_text(json.dumps(act(answer)))
    read = read_answers(folder, read_key(study / "key.json"))
    (dropped,) = read.dropped
    assert len(read.kept) == 2
    assert (dropped.file, dropped.kind) == (path.name, "excluded")
    assert re.search(words, dropped.reason)


def test_whoever_contradicts_himself_is_excluded(study, answers):
    folder, answer = answers
    key = read_key(study / "key.json")
    order = [item.id for item in key.order(answer["turn"])]
    for place, item in enumerate(order):
        if item in order[:place]:
            first = answer["trials"][order.index(item)]
            answer["trials"][place] |= {
                name: 10 if first[name] <= 5 else 1 for name in ("ee", "vpq")
            }
    sorted(folder.glob("*.json"))[0].write_text(json.dumps(answer))
    (dropped,) = read_answers(folder, key).dropped
    assert dropped.kind == "excluded" and "rated repeated videos" in dropped.reason


def test_made_up_answers_among_real_ones_are_refused(study, answers):
    folder, answer = answers
    made_up = answer | {"rater": "a" * 32, "simulated": True}
    (folder / "made up.json").write_text(json.dumps(made_up))
    read = read_answers(folder, read_key(study / "key.json"))
    assert len(read.kept) == 3 and not read.simulated
    assert "is made up" in read.dropped[0].reason


def test_no_folder_and_nothing_usable_stop_the_report(study, tmp_path):
    key = read_key(study / "key.json")
    with pytest.raises(ValueError, match=r"study\.answers: there is no folder"):
        read_answers(tmp_path / "nowhere", key)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match=r"no usable answers; a\.json lacks"):
        read_answers(tmp_path, key)
