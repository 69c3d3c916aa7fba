"""The notebooks run from top to bottom on a tiny market, and use only what candlelab offers to people."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import tiny
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from syntax import syntax_tree

BOOKS = sorted((tiny.ROOT / "notebooks").glob("*.ipynb"))
PUBLIC = {"candlelab", "candlelab.config", "candlelab.run"}
OTHERS = {"contextlib", "importlib", "io", "os", "pathlib", "numpy", "pandas", "matplotlib", "sklearn"}
TRAINS = (
    "3_compare_runs",
    "5_own_csv_to_verdict",
    "6_explain_one_prediction",
    "7_recognise_patterns",
)  # 8 to 20 s each
RUN = [pytest.param(book, marks=[pytest.mark.slow] if book.stem in TRAINS else [], id=book.stem) for book in BOOKS]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all of them: importing torch four times would take most of the time."""
    from jupyter_client.manager import KernelManager

    outputs = tmp_path_factory.mktemp("notebooks")
    words = " ".join((*tiny.TINY, f"outputs={outputs}", "trainer.max_epochs=1"))
    patch = pytest.MonkeyPatch()
    patch.setenv("CANDLELAB_WORDS", words)
    patch.setenv("CANDLELAB_OUTPUTS", str(outputs))
    patch.setenv("MPLBACKEND", "agg")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tiny.ROOT / "notebooks"))
    yield manager
    manager.shutdown_kernel(now=True)
    patch.undo()


def code_of(book: Path) -> str:
    """What a notebook's cells are to Python; `%pip install` is a call of IPython's."""
    cells = [cell.source for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code"]
    return TransformerManager().transform_cell("\n".join(cells))


@pytest.mark.parametrize("path", RUN)
def test_it_runs_from_top_to_bottom(path, kernel):
    book = nbformat.read(path, as_version=4)
    book.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    done = NotebookClient(book, km=kernel, timeout=300).execute(reset_kc=False)
    assert [cell.execution_count is not None for cell in done.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_calls_only_the_public_api(path):
    nodes = list(ast.walk(syntax_tree(code_of(path))))
    used = {node.module for node in nodes if isinstance(node, ast.ImportFrom)} | {
        a.name for n in nodes if isinstance(n, ast.Import) for a in n.names
    }
    assert [name for name in used if name not in PUBLIC and name.split(".")[0] not in OTHERS] == []
    assert not [node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_")]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_is_short(path):
    assert len(code_of(path).splitlines()) < 75


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_is_stored_as_one_run_from_top_to_bottom_left_it(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_shows_pictures_where_it_is_read(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [out for cell in cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_it_stores_is_small_and_names_no_place_of_the_machine_that_made_it(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 300_000 and not re.search(r"(/home|/root|/tmp|/Users|site-packages)/", text)


def test_every_notebook_is_told_of_in_the_documentation():
    told = (tiny.ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert [book.name for book in BOOKS if book.name not in told] == []
