"""What the networks' metrics are called, and why one of them is missing from a report."""

#: Key of `evaluation.weights` -> heading of the metric that needs the file.
HEADINGS = {
    "lpips": "LPIPS",
    "fid": "FID",
    "syncnet": "SyncNet's confidence",
    "fvd": "FVD",
    "arcface": "CSIM",
    "emotion_fan": "Emotion-FAN's accuracy",
}


def not_computed(**given: str | None) -> dict[str, str]:
    """One sentence for each metric whose weights aren't given, by its key.

    The arguments are the paths of `evaluation.weights`, None where there is none.
    """
    return {
        key: f"{heading} was not computed, because evaluation.weights.{key} names no file: "
        "see docs/networks.md."
        for key, heading in HEADINGS.items()
        if given.get(key) is None
    }
