"""What the networks' metrics are called, and why one of them is missing from a report."""

#: Key of `evaluation.weights` -> heading of the metric that needs the file.
HEADINGS = {"lpips": "LPIPS", "fid": "FID", "syncnet": "SyncNet's confidence"}


def not_computed(lpips: str | None, fid: str | None, syncnet: str | None) -> dict[str, str]:
    """One sentence for each metric whose weights aren't given, by its key.

    The arguments are the paths of `evaluation.weights`, None where there is none.
    """
    given = {"lpips": lpips, "fid": fid, "syncnet": syncnet}
    return {
        key: f"{heading} was not computed, because evaluation.weights.{key} names no file: "
        "see docs/networks.md."
        for key, heading in HEADINGS.items()
        if given[key] is None
    }
