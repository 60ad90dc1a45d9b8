"""Every environment has what its scripts import, in the versions of requirements.lock."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
import yaml
from envs.write import environment_text, read_lock, with_needs
from packaging.requirements import Requirement
from presets import rule_texts

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "workflow_scripts"
ENVIRONMENTS = ["media", "train", "report", "generate"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
    "espeakng_loader": "espeakng-loader",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tensorboardX": "tensorboardx",
    "yaml": "pyyaml",
}
# Used by name, so that no import shows them.
USED_BY_NAME = {
    "dlib-bin": {"face-recognition-models"},
    "fsspec": {"s3fs"},
    "torchmetrics": {"torch-fidelity"},
}
# What others of the lock ask of these. The lock doesn't tell which others: they always bring it.
EXTRAS = {"fsspec": {"http"}, "requests": {"socks"}}
LOCK = """\
bell==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:00
    # via rope
clapper==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
    # via
    #   emohead (pyproject.toml)
    #   bell
clapper==3.0 ; python_full_version >= '3.12' \\
    --hash=sha256:00
    # via
    #   emohead (pyproject.toml)
    #   bell
rope==4.0 \\
    --hash=sha256:00 \\
    --hash=sha256:01
    # via emohead (pyproject.toml)
tower==5.0 \\
    --hash=sha256:00
    # via emohead (pyproject.toml)
"""


def pins(env: str) -> dict[str, str]:
    """The lines of an environment's pip section, by package."""
    dependencies = yaml.safe_load((ROOT / f"envs/{env}.yaml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return {Requirement(line).name: line for line in pip}


def imported(module: Path, seen: set[Path]) -> set[str]:
    """Names of third-party packages that a module imports, through the library too."""
    if module in seen or not module.exists():
        return set()
    seen.add(module)
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "emohead":
                path = SCRIPTS.joinpath(*name.split("."))
                found |= imported(path.with_suffix(".py"), seen)
                found |= imported(path / "__init__.py", seen)
            else:
                found.add(name.split(".")[0])
    return found


def rules() -> list[tuple[str, str]]:
    """(script, environment) of every rule."""
    found = rule_texts()
    bases = {name: base for base, name, _ in found}
    environments = {
        name: env[1]
        for _, name, body in found
        if (env := re.search(r'conda:\s+"\.\./envs/(\w+)\.yaml"', body))
    }

    def environment(name: str) -> str:
        return environments.get(name) or environment(bases[name])

    scripts = {name: re.search(r'script\("(\w+\.py)"\)', body) for _, name, body in found}
    return [(script[1], environment(name)) for name, script in scripts.items() if script]


def packages_of(script: str) -> set[str]:
    """The packages that a script imports, and those used by name."""
    third_party = imported(SCRIPTS / script, set()) - set(sys.stdlib_module_names)
    packages = {DISTRIBUTIONS.get(name, name) for name in third_party}
    return packages.union(*(USED_BY_NAME.get(package, set()) for package in packages))


def needed(package: str, extras: frozenset[str], seen: set[tuple]) -> set[str]:
    """A package and all that it needs here, by the word of the installed packages themselves."""
    extras |= EXTRAS.get(package, set())
    if (package, extras) in seen:
        return set()
    seen.add((package, extras))
    found = {package}
    for line in importlib.metadata.requires(package) or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            name = re.sub("[-_.]+", "-", requirement.name).lower()
            found |= needed(name, frozenset(requirement.extras), seen)
    return found


@pytest.mark.parametrize(("script", "env"), rules())
def test_environment_has_what_the_script_imports(script, env):
    assert packages_of(script) <= pins(env).keys()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the environments have Python 3.11")
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_environment_has_what_those_need_and_nothing_else(env):
    direct = set().union(*(packages_of(script) for script, of in rules() if of == env))
    seen = set()
    everything = set().union(*(needed(package, frozenset(), seen) for package in direct))
    requirements = [Requirement(line) for line in pins(env).values()]
    here = {r.name for r in requirements if r.marker is None or r.marker.evaluate()}
    assert here == everything


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_versions_are_the_locks(env):
    lock = (ROOT / "requirements.lock").read_text()
    for line in pins(env).values():
        pin = re.escape(line.split(" ;")[0])
        assert re.search(rf"^{pin}\s", lock, re.MULTILINE)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_file_is_what_make_envs_writes(env):
    lock = read_lock((ROOT / "requirements.lock").read_text())
    assert (ROOT / f"envs/{env}.yaml").read_text() == environment_text(env, lock)


def test_lock_is_read_for_the_environments_python_on_any_platform():
    lock = read_lock(LOCK)
    assert {name: package.line for name, package in lock.items()} == {
        "bell": "bell==1.0 ; sys_platform == 'win32'",
        "clapper": "clapper==2.0",
        "rope": "rope==4.0",
        "tower": "tower==5.0",
    }


def test_needs_of_needs_are_needed():
    lock = read_lock(LOCK)
    assert with_needs({"rope"}, lock) == {"rope", "bell", "clapper"}
    assert with_needs({"tower"}, lock) == {"tower"}


def test_every_rule_has_script_log_and_benchmark_of_its_own_name():
    bodies = {name: body for _, name, body in rule_texts() if "script(" in body}
    assert {f"{name}.py" for name in bodies} == {path.name for path in SCRIPTS.glob("*.py")}
    for name, body in bodies.items():
        assert f'script("{name}.py")' in body
        for folder in ("logs", "benchmarks"):
            assert re.search(rf"results/{folder}/{name}[./]", body), (name, folder)
