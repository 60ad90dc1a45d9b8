"""From a voice and a face to a video.

Read `generate.py` first (the whole way), then `stages.py` (both networks, window by window);
`portrait.py` and `sound.py` are what goes in, `paste.py`, `watermark.py` and `output.py` what comes
out, `places.py` where to; `precision.py` makes the translator fast; `bundle.py` and `card.py` are a
trained method in one file.
"""
