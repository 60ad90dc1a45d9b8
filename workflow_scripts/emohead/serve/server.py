"""Starting and stopping the page, and who can reach it."""

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from emohead.generate.bundle import Bundle, read_bundle
from emohead.generate.precision import Precision
from emohead.serve.address import Address
from emohead.serve.examples import make_examples
from emohead.serve.limits import Limits
from emohead.serve.uploads import Uploads

MOST_MODELS = 2


def read_models(paths: Sequence[Path]) -> dict[str, Bundle]:
    """One or two bundles by what the page calls them; errors as `read_bundle`.

    That is their label, or where two have the same, their file's name; ValueError when both are.
    """
    if not 1 <= len(paths) <= MOST_MODELS:
        raise ValueError(f"{len(paths)} models: the page shows one, or two side by side")
    bundles = [read_bundle(path) for path in paths]
    for names in ([bundle.card["label"] for bundle in bundles], [path.name for path in paths]):
        if len(set(names)) == len(names):
            return dict(zip(names, bundles, strict=True))
    raise ValueError(f"both models are called {paths[0].name}: rename one of the files")


@contextmanager
def page_server(
    models: Mapping[str, Bundle], address: Address, limits: Limits, precision: Precision = "auto"
) -> Iterator[str]:
    """The page while the block lasts; gives its URL. What visitors left is removed in the end.

    Raises ValueError when Gradio isn't installed or the port is taken.
    """
    if find_spec("gradio") is None:
        raise ValueError("the page needs Gradio: pip install 'gradio>=6.31,<7'")
    with tempfile.TemporaryDirectory(prefix="emohead-page-") as folder:
        uploads = Uploads(Path(folder) / "uploads")
        # What Gradio takes from the environment: where uploads go, to tell nobody anything, and
        # that the page itself, which Gradio asks whether it is there, isn't behind a proxy.
        settings = {
            "NO_PROXY": "*",
            "no_proxy": "*",
            "GRADIO_TEMP_DIR": str(uploads.folder),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        with _environment(settings):
            from emohead.serve.page import build_page, launch_page  # Gradio takes seconds to load.

            examples = make_examples(Path(folder) / "examples")
            page = build_page(models, limits, uploads, examples, precision)
            try:
                yield launch_page(page, address, limits)
            finally:
                page.close(verbose=False)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the while."""
    before = {name: os.environ[name] for name in settings if name in os.environ}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del os.environ[name]
        os.environ.update(before)


def serve(
    models: Mapping[str, Bundle],
    *,
    host: str,
    port: int,
    limits: Limits,
    precision: Precision = "auto",
) -> None:
    """Show the page until Ctrl-C or the system's request to end; errors as `page_server`."""
    address = Address(host, port)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with page_server(models, address, limits, precision) as url:
        print(f"The page: {url} (Ctrl-C ends it)", flush=True)
        if not address.is_private:
            print("Everybody who reaches this machine can use it, unencrypted.", flush=True)
        stop.wait()
