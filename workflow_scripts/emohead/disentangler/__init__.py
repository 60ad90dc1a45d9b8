"""EVP's first stage: what is said and how it is felt, in two codes of a window of sound.

After Ji et al., CVPR 2021, and its public code, whose facts are used and no line of it. Read
`encoders.py` first (what goes in and out), then `losses.py` (cross-reconstruction) and `pairs.py`
(sentences that a speaker says in several emotions). The landmark model is `emohead.landmarks.evp`.
"""
