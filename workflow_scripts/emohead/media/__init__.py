"""Video and sound files: read at 25 frames a second and 16 kHz, and written."""
