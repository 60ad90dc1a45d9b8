"""Rule fetch_archive: a row of the table of archives -> a link to its file, fetched and checked."""

import argparse
import sys
from pathlib import Path

from emohead.archives.downloads import provide
from emohead.archives.table import KINDS

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--table", type=Path, required=True, help="speaker, kind, url, sha256, bytes")
parser.add_argument("--speaker", required=True)
parser.add_argument("--kind", choices=KINDS, required=True)
parser.add_argument("--downloads", type=Path, required=True, help="the folder they are kept in")
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    try:
        provide(flags.table, flags.speaker, flags.kind, flags.downloads, flags.output)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
