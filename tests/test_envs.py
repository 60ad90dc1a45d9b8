"""Every environment has what its scripts import, in the versions of requirements.lock."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "workflow_scripts"
DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
    "espeakng_loader": "espeakng-loader",
    "face_recognition_models": "face-recognition-models",
    "skimage": "scikit-image",
    "tensorboardX": "tensorboardx",
    "yaml": "pyyaml",
}


def pins(env: str) -> dict[str, str]:
    dependencies = yaml.safe_load((ROOT / f"envs/{env}.yaml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return dict(line.split("==") for line in pip)


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
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    return re.findall(r'script\("(\w+\.py)"\).*?conda:\s+"\.\./envs/(\w+)\.yaml"', text, re.DOTALL)


@pytest.mark.parametrize(("script", "env"), rules())
def test_environment_has_what_the_script_imports(script, env):
    third_party = imported(SCRIPTS / script, set()) - set(sys.stdlib_module_names)
    missing = {DISTRIBUTIONS.get(name, name) for name in third_party} - set(pins(env))
    assert not missing


@pytest.mark.parametrize("env", ["media", "train", "report"])
def test_versions_are_the_locks(env):
    lock = (ROOT / "requirements.lock").read_text()
    for package, version in pins(env).items():
        assert re.search(rf"^{re.escape(package)}=={re.escape(version)}\s", lock, re.MULTILINE)


def test_every_rule_has_script_log_and_benchmark_of_its_own_name():
    bodies = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        # Some stand in an if block.
        found = re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *rule |\Z)", path.read_text(), re.S | re.M)
        bodies |= {name: body for name, body in found if "shell:" in body}
    assert {f"{name}.py" for name in bodies} == {path.name for path in SCRIPTS.glob("*.py")}
    for name, body in bodies.items():
        assert f'script("{name}.py")' in body
        for folder in ("logs", "benchmarks"):
            assert re.search(rf"results/{folder}/{name}[./]", body), (name, folder)


def test_lock_names_no_host_and_has_hashes():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^lightning==2\.6\.[23]\s", lock, re.MULTILINE)
    assert lock.count("--hash=sha256:") > len(re.findall(r"^[a-z0-9._-]+==", lock, re.MULTILINE))
