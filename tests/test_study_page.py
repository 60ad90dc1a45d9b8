"""The study's page: blinded, self-contained, the same again, and usable from consent to Table 2."""

import asyncio
import base64
import io
import json
import re
import time

import av
import numpy as np
import pandas as pd
import pytest
from browser import chromium, needs_chromium
from study_factory import CLIPS, FRAMES, METHODS, QUESTIONS, TEST_IDS, make_study, make_videos

from emohead.evaluation.study_clips import PRACTICE, TRAPS
from emohead.media.reading import read_audio, read_video
from emohead.study.design import REPEATS
from emohead.study.key import read_key
from emohead.study.server import StudyServer
from emohead.study.table2_forms import write_table2

# Between two screens there is none.
HEADING = "document.querySelector('#study h1')?.textContent"
TRIALS = CLIPS * len(METHODS) + PRACTICE + TRAPS + REPEATS


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return make_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def study(tmp_path_factory, videos):
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, videos)
    return folder


def manifest_of(folder):
    text = (folder / "study.html").read_text()
    return json.loads(re.search(r'id="manifest">(.*?)</script>', text)[1])


def media_of(folder):
    """The page's videos by item, and the spoken digits, `hearing`."""
    text = (folder / "study.html").read_text()
    found = re.findall(r'<script type="text/plain" id="media-(\w+)">(.*?)</script>', text)
    return {name: base64.b64decode(data) for name, data in found}


