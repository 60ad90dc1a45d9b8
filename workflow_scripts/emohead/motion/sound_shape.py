"""The shape of a video frame's sound as Audio2Head hears it, for modules that only read it."""

#: Steps of 10 ms in a frame, and numbers of each.
STEPS, NUMBERS = 4, 41
