"""EVP's first stage: two codes of a window of sound, for its content and its emotion.

After Ji et al., CVPR 2021, with the sizes of its public code, none of which is copied. Read
`nets.py` first (what goes in and out), then `losses.py` (cross-reconstruction) and `pairs.py`
(sentences that a speaker says in several emotions). The landmark model is `emohead.landmarks.evp`.
"""
