"""What the README says can be done: every command is valid, every link leads somewhere, the quick commands run."""

import re
import shlex

import pytest
import tiny

from candlelab.command_line import check_overrides

TEXT = (tiny.ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```\w*\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith(("python -m candlelab", "candlelab "))]
TARGETS = sorted(set(re.findall(r"^make ([a-z-]+)", "\n".join(BLOCKS), re.MULTILINE) + re.findall(r"`make ([a-z-]+)`", TEXT)))
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)))
QUICK = [line for line in COMMANDS if any(word in line for word in ("--cfg", "experiment=smoke", "experiment=demo"))]


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    return words[words.index("candlelab") + 1:]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_valid(line):
    words = [word for word in words_of(line) if word not in ("--cfg", "job", "-m")]
    assert check_overrides(words)


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (tiny.ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_somewhere(link):
    assert link.startswith("https://") or (tiny.ROOT / link).exists()


@pytest.mark.slow
@pytest.mark.parametrize("line", QUICK)
def test_a_quick_command_runs(line, tmp_path):
    done = tiny.command(*words_of(line), *([] if "--cfg" in line else [f"outputs={tmp_path}"]), WANDB_MODE="offline")
    assert done.returncode == 0, done.stderr
