"""A local conda channel that has two packages, repacked from this machine: python and pip."""

import asyncio
import hashlib
import io
import json
import platform
import sys
import sysconfig
import tarfile
from importlib.metadata import distribution
from pathlib import Path

from rattler import Subdir
from rattler.index import index_fs

# What an environment doesn't need, or what belongs to the machine's own environment.
LEFT_OUT = {"site-packages", "test", "idlelib", "turtledemo", "tkinter", "lib2to3", "__pycache__"}


def build_channel(folder: Path) -> None:
    """Write the channel: `folder`/{linux-64,noarch}/*.tar.bz2 and their index."""
    pack(folder, "python", platform.python_version(), str(Subdir.current()), python_files())
    pip = distribution("pip")
    files = {
        f"site-packages/{file}": Path(pip.locate_file(file))
        for file in pip.files
        if file.parts[0] in ("pip", f"pip-{pip.version}.dist-info")
    }
    pack(folder, "pip", pip.version, "noarch", files)
    asyncio.run(index_fs(folder, write_zst=False, write_shards=False))


def python_files() -> dict[str, Path]:
    """Where a file goes in the environment -> where it is: interpreter and standard library.

    libpython, where there is one, stays where it is: the interpreter has its place written down.
    """
    base = Path(sys.base_prefix)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    files = {f"bin/{alias}": base / "bin" / name for alias in ("python", "python3", name)}
    for file in library.rglob("*"):
        inside = file.relative_to(library)
        # .a: the interpreter once more, for linking.
        if file.is_file() and file.suffix != ".a" and not LEFT_OUT & set(inside.parts):
            files[f"lib/{name}/{inside}"] = file
    return files


def pack(folder: Path, name: str, version: str, subdir: str, files: dict[str, Path]) -> None:
    """Write one package: its files and the info/ that conda's format asks for."""
    contents = {path: file.read_bytes() for path, file in files.items()}
    noarch = {"noarch": "python"} if subdir == "noarch" else {}
    index = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": ["python"] if noarch else [],
        "subdir": subdir,
        **noarch,
    }
    paths = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        for path, content in contents.items()
    ]
    info = {"index": index, "paths": {"paths": paths, "paths_version": 1}, "about": {}}
    if noarch:
        info["link"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    (folder / subdir).mkdir(parents=True, exist_ok=True)
    package = folder / subdir / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(package, "w:bz2", compresslevel=1) as archive:
        for part, value in info.items():
            add(archive, f"info/{part}.json", json.dumps(value).encode(), 0o644)
        for path, content in contents.items():
            add(archive, path, content, files[path].stat().st_mode & 0o777)


def add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))