def boxes(data, inside=(b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst")):
    """The names of an MPEG-4 file's boxes, outermost first."""
    names, at = [], 0
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size < 8:
            break
        names.append(name)
        if name in inside:
            skip = 12 if name == b"meta" else 8
            names += boxes(data[at + skip : at + size], inside)
        at += size
    return names


def test_no_byte_of_the_page_or_of_a_video_tells_a_method(study):
    page = (study / "study.html").read_bytes()
    media = media_of(study)
    assert len(media) == CLIPS * len(METHODS) + PRACTICE + TRAPS + 1
    # "ours" is a part of "yours", and "baseline" a word of CSS: as words of their own.
    words = [*METHODS, "Ground truth", "Copy reference", "Baseline", "Ours", *TEST_IDS, str(study)]
    for data in (page, *media.values()):
        for word in words:
            pattern = rb"(?<![a-z-])" + re.escape(word.encode()) + rb"(?![a-z(]| ?:|-)"
            assert not re.search(pattern, data, re.IGNORECASE), word
    for clip_id in TEST_IDS:
        assert clip_id.encode() not in page


def test_all_videos_say_and_are_built_the_same(study):
    media = media_of(study)
    assert media.pop("hearing")
    told = set()
    for data in media.values():
        with av.open(io.BytesIO(data)) as container:
            (video,), (sound,) = container.streams.video, container.streams.audio
            streams = [tuple(sorted(each.metadata.items())) for each in container.streams]
            picture = video.width, video.height, video.frames, str(video.average_rate)
            names = tuple(sorted(container.metadata.items()))
            told.add((names, *streams, picture, sound.rate, sound.channels, tuple(boxes(data))))
    (one,) = told
    assert dict(one[0])["comment"] == "Part of a user study; may be synthetic."
    # A sharper picture is larger, but not its file.
    sizes = {}
    for item in read_key(study / "key.json").items:
        sizes.setdefault(item.clip_id, set()).add(len(media[item.id]))
    assert all(len(each) == 1 for each in sizes.values())
    # x264 writes its settings into the first frame.
    settings = {re.search(rb"x264 - core.*?\0", data)[0] for data in media.values()}
    assert len(settings) == 1


def test_a_methods_shorter_videos_shorten_all_and_do_not_tell_it(tmp_path):
    make_study(tmp_path, make_videos(tmp_path / "v", frames={"baseline": FRAMES - 3}))
    key, media = read_key(tmp_path / "key.json"), media_of(tmp_path)
    for item in key.items:
        path = tmp_path / "one.mp4"
        path.write_bytes(media[item.id])
        if item.kind == "rated":
            assert len(read_video(path)) == FRAMES - 3 == round(item.seconds * 25)


def test_what_is_shown_is_what_the_key_says(study, videos, tmp_path):
    key, manifest, media = read_key(study / "key.json"), manifest_of(study), media_of(study)
    assert manifest["study"] == key.study and manifest["items"] == [i.id for i in key.items]
    traps = 0
    for item in key.items:
        path = tmp_path / "one.mp4"
        path.write_bytes(media[item.id])
        source = videos[item.method][0] / f"{item.clip_id}.mp4"
        assert abs(read_video(path).astype(int) - read_video(source)).mean() < 3
        told = videos["ground_truth"][0] / f"{item.sound}.mp4"
        heard, spoken = (abs(np.fft.rfft(read_audio(each))).argmax() for each in (path, told))
        assert abs(heard - spoken) <= 1  # the clips' tones are 24 steps apart
        traps += item.kind == "trap"
        assert (item.sound != item.clip_id) == (item.kind == "trap")
    assert traps == TRAPS


def test_ids_differ_from_study_to_study_and_are_the_same_for_the_same(study, videos, tmp_path):
    again = make_study(tmp_path / "again", videos)
    assert (tmp_path / "again/study.html").read_bytes() == (study / "study.html").read_bytes()
    other_seed = make_study(tmp_path / "seed", videos, seed=1)
    other_videos = make_study(
        tmp_path / "videos", make_videos(tmp_path / "v", frames={"ours": FRAMES - 1})
    )
    other_text = make_study(tmp_path / "text", videos, consent="Another text.")
    studies = [again, other_seed, other_videos, other_text]
    assert len({key.study for key in studies}) == 4
    for one in (other_seed, other_videos):
        assert not {item.id for item in one.items} & {item.id for item in again.items}
    shown = [media_of(tmp_path / each).keys() - {"hearing"} for each in ("again", "seed")]
    assert shown[0] == {item.id for item in again.items} and not shown[0] & shown[1]
    kept = sorted(path.name for path in (tmp_path / "again/keys").iterdir())
    assert kept == [f"{again.study}.json"]


def test_the_page_asks_nobody_and_escapes_what_the_config_says(study, tmp_path, videos):
    page = (study / "study.html").read_text()
    assert "You rate &lt;b&gt;videos&lt;/b&gt; &amp; nothing else." in page
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    assert policy.startswith("default-src 'none'") and "http" not in policy
    assert not re.search(r'(?:src|href)="', page)
    assert "The MIT License" in page and "Joshua R. de Leeuw" in page
    bad = {
        n: {"text": "</script><script>alert(1)</script>", "low": "<", "high": ">"}
        for n in QUESTIONS
    }
    make_study(tmp_path, videos, questions=bad)
    assert "<script>alert" not in (tmp_path / "study.html").read_text()


def test_the_protocol_says_what_will_be_done(study):
    text = (study / "protocol.md").read_text()
    key = read_key(study / "key.json")
    assert key.study in text and "`ours` less `baseline`" in text
    for words in ("excluded who", "Holm's correction", "| 30 | 1.23", QUESTIONS["ls"]["text"]):
        assert words in text, words
    assert "> You rate" in text


def test_a_video_that_is_missing_or_of_another_size_is_named(videos, tmp_path):
    with pytest.raises(ValueError, match=r"study\.methods: evp has no video [MW]\S+\.mp4 in"):
        make_study(tmp_path, videos | {"evp": [tmp_path]})
    with pytest.raises(ValueError, match=r"study\.clips: 20 clips"):
        make_study(tmp_path, videos, clips=20)
    assert not list(tmp_path.iterdir())


def test_a_clip_is_found_in_any_of_a_methods_folders(videos, tmp_path, study):
    parted = {}
    for method, (folder,) in videos.items():
        parted[method] = [tmp_path / method / speaker for speaker in ("M001", "W002")]
        for place in parted[method]:
            place.mkdir(parents=True)
            for path in folder.glob(f"{place.name}-*.mp4"):
                (place / path.name).symlink_to(path)
    key = make_study(tmp_path / "study", parted)
    assert key.study == read_key(study / "key.json").study


async def consent_and_hear(page, guesses, *, keyboard):
    """The first two steps, with these digits for those that are heard."""
    await page.wait_for("document.querySelector('#study [name=consent]')")
    assert await unnamed(page) == []
    if keyboard:
        for key in ("Tab", "Space", "Tab", "Enter"):
            await page.press(key)
    else:
        await page.click("#study [name=consent]")
        await page.click("#study [type=submit]")
    digits = "document.querySelector('#study [name=digits]')"
    for guess in guesses:
        await page.wait_for(f"{digits} && !{digits}.value")
        assert await unnamed(page) == []
        await page.click("#study .play")
        await page.click("#study [name=digits]")
        for digit in guess:
            await page.press(digit)
        await page.press("Enter")


async def unnamed(page):
    """The roles of what a screen reader has no name for."""
    nodes = (await page.send("Accessibility.getFullAXTree"))["nodes"]
    told = [(node["role"]["value"], node["name"]["value"]) for node in nodes if "name" in node]
    roles = {"button", "checkbox", "group", "heading", "radio", "textbox", "Video"}
    assert {role for role, _ in told} & roles
    return [role for role, name in told if role in roles and not name]


async def go_through(page, *, keyboard):
    """A whole study, from consent to the end, by keys alone or with a mouse."""
    await consent_and_hear(page, ("000", await page.run("manifest.hearing")), keyboard=keyboard)
    await page.wait_for("document.querySelector('#study ul')")
    await page.click("#study [type=submit]")
    ratings = []
    while True:
        await page.wait_for(
            "document.querySelector('#study .save, #study .points') || "
            f"/Practice is over|Half way/.test({HEADING})"
        )
        heading = await page.run(HEADING)
        if heading == "Thank you":
            return ratings
        if not heading.startswith(("Practice ", "Video ")) or heading == "Practice is over":
            await page.click("#study [type=submit]")
            await page.wait_for(f"{HEADING} != {heading!r}")
            continue
        if not ratings:  # scales are closed while the video plays, and nothing can be sent
            assert await page.run("document.querySelector('#study .scales').disabled")
            assert await page.run("document.querySelector('#study [type=submit]').disabled")
            assert await unnamed(page) == []
        await page.wait_for("!document.querySelector('#study .scales').disabled")
        answer = [2 + len(ratings) % 3, 4, 9 - len(ratings) % 2]
        if keyboard:
            for points in answer:
                for _ in range(points):
                    await page.press("ArrowRight")
                await page.press("Tab")
            # An arrow selects the next one: so many presses lead to the next point.
            answer = [points + 1 for points in answer]
        else:
            for scale, points in zip(("ls", "ee", "vpq"), answer, strict=True):
                await page.click(f'#study [name={scale}][value="{points}"]')
        ratings.append(answer)
        if keyboard:
            await page.press("Enter")
        else:
            await page.click("#study [type=submit]")
        await page.wait_for(f"{HEADING} != {heading!r}")


@needs_chromium
def test_a_whole_study_by_keyboard_from_a_file_to_table_2(study, tmp_path):
    async def drive():
        async with chromium(tmp_path / "chromium") as page:
            await page.open((study / "study.html").as_uri(), width=390, height=844, phone=True)
            ratings = await go_through(page, keyboard=True)
            assert not list((tmp_path / "chromium").glob("*.json"))
            await page.click("#study .save")
            await page.wait_for("!document.querySelector('#study .after').hidden")
            end = time.monotonic() + 120
            while not list((tmp_path / "chromium").glob("*.json")) and time.monotonic() < end:
                await asyncio.sleep(0.05)
            # Nothing is wider than a phone.
            assert await page.run("document.documentElement.scrollWidth") <= 390
            outside = [u for u in page.requests if not u.startswith(("file:", "blob:", "data:"))]
            return ratings, page.errors, outside

    (tmp_path / "chromium").mkdir()
    ratings, errors, outside = asyncio.run(drive())
    assert errors == [] and outside == []
    (saved,) = (tmp_path / "chromium").glob("emohead-study-*.json")
    answer = json.loads(saved.read_text())
    given = [[trial[name] for name in ("ls", "ee", "vpq")] for trial in answer["trials"]]
    assert given == ratings and len(ratings) == TRIALS
    assert answer["hearing_tries"] == 2 and answer["consent"] is True
    # As it is, it was answered at once and without listening, which the report says.
    with pytest.raises(ValueError, match=r"no usable answers; .*study-.*(answered|sound)"):
        report(saved.parent, study, tmp_path / "out")
    # With a person's ears and patience it is a table.
    key = read_key(study / "key.json")
    for item, trial in zip(key.order(answer["turn"]), answer["trials"], strict=True):
        trial |= {"seconds": trial["seconds"] + 2, "ls": 1 if item.kind == "trap" else 8}
        trial |= {"ee": 5, "vpq": 6 if item.method == "ours" else 4}
    saved.write_text(json.dumps(answer | {"started": "2020-01-01T10:00:00Z"}))
    report(saved.parent, study, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/table2.csv").query("part == 'mean'")
    values = table.set_index(["method", "scale"])[["value", "low", "high"]].T.to_dict("list")
    assert values["Ours", "ls"] == [8] * 3 and values["Ours", "ee"] == [5] * 3
    assert values["Ours", "vpq"] == [6] * 3 and values["Baseline", "vpq"] == [4] * 3


def report(answers, study, out):
    write_table2(
        answers,
        study / "key.json",
        [],
        [out / f"table2.{form}" for form in ("csv", "md", "tex", "html")],
        scores=[],
        seed=0,
        ratings=out / "ratings.csv",
        excluded=out / "excluded.csv",
    )


@needs_chromium
def test_a_served_study_with_a_mouse_and_without_a_light(study, tmp_path):
    (tmp_path / "chromium").mkdir()

    async def drive(url):
        async with chromium(tmp_path / "chromium") as page:
            await page.open(url)  # whoever hears nothing gets no further
            await consent_and_hear(page, ("000",) * 3, keyboard=False)
            await page.wait_for(f"/ends here/.test({HEADING})")
            assert not await page.run("document.querySelector('#study .save')")
            await page.open(url, dark=True)
            ratings = await go_through(page, keyboard=False)
            await page.click("#study .save")
            await page.wait_for("!document.querySelector('#study .after').hidden")
            text = await page.run("document.querySelector('#study .status').textContent")
            return ratings, text, page.errors

    async def with_server():
        with StudyServer(study, tmp_path / "answers") as server:
            serving = asyncio.get_running_loop().run_in_executor(None, server.serve_forever, 0.05)
            try:
                return await drive(f"http://127.0.0.1:{server.server_port}/")
            finally:
                server.shutdown()
                await serving

    ratings, text, errors = asyncio.run(with_server())
    assert "are saved" in text and errors == []
    (path,) = (tmp_path / "answers").iterdir()
    answer = json.loads(path.read_text())
    assert answer["turn"] == 1  # 0 was for the first try
    assert [[t[name] for name in ("ls", "ee", "vpq")] for t in answer["trials"]] == ratings
    assert not list((tmp_path / "chromium").glob("*.json"))
    # The report reads it and excludes the rater, who is one.
    with pytest.raises(ValueError, match="no usable answers; emohead-study-"):
        report(tmp_path / "answers", study, tmp_path / "out")
