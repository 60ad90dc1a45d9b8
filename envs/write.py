"""Write envs/*.yaml from requirements.lock; `make envs` calls it.

An environment gets the packages that its rules' scripts import and all that those need, each in
the version of the lock.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "workflow_scripts"
PURPOSES = {
    "media": "Films, faces and sound: making, extracting and measuring clips.",
    "train": "Training the models and rendering with them.",
    "report": "Tables, figures and the page; needs no torch.",
    "generate": "Videos from a voice and a picture: the models, and finding the face.",
}
PYTHON = "3.11"
PLATFORMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
]
# Packages whose own list of modules leaves the imported one out.
UNLISTED = {"dlib": ["dlib-bin"]}
# Not imported by our modules, but loaded by these packages, or read from, when we call them.
COMPANIONS = {
    "dlib-bin": {"face-recognition-models"},
    "fsspec": {"s3fs"},
    "torchmetrics": {"torch-fidelity"},
}
TEMPLATE = """\
# {purpose}
# Written by `make envs` from requirements.lock: change that, or the scripts' imports, instead.
name: emohead-{name}
channels: [conda-forge, nodefaults]
dependencies:
  - python ={python}
  - pip
  - pip:
      # What the scripts import.
{imported}
      # What those need.
{needed}
"""


@dataclass(frozen=True)
class Locked:
    """A package of the lock: its line there without hashes, and the packages that need it."""

    line: str
    needed_by: set[str]


def read_lock(text: str) -> dict[str, Locked]:
    """The lock's packages, by name, as far as they are for PYTHON on any of PLATFORMS."""
    entry = re.compile(r"^(\S+)==(\S+)(?: ; (.+))? \\\n((?:    .+\n?)+)", re.MULTILINE)
    packages = {}
    for name, version, marker, rest in entry.findall(text):
        places = [not marker or Marker(marker).evaluate(place) for place in environments()]
        if any(places):
            line = f"{name}=={version}" + ("" if all(places) else f" ; {marker}")
            needed_by = set(re.findall(r"# +(?:via )?(\S+)", rest)) - {"via", "emohead"}
            packages[name] = Locked(line, needed_by)
    return packages


def environments() -> list[dict[str, str]]:
    """PLATFORMS with the newest Python of PYTHON, as markers are evaluated."""
    return [
        {**platform, "python_version": PYTHON, "python_full_version": f"{PYTHON}.99"}
        for platform in PLATFORMS
    ]


def scripts_of(name: str) -> Iterator[Path]:
    """The scripts of the rules that run in an environment, by their own word or their base's."""
    texts, bases = {}, {}
    for file in sorted((ROOT / "rules").glob("*.smk")):
        for text in re.split(r"^ *(?:use )?rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            rule = re.match(r"(?:(\w+) as )?(\w+)", text)
            if rule:
                texts[rule[2]], bases[rule[2]] = text, rule[1]
    for rule, text in texts.items():
        base = rule
        while "conda:" not in texts[base] and bases[base]:
            base = bases[base]
        if f'"../envs/{name}.yaml"' in texts[base]:
            yield SCRIPTS / re.search(r'script\("(\w+\.py)"\)', text)[1]


def imported_by(files: Iterable[Path]) -> set[str]:
    """Top-level names of all that these files import, through the library too."""
    seen, todo, names = set(), list(files), set()
    while todo:
        file = todo.pop()
        if file in seen or not file.exists():
            continue
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            for module in modules:
                path = SCRIPTS.joinpath(*module.split("."))
                todo += [path.with_suffix(".py"), path / "__init__.py"]
                names.add(module.split(".")[0])
    return names


def distributions(names: set[str]) -> set[str]:
    """The installed packages behind imported names, with their companions."""
    known = {**packages_distributions(), **UNLISTED}
    foreign = names - sys.stdlib_module_names - {"emohead"}
    if unknown := foreign - known.keys():
        raise ValueError(f"no installed package has the module {', '.join(sorted(unknown))}")
    found = {canonicalize_name(d) for name in foreign for d in known[name]}
    return found.union(*(COMPANIONS.get(name, set()) for name in found))


def with_needs(names: set[str], lock: dict[str, Locked]) -> set[str]:
    """These packages of the lock and all that they need."""
    grown = names | {name for name, package in lock.items() if package.needed_by & names}
    return grown if grown == names else with_needs(grown, lock)


def environment_text(name: str, lock: dict[str, Locked]) -> str:
    """The environment's file. ValueError if an imported package is not in the lock."""
    imported = distributions(imported_by(scripts_of(name)))
    if missing := imported - lock.keys():
        raise ValueError(
            f"{name}: not in requirements.lock: {', '.join(sorted(missing))}. Add it to "
            "pyproject.toml and run `make lock`."
        )

    def lines(names: set[str]) -> str:
        return "\n".join(f"      - {lock[package].line}" for package in sorted(names))

    return TEMPLATE.format(
        purpose=PURPOSES[name],
        name=name,
        python=PYTHON,
        imported=lines(imported),
        needed=lines(with_needs(imported, lock) - imported),
    )


def main() -> None:
    """Write every environment's file, or none."""
    lock = read_lock((ROOT / "requirements.lock").read_text())
    texts = {name: environment_text(name, lock) for name in PURPOSES}
    for name, text in texts.items():
        (ROOT / f"envs/{name}.yaml").write_text(text)


if __name__ == "__main__":
    main()
