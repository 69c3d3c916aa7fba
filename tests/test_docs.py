"""What the documentation says can be done: every block runs, every command is valid, every page is in the menu."""

import re
import shlex

import pytest
import tiny
import yaml

from candlelab.config.command_line import check_overrides
from candlelab.config.override_words import spelled_out

DOCS = tiny.ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\S*python )?(?:-m )?candlelab ", re.MULTILINE)


def name(path):
    return path.relative_to(DOCS).as_posix()


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for path in PAGES
        for block in blocks(path, "(?:bash|sh|)")
        for line in block.splitlines()
        if line.startswith("python -m candlelab")
    }
)


def brought(folder):
    """What a reader of a page has already: bars in a file, an indicator, two exports of predictions."""
    import candlelab

    tape = candlelab.fetch("SIM", "1h", "2020-01-01", "2020-03-01", source="simulated")
    tape.to_frame().to_csv(folder / "mine.csv", index=False)
    table = tape.to_frame().rename(columns={"open_time": "time"})[["time"]].assign(p_0=0.5, p_1=0.5)
    return {"my_indicator": lambda bars: bars.close / bars.open, "predictions": table, "older": table}


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "python")], ids=name)
def test_the_python_of_a_page_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page", **brought(tmp_path)}
    for block in blocks(path, "python"):
        exec(compile(block, str(path), "exec"), space)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_a_page_is_valid(line):
    words = shlex.split(line, comments=True)
    if "--help" not in words:
        plain = [word for word in words[3:] if word not in ("-m", "--cfg", "job", "…")]
        assert check_overrides(spelled_out(plain))


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "yaml")], ids=name)
def test_the_yaml_of_a_page_can_be_read(path):
    assert all(yaml.safe_load(block) for block in blocks(path, "yaml"))


def test_every_page_of_the_menu_exists():
    listed = set(re.findall(r"[\w/]+\.md", (tiny.ROOT / "mkdocs.yml").read_text().partition("nav:")[2]))
    assert listed <= {name(path) for path in PAGES} | {"config.md", "python.md"}


def test_the_generated_pages_name_every_option_and_every_public_name():
    import importlib.util

    import candlelab
    from candlelab.config import groups

    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    page = hooks.configuration()
    assert all(f"### {group}={option}\n" in page for group, options in groups().items() for option in options)
    assert all(f"## {word}\n" in hooks.reference() for word in candlelab.__all__)
