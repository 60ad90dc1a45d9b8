"""The page's layout, and what its button does."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
from gradio.components import Component
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from emohead.generate.bundle import Bundle
from emohead.generate.precision import Precision
from emohead.serve.address import Address
from emohead.serve.animation import Animation, Request, animate, draw_emotion_curve
from emohead.serve.examples import Example
from emohead.serve.guard import Guard
from emohead.serve.limits import Limits
from emohead.serve.uploads import Uploads

TITLE = "emohead: a voice, a face, a talking head"
CONSENT = "The face and the voice are mine, or the people seen and heard have agreed to this video."
_INTRODUCTION = """# A voice and a face: a talking head
Everything is computed on the machine that shows this page. What you upload goes nowhere else and is
removed when you close the page. The video says in its metadata that it is synthetic.
"""
_FIRST_STEP = "Choose a face and a voice, or an example, and press *Generate*."

#: Seconds between two looks for files that have been kept long enough.
_TIDYING_INTERVAL = 60
_ERROR_SECONDS = 30  # how long an error is shown
#: The column of a model that hasn't answered: no videos, no curve.
_EMPTY_COLUMN = [None, None, gr.update(visible=False)]


def build_page(
    models: Mapping[str, Bundle],
    limits: Limits,
    uploads: Uploads,
    examples: Sequence[Example],
    precision: Precision = "auto",
) -> gr.Blocks:
    """The page for one or two models by name; requests are answered one after the other.

    `precision` is that of `generate`.
    """

    def answer(
        face: str | None,
        voice: str | None,
        consent: bool,
        paste: bool,
        watermark: bool,
        visitor: gr.Request,
        progress: gr.Progress = gr.Progress(track_tqdm=True),  # noqa: B008 (as Gradio looks for it)
    ) -> Iterator[list]:
        _check_complete(face, voice, consent)
        request = Request(Path(face), Path(voice), paste, watermark)
        with (
            _errors_shown(request),
            uploads.request(visitor.session_hash, request.face, request.voice) as folder,
        ):
            limits.check_length(request.voice)
            columns = [_EMPTY_COLUMN for _ in models]
            for place, bundle in enumerate(models.values()):
                animation = animate(bundle, request, folder / str(place), precision)
                columns[place] = _filled_column(animation)
                yield [_facts(animation), *chain.from_iterable(columns)]

    def note(face: str | None, voice: str | None, visitor: gr.Request) -> None:
        uploads.note(visitor.session_hash, *(Path(each) for each in (face, voice) if each))

    def close(visitor: gr.Request) -> None:
        uploads.close(visitor.session_hash)

    kept = max(1, round(60 * limits.keep_minutes))
    tidying = (min(_TIDYING_INTERVAL, kept), kept)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=tidying) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                face = gr.Image(
                    label=f"Face picture (up to {limits.upload_megabytes:g} MB)",
                    sources=["upload", "webcam", "clipboard"], type="filepath", image_mode=None,
                    height=260, buttons=[],
                )  # fmt: skip
                # Gradio's own would open the picture, and tell no one what is wrong with it.
                face.preprocess = lambda upload: None if upload is None else upload.path
                voice = gr.Audio(
                    label=f"Voice (up to {limits.seconds:g} s, {limits.upload_megabytes:g} MB)",
                    sources=["upload", "microphone"], type="filepath", buttons=[],
                )  # fmt: skip
                consent = gr.Checkbox(label=CONSENT)
                paste = gr.Checkbox(label="Put the face back into the whole picture")
                watermark = gr.Checkbox(label="Visible mark: AI-generated", value=True)
                button = gr.Button("Generate", variant="primary")
                _add_examples(examples, [face, voice, consent])
            with gr.Column(scale=2, min_width=320):
                facts = gr.Markdown(_FIRST_STEP)
                with gr.Row():
                    columns = [_add_column(name) for name in models]
        button.click(
            answer,
            [face, voice, consent, paste, watermark],
            [facts, *chain.from_iterable(columns)],
            api_name="generate",
            show_progress_on=[video for video, *_ in columns],
        )
        # What was agreed to is this face, not the next one.
        gr.on(
            [face.upload, face.input],  # the second for the camera and the clipboard
            lambda: False, outputs=consent, queue=False, api_visibility="private",
        )  # fmt: skip
        # Also what no request comes to use is removed when the page is closed.
        gr.on(
            [face.change, voice.change], note, [face, voice],
            queue=False, api_visibility="private",
        )  # fmt: skip
        page.unload(close)
    return page.queue(max_size=limits.waiting, default_concurrency_limit=1)


def launch_page(page: gr.Blocks, address: Address, limits: Limits) -> str:
    """Start to serve the page, in a thread; returns its URL. ValueError for a taken port."""
    middleware = [Middleware(Guard, upload_bytes=limits.upload_bytes)]
    if address.is_private:
        # Another site's name that leads here would get around the browser's separation of sites.
        middleware.append(
            Middleware(TrustedHostMiddleware, allowed_hosts=[address.host, "localhost"])
        )
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    follow = Path(__file__).with_name("follow.js").read_text()
    try:
        _, url, _ = page.launch(
            server_name=address.host,
            server_port=address.port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            inbrowser=False,
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            footer_links=[],
            max_file_size=limits.upload_bytes,
            app_kwargs={"middleware": middleware},
            theme=gr.themes.Default(**fonts),
            head=f"<script>{follow}</script>",
        )
    except OSError as error:
        raise ValueError(
            f"port {address.port} of {address.host} is in use or not allowed: choose another"
        ) from error
    except httpx.HTTPError as error:
        # Gradio asks its own address whether the page is there.
        raise ValueError(
            f"the page can't be reached at {address.host}, port {address.port} ({error})"
        ) from error
    return url


def _add_examples(examples: Sequence[Example], inputs: Sequence[Component]) -> None:
    """A button for each example, which fills face, voice and consent.

    Not `gr.Examples`, which makes the inputs anew: `face` would lose its `preprocess`.
    """
    # Served from where they are: copies would be removed with a visitor's files.
    gr.set_static_paths([path for each in examples for path in (each.face, each.voice)])
    gr.Markdown("Examples: animated portraits with a synthetic voice")
    with gr.Row():
        for each in examples:
            gr.Button(each.label, size="sm", min_width=90).click(
                partial(lambda chosen: [str(chosen.face), str(chosen.voice), True], each),
                outputs=list(inputs), queue=False, api_visibility="private",
            )  # fmt: skip


def _add_column(name: str) -> list[Component]:
    """A model's part of the page: the video, its landmarks, the emotion curve."""
    with gr.Column(min_width=280):
        return [
            gr.Video(label=name, interactive=False, buttons=["download"]),
            gr.Video(label=f"{name}: landmarks", interactive=False, buttons=[], height=260),
            gr.Plot(label=f"{name}: emotion heard in the voice", show_label=False, visible=False),
        ]


