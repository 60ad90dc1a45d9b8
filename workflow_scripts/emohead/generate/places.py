"""Checks of output paths, with errors for people."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from emohead.files import whole_file


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """The system's errors, while the block writes to `path`, as a ValueError in a sentence."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{path}: can't be written ({error.strerror or error})") from error


def check_file_name(path: Path) -> None:
    """Raise ValueError where there is a folder in place of a file."""
    if Path(path).is_dir():
        raise ValueError(f"{path}: is a folder, name a file in it")


@contextmanager
def promised_file(path: Path) -> Iterator[Path]:
    """`whole_file`, tried out at once: that a folder is closed is said before the work."""
    check_file_name(path)
    with ExitStack() as files:
        with writing(path):
            unfinished = files.enter_context(whole_file(path))
            unfinished.touch()
        yield unfinished
