"""The shape of a video frame's MFCC window, for all who don't make it."""

#: MFCC frames in the window, and coefficients of each: c1 to c12; c0 before them where it is wanted.
WINDOW_FRAMES, COEFFICIENTS = 28, 12
