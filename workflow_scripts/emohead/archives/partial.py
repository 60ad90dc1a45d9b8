"""A download that is not whole yet."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from emohead.files import whole_file


class PartialDownload:
    """The bytes of a file so far, which file they are of, and their SHA-256.

    Beside the target `video.tar` that is `video.tar.part`, or the folder `video.tar.drive` while
    gdown fills it; `video.tar.part.json` says of which file.
    """

    def __init__(self, target: Path):
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self.drive_folder = target.with_name(f"{target.name}.drive")
        self._source = target.with_name(f"{target.name}.part.json")
        self._target_source = target.with_name(f"{target.name}.json")
        #: Size of the whole in bytes, where it is known.
        self.expected: int | None = None
        #: Whether it was put together from several transfers.
        self.resumed = False
        self._read()

    def _read(self) -> None:
        self.size, self._sum = 0, hashlib.sha256()
        if self.path.exists():
            with open(self.path, "rb") as file:
                self._sum = hashlib.file_digest(file, "sha256")
            self.size = self.path.stat().st_size

    @property
    def sum(self) -> str:
        """SHA-256 of the bytes in `path`."""
        return self._sum.hexdigest()

    @property
    def arrived(self) -> int:
        """Bytes that are here, with those that gdown keeps."""
        kept = self.drive_folder.iterdir() if self.drive_folder.exists() else ()
        return self.size + sum(path.stat().st_size for path in kept)

    def target_is_from(self, url: str) -> bool:
        """Whether the target, if there is one, came from this url."""
        return _read_json(self._target_source).get("url") == url

    def is_of(self, version: str) -> bool:
        """Whether what has arrived is of this version of a file."""
        return _read_json(self._source).get("version") == version

    def belongs_to(self, url: str, version: str) -> None:
        """Notes what the part is of; bytes of anything else are dropped."""
        if self.arrived and not self.is_of(version):
            self.reset()
        with whole_file(self._source) as unfinished:
            unfinished.write_text(json.dumps({"url": url, "version": version}))

    def append(self, block: bytes) -> None:
        """Adds bytes that arrived."""
        with open(self.path, "ab") as file:
            file.write(block)
        self._sum.update(block)
        self.size += len(block)

    def adopt(self, path: Path) -> None:
        """Moves a whole file out of gdown's folder."""
        os.replace(path, self.path)
        shutil.rmtree(self.drive_folder)
        self._read()

    def reset(self) -> None:
        """Drops everything that has arrived."""
        self.path.unlink(missing_ok=True)
        shutil.rmtree(self.drive_folder, ignore_errors=True)
        self._read()

    def become_target(self) -> None:
        """The part is whole and good: gives it its name."""
        os.replace(self.path, self.target)
        os.replace(self._source, self._target_source)


def _read_json(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
