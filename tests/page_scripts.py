"""Runs the scripts of a page under node, as a browser would: JSON in, JSON out."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node to run the page's scripts")
SCRIPTS = Path(__file__).resolve().parents[1] / "candlelab" / "report" / "explorer"
HARNESS = """
const vm = require("vm"), fs = require("fs");
const told = JSON.parse(fs.readFileSync(0, "utf8"));
for (const path of told.scripts) vm.runInThisContext(fs.readFileSync(path, "utf8"), path);
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : Number.isNaN(value) ? null : value;
Promise.resolve(eval(told.code)(told.given)).then((found) => process.stdout.write(JSON.stringify(found, plain)));
"""


def in_node(code: str, given: Any, *names: str) -> Any:
    """Return what a JavaScript function, given as text, makes of some data beside the scripts of these names; NaN comes as None."""
    told = {"scripts": [str(SCRIPTS / f"{name}.js") for name in names], "code": code, "given": given}
    done = subprocess.run([NODE, "-e", HARNESS], input=json.dumps(told), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
