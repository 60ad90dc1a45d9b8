# Where clips come from: the checks, speakers, shards and paths of data.source.
import hashlib
import re
from functools import cache
from pathlib import Path

from emohead.data.mead import find_left_out


def speaker_folder(speaker):
    """Where a speaker's video and audio folders are."""
    data = config["data"]
    if data["source"] == "folder":
        folders = data["folder"]
        return folders[speaker] if isinstance(folders, dict) else f"{folders}/{speaker}"
    made = {"mini": "results/data/mini", "archives": "results/data/unpacked"}
    return f"{made[data['source']]}/{speaker}"


@cache
def speakers():
    """The speakers that the config names, or all that the source has."""
    data = config["data"]
    if SEEN:
        return sorted({speaker for speaker, _ in SEEN})
    if data["source"] == "footage":
        return sorted({speaker for speaker, _ in footage()})
    if data["speakers"]:
        return data["speakers"]
    if data["source"] == "mini":
        return list(emohead.config.MINI_SPEAKERS)
    if data["source"] == "archives":
        return sorted({speaker for speaker, _ in archives()})
    if isinstance(data["folder"], dict):
        return sorted(data["folder"])
    # Folders of other names, such as lost+found, are nobody's.
    named = (
        path
        for path in Path(data["folder"]).iterdir()
        if re.fullmatch("[A-Za-z0-9_]+", path.name)
    )
    return sorted(path.name for path in named if path.is_dir())


@cache
def archives():
    """The archives that can be had, by (speaker, kind)."""
    table = read_archive_table(config["data"]["archives"]["table"])
    return {(row.speaker, row.kind): row for row in table if row.url}


def archive_row(wildcards):
    """A hash of what the table says of one archive: a changed row fetches that one again.

    Hashed, since links with a key in them should stand nowhere else.
    """
    row = archives()[wildcards.speaker, wildcards.kind]
    return hashlib.sha256(repr(row).encode()).hexdigest()


def speaker_archives(wildcards):
    """A speaker's archives on disk."""
    return [
        f"results/data/archives/{speaker}/{kind}.tar"
        for speaker, kind in archives()
        if speaker == wildcards.speaker
    ]


def archive_flags(wildcards, input):
    """`--archive KIND=PATH` for a speaker's archives."""
    paths = input.archives
    return " ".join(f"--archive {shlex.quote(f'{Path(p).stem}={p}')}" for p in paths)


def archive_problems():
    """What unpacking had to leave out, of every speaker."""
    if config["data"]["source"] != "archives":
        return []
    return [f"results/data/unpacked/{speaker}-problems.csv" for speaker in speakers()]


def left_out():
    """What looks like clips and isn't taken, as [name, reason]."""
    data = config["data"]
    if data["source"] == "footage":
        return [[each.folder, each.reason] for each in all_footage()[1]]
    if data["source"] != "folder":
        return []
    return [
        [each.folder, each.reason]
        for speaker in speakers()
        for each in find_left_out(
            Path(speaker_folder(speaker)),
            speaker=speaker,
            view=data["view"],
            emotions=data["emotions"],
            levels=data["levels"],
        )
    ]


@cache
def all_footage():
    """The clips of data.source: footage, and what its names pass over."""
    return footage_of(config["data"])


@cache
def footage():
    """The clips of data.source: footage, by shard."""
    if SEEN:
        return {shard: [None] * count for shard, count in SEEN.items()}
    clips = {}
    for clip in all_footage()[0]:
        clips.setdefault((clip.speaker, clip.emotion), []).append(clip)
    return clips


@cache
def shards():
    """All (speaker, emotion) pairs that the data have: the units of extraction."""
    data = config["data"]
    if SEEN or data["source"] == "footage":
        return sorted(footage())
    pairs = [(s, e) for s in speakers() for e in data["emotions"]]
    if data["source"] == "folder":
        return [(s, e) for s, e in pairs if video_folder(s, e).is_dir()]
    return pairs


def video_folder(speaker, emotion):
    """Where a shard's level folders are."""
    return Path(speaker_folder(speaker)) / "video" / config["data"]["view"] / emotion


def made_folder(wildcards):
    """Where a rule makes, or brings, the files that a speaker's (or shard's) clip tables name."""
    speaker = wildcards.speaker
    if config["data"]["source"] in ("mini", "archives"):
        return speaker_folder(speaker)
    if not STORAGE:
        return []
    if config["data"]["source"] == "footage":
        emotions = [e for s, e in shards() if s == speaker]
        emotion = getattr(wildcards, "emotion", None)
        return [own_clips(speaker, e) for e in ([emotion] if emotion else emotions)]
    view = f"video/{config['data']['view']}"
    files = [
        file for file in (view, "audio") if Path(speaker_folder(speaker), file).exists()
    ]
    return own_folder(f"clips/{speaker}", speaker_folder(speaker), files)


