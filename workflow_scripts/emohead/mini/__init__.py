"""The embedded data set: portraits that ship with Python packages, made to speak with emotion.

No download and no real recording: espeak-ng says the sentences, and a thin-plate spline moves the
control points of a photo along the facial action units of an emotion and the visemes of the speech.
Every file says in its metadata that it is synthetic.

Credits. W901 is built on the portrait of Eileen Collins (NASA, public domain), shipped as
`skimage.data.astronaut()`; she is living, so shape and tone are altered until a face recogniser
finds somebody else (`portraits.py`, tested). W902 is built on the official portrait of Grace
Hopper (US Navy, public domain; she died in 1992), shipped as matplotlib's sample
`grace_hopper.jpg`. Neither has said or felt what the clips show.
"""
