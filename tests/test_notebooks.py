"""The notebooks run from top to bottom on a tiny market, and use only what candlelab offers to people."""

import ast
from pathlib import Path

import nbformat
import pytest
import tiny
from nbclient import NotebookClient

BOOKS = sorted((tiny.ROOT / "notebooks").glob("*.ipynb"))
PUBLIC = {"candlelab", "candlelab.config", "candlelab.run"}
OTHERS = {"os", "pathlib", "numpy", "pandas", "matplotlib", "sklearn"}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all of them: importing torch four times would take most of the time."""
    from jupyter_client.manager import KernelManager

    words = " ".join((*tiny.TINY, f"outputs={tmp_path_factory.mktemp('notebooks')}", "trainer.max_epochs=1"))
    patch = pytest.MonkeyPatch()
    patch.setenv("CANDLELAB_WORDS", words)
    patch.setenv("MPLBACKEND", "agg")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tiny.ROOT / "notebooks"))
    yield manager
    manager.shutdown_kernel(now=True)
    patch.undo()


def code_of(book: Path) -> str:
    return "\n".join(cell.source for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, kernel):
    book = nbformat.read(path, as_version=4)
    book.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    done = NotebookClient(book, km=kernel, timeout=300).execute(reset_kc=False)
    assert [cell.execution_count is not None for cell in done.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_calls_only_the_public_api(path):
    nodes = list(ast.walk(ast.parse(code_of(path))))
    used = {node.module for node in nodes if isinstance(node, ast.ImportFrom)} | {
        a.name for n in nodes if isinstance(n, ast.Import) for a in n.names
    }
    assert [name for name in used if name not in PUBLIC and name.split(".")[0] not in OTHERS] == []
    assert not [node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_")]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_is_short_and_kept_without_outputs(path):
    book = nbformat.read(path, as_version=4)
    assert len(code_of(path).splitlines()) < 60 and not [
        c for c in book.cells if c.cell_type == "code" and (c.outputs or c.execution_count)
    ]


def test_there_are_four():
    assert len(BOOKS) == 4
