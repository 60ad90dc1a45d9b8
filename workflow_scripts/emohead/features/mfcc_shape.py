"""The shape of a video frame's MFCC window, for modules that only read it."""

#: MFCC frames in the window, and coefficients of each: c1 to c12, after c0 where that is wanted.
WINDOW_FRAMES, COEFFICIENTS = 28, 12
