# storage: a run whose jobs share no disk. Its files lie in object storage, and so do copies of a
# user's own, which only the machine that Snakemake is started on has.
from pathlib import Path

# Where the files lie, if not on a disk (--default-storage-prefix).
STORAGE = (
    workflow.storage_settings.default_storage_prefix
    if workflow.storage_settings.default_storage_provider
    else None
)
if STORAGE and workflow.storage_settings.default_storage_provider == "s3":
    from snakemake_storage_plugin_s3 import StorageObject

    # 0.3.6 remembers from before a job that its output is no folder, and then finds none.
    StorageObject.is_dir = lambda self: any(self.get_subkeys())
# Tells jobs elsewhere which shards a user's folder has, which they can't see.
SHARDS = "EMOHEAD_SHARDS"
# What they were told: clips (of data.source: folder, 0) by shard.
SEEN = {
    (speaker, emotion): clips
    for speaker, emotions in json.loads(
        os.environ.get(SHARDS, "{}") if workflow.remote_exec else "{}"
    ).items()
    for emotion, clips in emotions.items()
}
# A user's own files and folders, by what their copies are called.
OWN = {}


def own(path):
    """A user's own file as an input: with object storage a copy, which is brought to where jobs run."""
    if not STORAGE or path == IMAGENET_WEIGHTS:
        return path if STORAGE else local(path)
    name = f"{hashlib.sha256(path.encode()).hexdigest()[:8]}/{Path(path).name}"
    OWN[name] = path
    return f"results/own/files/{name}"


def own_folder(name, folder, files):
    """Files, or folders, of a user's own folder as an input: a folder with copies of them."""
    if not workflow.remote_exec:
        OWN[name] = folder, [
            str(Path(folder, file).relative_to(folder)) for file in files
        ]
    return f"results/own/{name}"


def own_times(wildcards):
    """Times of the files, and of all folders in them: with another one they are copied again."""
    folder, files = OWN[wildcards.name]
    paths = [Path(folder, file) for file in files]
    folders = [each for path in paths for each in path.glob("**/")]
    return sorted((str(path), path.stat().st_mtime_ns) for path in [*paths, *folders])
