"""What made a result: kept in checkpoints and score files, and shown by the report."""

import json
import platform
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Provenance:
    """What a result was made by.

    `torch` is None where it took no part. `device` is a processor's or GPU's name, with the number
    of them where it isn't one; `precision` the one that was computed in. `commit` is the
    checkout's, with `-dirty` where tracked files were changed, or `unknown`. `seconds` is wall
    time, of all attempts together.
    """

    python: str
    torch: str | None
    device: str
    precision: str
    commit: str
    seconds: float = 0.0

    def to_json(self) -> str:
        """As one JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read `to_json`'s text again."""
        return cls(**json.loads(text))


def read_provenance(path: Path) -> Provenance:
    """What is in a provenance.json; ValueError when the file is none."""
    try:
        return Provenance.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: no provenance of a result ({error})") from error


def find_provenance(*, device: str = "cpu", devices: int = 1, precision: str) -> Provenance:
    """The provenance of what is begun here and now, on `devices` of torch's kind `device`."""
    torch = sys.modules.get("torch")
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else processor()
    return Provenance(
        python=platform.python_version(),
        torch=str(torch.__version__) if torch else None,
        device=name if devices == 1 else f"{devices} x {name}",
        precision=precision,
        commit=git_commit(),
    )


def provenance_json(results: Iterable[tuple[str, Provenance]]) -> str:
    """Named results as one JSON text; those of one name that were made alike are one."""
    seconds: Counter[tuple[str, Provenance]] = Counter()
    for name, provenance in results:
        seconds[name, replace(provenance, seconds=0.0)] += provenance.seconds
    return json.dumps(
        [[name, asdict(replace(made, seconds=total))] for (name, made), total in seconds.items()]
    )


def provenance_from_json(text: str) -> list[tuple[str, Provenance]]:
    """Read `provenance_json`'s text again."""
    return [(name, Provenance(**made)) for name, made in json.loads(text)]


def git_commit(folder: Path = Path(__file__).parent) -> str:
    """The commit of the checkout that `folder` is in, `-dirty` when tracked files were changed."""
    if shutil.which("git") is None:
        return "unknown"
    # No tag matches "", so that the commit is named by its hash alone.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else "unknown"


def processor() -> str:
    """The processor's name, as far as the system tells."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
