"""The documentation leads where it says: links, commands, config keys, files, names, messages."""

import ast
import copy
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.cli import get_argument_parser
from snakemake.utils import update_config

from emohead import cli
from emohead.config_checks import config_schema

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
#: What the examples of a page are laid over, beside config.yaml.
PRESETS = {"mead.md": "config/mead.yaml"}
#: Files that the reader writes.
OWN_FILES = {"mine.yaml"}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
#: What docs/extending.md makes up.
INVENTED = {"linear_net", "no_memory", "l1", "lips"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    found = FENCE.findall(page.read_text("utf-8"))
    return [dedent(text) for _, name, text in found if name == language]


def spans(text: str) -> list[str]:
    """What stands in backquotes, in one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[tuple[Path, str]]:
    """The files and anchors of this repository that a page links to."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", prose(page))
    return [(page.parent / path if path else page, anchor) for path, anchor in found]


def commands(page: Path, program: str) -> Iterator[list[str]]:
    """The arguments of every call of a program that a page shows."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    for line in [*lines, *spans(prose(page))]:
        found = re.fullmatch(rf"(?:\S+=\S+ )*(?:\.venv/bin/)?{program} (.+)", line.strip())
        if found:
            yield shlex.split(found[1], comments=True)


@cache
def rules_text() -> str:
    return "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))


def is_target(name: str, methods: set[str]) -> bool:
    """Whether Snakemake could make it: a method, a rule, or a file as a rule names it."""
    rule = rf"^ *(rule|use rule \w+ as) {re.escape(name)}(:| with:)"
    if name in methods or re.search(rule, rules_text(), re.MULTILINE):
        return True
    patterns = [
        re.sub(r"\\{.*?\\}", ".+", re.escape(path))
        for path in re.findall(r"\"(results/[^\"]+)\"", rules_text())
    ]
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def configs(page: Path) -> Iterator[dict]:
    """The config with each of a page's examples."""
    for block in blocks(page, "yaml"):
        config = yaml.safe_load((ROOT / "config.yaml").read_text())
        if page.name in PRESETS:
            update_config(config, yaml.safe_load((ROOT / PRESETS[page.name]).read_text()))
        update_config(config, copy.deepcopy(yaml.safe_load(block)))
        yield config


@every_page
def test_links_lead_to_files_and_headings(page):
    for path, anchor in links(page):
        assert path.exists(), path
        assert not anchor or anchor in anchors(path), (path.name, anchor)


def test_the_index_has_every_page():
    index = ROOT / "docs/README.md"
    linked = {path.resolve() for path, _ in links(index)}
    assert {page.resolve() for page in PAGES} - {index} <= linked
    assert index in {path for path, _ in links(ROOT / "README.md")}


@every_page
def test_examples_of_the_config_are_allowed(page):
    schema = config_schema(ROOT / "schemas/config.schema.yaml")
    for config in configs(page):
        Draft202012Validator(schema).validate(config)
        for method in config["methods"].values():
            for part in ("landmarks", "translator"):
                known = {*config[part]["models"], "truth", "reference", "warp", None}
                assert method.get(part) in known


@every_page
def test_commands_of_snakemake_name_what_there_is(page):
    parser = get_argument_parser()
    presets = (yaml.safe_load(path.read_text()) for path in (ROOT / "config").glob("*.yaml"))
    methods = set(yaml.safe_load((ROOT / "config.yaml").read_text())["methods"])
    methods |= {name for preset in presets for name in preset.get("methods", {})}
    methods |= {name for config in configs(page) for name in config["methods"]}
    for arguments in commands(page, "snakemake"):
        flags = parser.parse_args(arguments)
        for target in flags.targets:
            assert is_target(target, methods), arguments
        for path in flags.configfile or []:
            assert path.name in OWN_FILES or (ROOT / path).is_file(), arguments


@every_page
def test_commands_of_emohead_and_make_are_understood(page):
    for arguments in commands(page, "emohead"):
        if len(arguments) == 1:  # it is only spoken of
            with pytest.raises(SystemExit, match=r"^0$"):
                cli.main([*arguments, "--help"])
        else:
            cli._parser().parse_args(arguments)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for arguments in commands(page, "make"):
        assert {each for each in arguments if "=" not in each} <= set(targets), arguments


@every_page
def test_files_that_are_named_exist(page):
    rooms = "emohead|benchmarks|config|envs|profiles|rules|schemas|tests|workflow_scripts"
    for span in spans(prose(page)):
        if re.fullmatch(rf"(?:{rooms})/[\w/]+\.(?:py|smk|yaml|csv|sh)", span):
            path = ROOT / span.replace("emohead/", "workflow_scripts/emohead/", 1)
            assert path.is_file() or path.stem in INVENTED, span


def definitions(path: Path) -> set[str]:
    """The names that a module defines: functions, classes, their methods, constants."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            names |= {
                f"{node.name}.{getattr(each, 'name', '')}" for each in getattr(node, "body", [])
            }
    return names


def test_what_the_papers_page_names_is_defined_where_it_links():
    page = ROOT / "docs/paper.md"
    found = re.findall(r"\[`([\w.]+)`\]\(([^)]+\.py)\)", page.read_text())
    assert len(found) > 40
    for name, path in found:
        module = page.parent / path
        assert name == module.name or name in definitions(module), (name, path)