def own_clips(speaker, emotion):
    """With object storage, where the footage of a shard is brought."""
    files = [clip and clip.video for clip in footage()[speaker, emotion]]
    folder = config["data"]["footage"]["folder"]
    return own_folder(f"clips/{speaker}-{emotion}", folder, files)


def folder_state(wildcards):
    """What changes when a clip is put into a shard's folders, taken out of them or renamed.

    Looking at the folders alone keeps the start quick where there are 31,000 clips.
    """
    if config["data"]["source"] != "folder":
        return None  # made by a rule, which is its input
    audio = Path(speaker_folder(wildcards.speaker)) / "audio" / wildcards.emotion
    levels = video_folder(wildcards.speaker, wildcards.emotion).glob("level_*")
    return sorted(
        (str(folder), folder.stat().st_mtime_ns)
        for folder in [*levels, *audio.glob("level_*")]
    )


def footage_flag():
    """`--table FILE` or `--names PATTERN`: what says which clips the files are."""
    given = {key: config["data"]["footage"][key] for key in ("table", "names")}
    return verbatim(
        " ".join(
            f"--{key} {shlex.quote(value)}" for key, value in given.items() if value
        )
    )


def footage_copies(wildcards, output):
    """`--copies FOLDER`: with object storage, where jobs find a shard's files."""
    if not STORAGE:
        return ""
    copies = own_clips(wildcards.speaker, wildcards.emotion)
    return f"--copies {shlex.quote(located([copies], output)[0])}"


def footage_rows(wildcards):
    """A shard's files, so that only the shards are re-run whose rows or files change."""
    return [
        [clip.clip_id, str(clip.video), clip.video.stat().st_mtime_ns]
        for clip in footage()[wildcards.speaker, wildcards.emotion]
    ]


def shard_paths(pattern):
    """`pattern` filled for every shard."""
    return [pattern.format(speaker=s, emotion=e) for s, e in shards()]


def check_folder():
    """The folders of data.source: folder must be there."""
    data = config["data"]
    folders = data["folder"]
    if not folders:
        stop("data.folder", "is needed with data.source: folder")
    for folder in folders.values() if isinstance(folders, dict) else [folders]:
        if not Path(folder).is_dir():
            stop("data.folder", f"there is no folder {folder!r}")
    for speaker in data["speakers"] or []:
        if isinstance(folders, dict) and speaker not in folders:
            stop("data.folder", f"names no folder of speaker {speaker}")
        if not Path(speaker_folder(speaker)).is_dir():
            stop("data.speakers", f"there is no folder {speaker_folder(speaker)!r}")
    if not shards():
        stop(
            "data.folder",
            f"no <speaker>/video/{data['view']}/<emotion> below {folders!r}",
        )


def check_archives():
    """The table of archives must be readable and have a url of every speaker's videos."""
    table = config["data"]["archives"]["table"]
    if not Path(table).is_file():
        stop("data.archives.table", f"there is no file {table!r}")
    try:
        rows = archives()
    except (OSError, ValueError) as error:
        stop("data.archives.table", str(error))
    missing = [s for s in speakers() if (s, "video") not in rows]
    if missing or not speakers():
        stop(
            "data.speakers",
            f"{table} has no url of the videos of {', '.join(missing) or 'any speaker'}",
        )


def check_footage():
    """Footage must be named by a table or a pattern, and its files must be there."""
    try:
        footage()
    except ValueError as error:
        stop(*str(error).split(": ", 1))


def check_mini():
    """A folder that is named but not used is a mistake."""
    if config["data"]["folder"]:
        stop(
            "data.source", "is mini, which has no use for data.folder: set it to folder"
        )


def tell_shards():
    """Tell jobs elsewhere the shards of a folder that is only here, as {speaker: {emotion: clips}}."""
    told = {}
    for speaker, emotion in shards():
        named = config["data"]["source"] == "footage"
        clips = len(footage()[speaker, emotion]) if named else 0
        told.setdefault(speaker, {})[emotion] = clips
    os.environ[SHARDS] = json.dumps(told)
    workflow.register_envvars(SHARDS)


CHECK_SOURCE = {
    "mini": check_mini,
    "folder": check_folder,
    "archives": check_archives,
    "footage": check_footage,
}
