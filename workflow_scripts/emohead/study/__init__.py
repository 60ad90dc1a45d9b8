"""A user study of the videos: its page, its raters' answers, and Table 2."""
