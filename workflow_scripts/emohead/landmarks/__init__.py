"""Stage 1: audio and a reference face's landmarks in, the clip's landmarks out.

Read `model.py` first (what goes in and out), then `audio2lm.py` (the paper's figure), then
`msef.py` (its memory, eq. (1)) and `losses.py` (eq. (2) to (4)).
"""
