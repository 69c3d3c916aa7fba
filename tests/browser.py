"""A headless Chromium that tests drive through its DevTools protocol: open, click, press, look."""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium to open the page")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--remote-debugging-port=0",
)
READY = "document.documentElement.dataset.ready === 'yes'"


class Page:
    """One page of a browser; `requests` are the addresses it asked for, `complaints` its errors and warnings."""

    def __init__(self, socket: Any):
        self._socket, self._number = socket, 0
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def call(self, method: str, **words: Any) -> dict[str, Any]:
        """Return the answer to a command of the protocol."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": words}))
        while True:
            told = json.loads(self._socket.recv(timeout=60))
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        method, words = told.get("method"), told.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(words["request"]["url"][:200])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(words["exceptionDetails"].get("exception", {}).get("description", words))[:500])
        elif method == "Runtime.consoleAPICalled" and words["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(words["args"])[:500])
        elif method == "Log.entryAdded" and words["entry"]["level"] in ("error", "warning"):
            self.complaints.append(words["entry"]["text"][:500])

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Give the page a window of a size, light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        told = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[told])

    def open(self, path: Path, ready: str = READY) -> float:
        """Open a file; return the seconds from the start of its loading until an expression is true."""
        self.call("Page.navigate", url=path.as_uri())
        wait = f"new Promise((done) => {{ const look = () => {ready} ? done(performance.now()) : setTimeout(look, 5); look(); }})"
        until = time.monotonic() + 30
        while True:
            try:
                return self.ask(wait) / 1000
            except AssertionError:  # the page before was asked
                if time.monotonic() > until:
                    raise

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def wheel(self, x: float, y: float, by: float) -> None:
        """Turn the wheel at a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def set(self, name: str, value: float | str) -> None:
        """Give a field a value as a person would."""
        self.ask(
            f"(() => {{ const field = document.getElementById({name!r}); field.value = {value!r}; "
            "field.dispatchEvent(new Event('input', { bubbles: true })); field.dispatchEvent(new Event('change', { bubbles: true })); "
            "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1)))); })()"
        )

    def picture(self, path: Path, *, whole: bool = False) -> Path:
        """Write what is seen, or the whole page, as a PNG."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))
        return path


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """Yield a page of a browser of its own, which ends with the block."""
    from websockets.sync.client import connect

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            with connect(_address(Path(home)), max_size=None, proxy=None) as socket:
                yield _page(socket)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _address(home: Path) -> str:
    """Where the browser's first page listens."""
    import urllib.request

    note, until = home / "DevToolsActivePort", time.monotonic() + 60
    while not (note.exists() and note.read_text().count("\n")):
        assert time.monotonic() < until, "chromium did not start"
        time.sleep(0.05)
    port = note.read_text().split("\n")[0]
    while True:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        pages = json.load(opener.open(f"http://127.0.0.1:{port}/json"))
        found = [each for each in pages if each["type"] == "page"]
        if found:
            return str(found[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)


def _page(socket: Any) -> Page:
    page = Page(socket)
    for domain in ("Page", "Runtime", "Network", "Log"):
        page.call(f"{domain}.enable")
    return page
