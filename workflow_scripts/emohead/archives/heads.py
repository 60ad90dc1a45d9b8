"""What a file is, by its first bytes."""

import re
import tarfile

#: Enough of a file's beginning to tell what it is.
HEAD_BYTES = 1024

_FIRST_BYTES = {
    b"PK\x03\x04": "a zip file",
    b"7z\xbc\xaf": "a 7-Zip file",
    b"Rar!": "a RAR file",
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a Git LFS pointer",
}
_COMPRESSED_TAR = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"\x5d\x00\x00\x80")


def why_not_an_archive(head: bytes) -> str | None:
    """What a file with these first bytes (HEAD_BYTES of them) is in place of a tar; None for a tar.

    Links that ask for a login, or whose quota is used up, answer with a web page.
    """
    if head.startswith(_COMPRESSED_TAR):
        return None
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
        return None
    except tarfile.HeaderError:
        pass
    if not head.strip(b"\0"):
        return "a file of zeros" if head else "an empty file"
    text = head.decode("utf-8", "replace")
    if re.match(r"\s*(<!doctype html|<html|<head|<\?xml)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        return f"a web page ({title[1].strip()!r})" if title else "a web page"
    for first, name in _FIRST_BYTES.items():
        if head.startswith(first):
            return name
    if head[4:8] == b"ftyp":
        return "a single video or sound file"
    return f"not a tar file (it begins with {head[:12]!r})"
