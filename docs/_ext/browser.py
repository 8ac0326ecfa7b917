"""A headless Chromium, driven over a pair of pipes: what measures and photographs cards, by the standard library.

Debian calls it `chromium`; `Browser.found()` says whether one is here.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One tab. A context manager."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        there, self._down = os.pipe()
        self._up, back = os.pipe()
        program, ends = self.found(), [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (there, back)]
        if program is None:
            raise FileNotFoundError("no Chromium is installed")
        self._process = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, ends[0], 3),  # where it reads commands
                (os.POSIX_SPAWN_DUP2, ends[1], 4),  # where it answers
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        for end in (there, back, *ends):
            os.close(end)
        self._heard, self._count, self._tab = b"", 0, ""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._tab = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    @staticmethod
    def found() -> str | None:
        """Return the path of the program, or None."""
        return next((path for path in map(shutil.which, NAMES) if path is not None), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tab = ""
        self._ask("Browser.close")
        os.waitpid(self._process, 0)
        os.close(self._down)
        os.close(self._up)
        self._profile.cleanup()

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        sent = json.dumps(message | ({"sessionId": self._tab} if self._tab else {})).encode() + b"\0"
        while sent:
            sent = sent[os.write(self._down, sent) :]
        while (answer := self._next()).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._heard:
            more = os.read(self._up, 1 << 20)
            if not more:
                raise RuntimeError("Chromium is gone")
            self._heard += more
        message, _, self._heard = self._heard.partition(b"\0")
        return json.loads(message)

    def show(self, html: str, *, width: int = 1000, height: int = 800, dark: bool = False) -> None:
        """Show a page that is `width` pixels wide to somebody who likes it light, or `dark`."""
        self._set(width, height, dark=dark)
        frame = self._ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._ask("Page.setDocumentContent", frameId=frame, html=html)

    def open(self, file: Path, *, width: int = 1000, height: int = 800, dark: bool = False) -> None:
        """Show a file as `show` shows a page, and wait until all that belongs to it is there."""
        self._set(width, height, dark=dark)
        self._ask("Page.navigate", url=file.resolve().as_uri())
        self.value(
            "document.readyState === 'complete' || new Promise((done) => addEventListener('load', () => done(1)))"
        )

    def _set(self, width: int, height: int, *, dark: bool) -> None:
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def value(self, script: str) -> Any:
        """Return what a script of the page gives, as JSON; of a promise, what it comes to."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def photograph(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self._ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))
