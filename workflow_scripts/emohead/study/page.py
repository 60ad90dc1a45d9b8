"""The study's page: one file that holds videos, orders and jsPsych."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from markupsafe import Markup

from emohead.evaluation.study_clips import choose_clips
from emohead.files import whole_file
from emohead.report.page_parts import render_template
from emohead.study.design import draw_orders
from emohead.study.key import PRACTICE, RATED, SCALES, TRAP, Key, write_key
from emohead.study.protocol import protocol_text
from emohead.study.stimuli import make_stimuli

ROOM = "emohead.study"


def write_study(
    folders: Mapping[str, Sequence[Path]],
    test_ids: Sequence[str],
    *,
    clips: int,
    points: int,
    seed: int,
    reference: str,
    questions: Mapping[str, Mapping[str, str]],
    consent: str,
    page: Path,
    key: Path,
    keys: Path,
    protocol: Path,
) -> Key:
    """Write the page, the key and the protocol of a study; a copy of the key into `keys`.

    The copy, `<study>.json`, stays when another study takes this one's place.

    `folders` are those of each method's `<clip_id>.mp4`, in the table's order, the ground truth and
    the copied reference among them; `questions` says of each scale `text`, `low` and `high`.
    ValueError when there are too few test clips, or a video is missing.
    """
    chosen = choose_clips(test_ids, clips=clips, seed=seed)
    chosen.check_enough(clips)
    stimuli = make_stimuli(folders, chosen, seed=seed)
    items, methods = stimuli.items, tuple(folders)
    rated = [
        [_place(items, RATED, clip_id, method) for method in methods] for clip_id in chosen.rated
    ]
    practice = [_place(items, PRACTICE, clip_id) for clip_id in chosen.practice]
    traps = [_place(items, TRAP, clip_id) for clip_id, _ in chosen.traps]
    orders = draw_orders(rated, practice, traps, np.random.default_rng(seed))

    manifest = {
        "points": points,
        "scales": [{"name": name, **questions[name]} for name in SCALES],
        "items": [item.id for item in items],
        "practice": len(practice),
        "orders": orders,
        "hearing": stimuli.hearing,
    }
    media = dict(zip(manifest["items"], map(_base64, stimuli.videos), strict=True))
    media["hearing"] = _base64(stimuli.hearing_sound)
    made = Key("", reference, methods, points, stimuli.hearing, items, tuple(map(tuple, orders)))
    protocol_of = partial(protocol_text, questions=questions, consent=consent)
    # What was promised is a part of the study: with other rules it is another one.
    told = json.dumps([manifest, media, consent, protocol_of(made)], sort_keys=True).encode()
    made = replace(made, study=hashlib.sha256(told).hexdigest()[:16])
    manifest["study"] = made.study
    text = render_template(
        "study.html.j2",
        room=ROOM,
        manifest=manifest,
        media=media,
        consent=[part for part in consent.split("\n") if part.strip()],
        minutes=made.minutes,
        libraries=[
            Markup(_template(name))
            for name in ("jspsych-8.3.0.min.js", "jspsych-survey-html-form-2.1.0.min.js")
        ],
        script=Markup(_template("study.js")),
        style=Markup(_template("study.css")),
        licence=Markup(_template("jspsych-licence.txt")),
    )
    with whole_file(page) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
    write_key(made, [keys / f"{made.study}.json", key])
    with whole_file(protocol) as unfinished:
        unfinished.write_text(protocol_of(made), encoding="utf-8")
    return made


def _place(items: Sequence, kind: str, clip_id: str, method: str | None = None) -> int:
    (place,) = (
        place
        for place, item in enumerate(items)
        if (item.kind, item.clip_id) == (kind, clip_id) and method in (None, item.method)
    )
    return place


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
