"""The page's files by session, and their removal."""

import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock


class Uploads:
    """The files of every open page (session) in one folder.

    A session's results are removed when its next request begins, and everything of it when it
    closes, or, while a request runs, at that request's end. A file that two sessions uploaded,
    which is stored once, goes with the last of them. Gradio removes what stays open too long, and
    whoever made `folder` removes it in the end.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder).resolve()
        self._results: dict[str, Path] = {}
        self._used: defaultdict[str, set[Path]] = defaultdict(set)
        self._busy: set[str] = set()
        self._closed_while_busy: set[str] = set()
        self._lock = Lock()  # Pages close while others generate.

    @contextmanager
    def request(self, session: str, *inputs: Path) -> Iterator[Path]:
        """A session's request: gives a new folder for its results, and keeps `inputs` meanwhile."""
        results = self.folder / f"request-{secrets.token_hex(16)}"
        results.mkdir(parents=True)
        self.note(session, *inputs)
        with self._lock:
            self._remove_results(session)
            self._results[session] = results
            self._busy.add(session)
        try:
            yield results
        finally:
            with self._lock:
                self._busy.remove(session)
                if session in self._closed_while_busy:
                    self._closed_while_busy.remove(session)
                    self._remove_all(session)

    def note(self, session: str, *chosen: Path) -> None:
        """Those of the `chosen` files that were uploaded are the session's, too, from now on."""
        paths = (Path(path).resolve() for path in chosen)
        with self._lock:
            self._used[session] |= {each for each in paths if each.is_relative_to(self.folder)}

    def close(self, session: str) -> None:
        """Remove what a session has, as soon as its request has ended."""
        with self._lock:
            if session in self._busy:
                self._closed_while_busy.add(session)
            else:
                self._remove_all(session)

    def _remove_all(self, session: str) -> None:
        self._remove_results(session)
        used = self._used.pop(session, set())
        for path in used.difference(*self._used.values()):
            path.unlink(missing_ok=True)

    def _remove_results(self, session: str) -> None:
        if session in self._results:
            shutil.rmtree(self._results.pop(session), ignore_errors=True)
