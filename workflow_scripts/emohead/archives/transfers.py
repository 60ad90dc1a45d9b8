"""Transfers from a server or from Google Drive into a partial download."""

import shutil
from collections.abc import Callable, Iterator

import aiohttp
import fsspec
import gdown
from tqdm import tqdm

from emohead.archives.errors import DownloadError, shown
from emohead.archives.heads import HEAD_BYTES, why_not_an_archive
from emohead.archives.partial import PartialDownload
from emohead.archives.table import Archive

BLOCK = 8 << 20  # bytes of one request
TIMEOUT = 60  # seconds without a byte


def fill_from_server(archive: Archive, part: PartialDownload) -> None:
    """Fetches what is missing of a file on an http or S3 server."""
    if archive.place == "s3":
        files = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    else:
        files = fsspec.filesystem(
            "http",
            skip_instance_cache=True,
            # A signed link must not be quoted again.
            encoded="%" in archive.url,
            headers={"Accept-Encoding": "identity"},
            client_kwargs={
                "timeout": aiohttp.ClientTimeout(sock_connect=TIMEOUT, sock_read=TIMEOUT),
                "trust_env": True,
            },
        )
    info = files.info(archive.url)
    size, version = info["size"], info.get("ETag") or info.get("Last-Modified")
    if size is not None:
        check_size(archive, size)
    # Not the url alone: a link that expired may be replaced by another to the same file.
    version = f"{version or archive.url} {size}"
    if part.arrived and not part.is_of(version):
        # What has arrived isn't given up for a login page.
        with files.open(archive.url, "rb", cache_type="none") as source:
            _check_head(archive, next(_blocks(source.read, HEAD_BYTES), b""))
        print(f"{archive}: the file there is another than before: from the start", flush=True)
    part.belongs_to(archive.url, version)
    part.expected = size or archive.bytes
    _check_room(archive, part)
    try:
        _receive(files, archive, part, block_size=None)
    except DownloadError:
        raise
    except ValueError:
        # fsspec's answer to a server without ranges.
        print(f"{archive}: the server can't go on from the middle: from the start", flush=True)
        part.reset()
        part.resumed = False
        _receive(files, archive, part, block_size=0)
    if part.size == 0:
        _check_head(archive, b"")
    if part.expected and part.size < part.expected:
        raise ConnectionError(f"it ended after {part.size} of {part.expected} bytes")


def _receive(
    files: fsspec.AbstractFileSystem,
    archive: Archive,
    part: PartialDownload,
    block_size: int | None,
) -> None:
    """Appends a file's bytes to its part; with `block_size` 0 in one stream, which can't seek."""
    with (
        files.open(archive.url, "rb", block_size=block_size, cache_type="none") as source,
        _progress(archive, part) as bar,
    ):
        source.seek(part.size)
        for block in _blocks(source.read, BLOCK):
            if part.size == 0:
                _check_head(archive, block[:HEAD_BYTES])
            part.append(block)
            bar.update(len(block))


def _blocks(read: Callable[[int], bytes], block: int) -> Iterator[bytes]:
    """Blocks of `block` bytes, and the rest, of a stream that may give less than asked for."""
    pieces, size = [], 0
    while piece := read(block - size):
        pieces.append(piece)
        size += len(piece)
        if size == block:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def fill_from_drive(archive: Archive, part: PartialDownload) -> None:
    """Fetches a file from Google Drive; gdown keeps its own part, in a folder of its own."""
    part.belongs_to(archive.url, f"gdrive:{archive.drive_id}")
    part.expected = archive.bytes
    if not part.size:
        _check_room(archive, part)
        part.drive_folder.mkdir(exist_ok=True)
        whole = part.drive_folder / "archive"
        with _progress(archive, part) as bar:

            def progress(arrived: int, total: int | None) -> None:
                if total and total != part.expected:
                    check_size(archive, total)
                    part.expected = bar.total = total
                    _check_room(archive, part)
                bar.update(arrived - bar.n)

            try:
                gdown.download(
                    id=archive.drive_id,
                    output=str(whole),
                    quiet=True,
                    resume=True,
                    timeout=TIMEOUT,
                    progress=progress,
                )
            except gdown.DownloadError as error:
                if "byte range" in str(error):
                    print(f"{archive}: Drive can't go on from the middle", flush=True)
                    part.reset()
                raise
        part.adopt(whole)
    with open(part.path, "rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        _check_head(archive, head)
        check_size(archive, part.size)
    except DownloadError:
        part.reset()
        raise


def _check_head(archive: Archive, head: bytes) -> None:
    if what := why_not_an_archive(head):
        raise DownloadError(
            f"{archive}: {shown(archive.url)} gives no archive but {what}; open the link in a "
            f"browser to see why (a login, a used-up quota, a page in front of the file)"
        )


def check_size(archive: Archive, size: int) -> None:
    """DownloadError if the table says another size in bytes."""
    if archive.bytes not in (None, size):
        raise DownloadError(
            f"{archive}: {shown(archive.url)} has {size} bytes, the table says {archive.bytes}"
        )


def _check_room(archive: Archive, part: PartialDownload) -> None:
    if part.expected and part.expected - part.arrived > _free(part):
        raise DownloadError(no_room(archive, part))


def no_room(archive: Archive, part: PartialDownload) -> str:
    """The message for a disk that is full, or will be."""
    message = f"{archive}: not enough room on the disk of {part.path.parent}"
    if part.expected:
        needed = part.expected - part.arrived
        message += (
            f": {in_words(needed)} are still to come, {in_words(_free(part))} are free, "
            f"{in_words(max(0, needed - _free(part)))} are missing"
        )
    return f"{message}; {in_words(part.arrived)} are here and stay for the next run"


def _free(part: PartialDownload) -> int:
    return shutil.disk_usage(part.path.parent).free


def in_words(size: int) -> str:
    """A number of bytes for a person, such as `8.10GB`."""
    return tqdm.format_sizeof(size, "B")


def _progress(archive: Archive, part: PartialDownload) -> tqdm:
    return tqdm(
        total=part.expected, initial=part.arrived, desc=str(archive), unit="B", unit_scale=True,
        mininterval=10,
    )  # fmt: skip
