"""The local page: a voice and a face from the browser, the talking face back.

    server.py         starts and stops it
    address.py        where it is found, and by whom
    page.py           what stands on it, and what its button does
    animation.py      one model's answer to a request, and the emotion curve
    follow.js         plays all videos of the page together
    examples.py       faces and voices to begin with, made on the spot
    limits.py         how much a visitor may ask for
    guard.py          what requests may bring, and what the browser may load
    uploads.py        the files of every open page, and when they are removed

The page is made with Gradio, an optional package (`pip install 'gradio>=6.31,<7'`), which `page.py`
and `guard.py` alone import.
"""
