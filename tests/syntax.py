"""Python's syntax tree of a text."""

import ast
import gc


def syntax_tree(text: str) -> ast.Module:
    """Parse a text, once more where Python 3.11 lost count of its own recursion: a collection in between may have parsed, too."""
    try:
        return ast.parse(text)
    except SystemError as error:
        assert "recursion depth mismatch" in str(error), error
        gc.collect()
        return ast.parse(text)
