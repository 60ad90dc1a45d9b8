"""Put the stand-in `conda` and its channel into a folder: python tests/conda/install.py FOLDER.

Then FOLDER/bin in front of PATH makes it Snakemake's conda.
"""

import os
import shutil
import sys
from pathlib import Path

from channel import build_channel

HERE = Path(__file__).parent


def main(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    shutil.copy(HERE / "activate", folder / "bin")
    conda = folder / "bin/conda"
    conda.write_text(f"#!{sys.executable}\n{(HERE / 'conda.py').read_text()}")
    conda.chmod(0o755)
    build_channel(folder / "channels/conda-forge")
    # py-rattler's threads can make Python abort while it shuts down.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
