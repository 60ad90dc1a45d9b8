"""MEAD as it is handed out: a `video.tar` and an `audio.tar` for every actor."""
