"""A stand-in for `conda`: the calls that Snakemake 9 makes, on py-rattler. See docs/conda.md.

install.py makes a copy, FOLDER/bin/conda; the channels are folders of FOLDER/channels.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from rattler import Channel, ChannelConfig, Subdir, VirtualPackage, install, solve

VERSION = "24.7.1"  # the oldest that Snakemake takes
BASE = Path(__file__).parent.parent


def show_info() -> None:
    print(json.dumps({"conda_prefix": str(BASE), "platform": str(Subdir.current())}))


def show_channel_priority() -> None:
    print(json.dumps({"get": {"channel_priority": "strict"}}))


def create_environment(file: Path, prefix: Path) -> None:
    """What `conda env create` does: solve, link, and then pip for the `pip:` section.

    Of that section, what pip has put beside the Python that runs this is linked: gigabytes needn't
    be unpacked once more, and pip finds them installed.
    """
    environment = yaml.safe_load(file.read_text())
    entries = environment["dependencies"]
    specs = [entry for entry in entries if isinstance(entry, str)]
    asyncio.run(link_packages(environment["channels"], specs, prefix))
    for entry in entries:
        if isinstance(entry, dict):
            for line in entry["pip"]:
                link_installed(Requirement(line), prefix)
            install_by_pip(entry["pip"], prefix)


async def link_packages(channels: list[str], specs: list[str], prefix: Path) -> None:
    place = ChannelConfig(f"{(BASE / 'channels').as_uri()}/")
    # "nodefaults" is no channel: it keeps conda from adding its own.
    sources = [Channel(name, place) for name in channels if name != "nodefaults"]
    records = await solve(sources, specs, virtual_packages=VirtualPackage.detect())
    await install(records, prefix, cache_dir=BASE / "pkgs", show_progress=False)


def link_installed(requirement: Requirement, prefix: Path) -> None:
    """Hard links to all but the commands of a package, if it is here in the required version."""
    if requirement.marker is not None and not requirement.marker.evaluate():
        return
    try:
        package = distribution(requirement.name)
    except PackageNotFoundError:
        return
    if str(requirement.specifier) != f"=={package.version}" or not package.files:
        return
    packages = next((prefix / "lib").glob("python3*")) / "site-packages"
    for file in package.files:
        source, target = Path(file.locate()), packages / file
        if ".." in file.parts or not source.is_file() or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk
            shutil.copy2(source, target)


def install_by_pip(requirements: list[str], prefix: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        # conda's own arguments, but for --upgrade, which would ask for what is linked already; like
        # conda, with the caller's environment variables.
        subprocess.run(
            [prefix / "bin/python", "-m", "pip", "install", "--quiet",
             "--requirement", file.name, "--exists-action=b"],
            check=True,
        )  # fmt: skip


def clean() -> None:
    """Nothing: py-rattler unpacks archives and doesn't keep them."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="conda", description=__doc__)
    parser.add_argument("--version", action="version", version=f"conda {VERSION}")
    commands = parser.add_subparsers(required=True)

    info = commands.add_parser("info")
    info.add_argument("--json", action="store_true", required=True)
    info.set_defaults(run=show_info)

    config = commands.add_parser("config")
    config.add_argument("--get", choices=["channel_priority"], required=True)
    config.add_argument("--json", action="store_true", required=True)
    config.set_defaults(run=show_channel_priority)

    cleaning = commands.add_parser("clean")
    cleaning.add_argument("-y", action="store_true", required=True)
    cleaning.add_argument("--tarballs", action="store_true", required=True)
    cleaning.set_defaults(run=clean)

    create = commands.add_parser("env").add_subparsers(required=True).add_parser("create")
    create.add_argument("--quiet", action="store_true")
    create.add_argument("--no-default-packages", action="store_true")
    create.add_argument("--file", type=Path, required=True)
    create.add_argument("--prefix", type=Path, required=True)
    create.set_defaults(run=create_environment)

    options = vars(parser.parse_args())
    run = options.pop("run")
    run(**{name: value for name, value in options.items() if isinstance(value, Path)})
    # py-rattler's threads can make Python abort while it shuts down.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