def _filled_column(animation: Animation) -> list[Any]:
    made = animation.generated
    curve = gr.Plot(visible=False)
    if made.emotion is not None:
        curve = gr.Plot(draw_emotion_curve(made.emotion, made.seconds), visible=True)
    return [str(animation.video), str(animation.landmark_view), curve]


def _facts(animation: Animation) -> str:
    made = animation.generated
    text = f"{made.seconds:.1f} s, {made.frames} frames."
    if made.faces_in_picture > 1:
        text += f" The picture shows {made.faces_in_picture} faces: the largest one speaks."
    for note in made.notes:
        text += f" {note[0].upper()}{note[1:]}."
    return text


def _check_complete(face: str | None, voice: str | None, consent: bool) -> None:
    """Raise the error that the page shows where something is missing."""
    if not face:
        raise _shown("Choose a picture with a face first.")
    if not voice:
        raise _shown("Choose or record a voice first.")
    if not consent:
        raise _shown("Say first that the people seen and heard have agreed: tick the box.")
    if not (Path(face).is_file() and Path(voice).is_file()):
        raise _shown("The uploaded files were kept too long and are removed: upload them again.")


@contextmanager
def _errors_shown(request: Request) -> Iterator[None]:
    """Errors for people as Gradio shows them: files by the names that the visitor knows."""
    try:
        yield
    except ValueError as error:
        sentence = str(error)
        for path in (request.face, request.voice):
            sentence = sentence.replace(str(path), path.name)
        raise _shown(sentence) from error


def _shown(sentence: str) -> gr.Error:
    return gr.Error(sentence, duration=_ERROR_SECONDS, print_exception=False)
