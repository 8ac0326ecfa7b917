"""A pseudo-terminal for tests: a program runs on it, and somebody types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

PATIENCE = 60.0
"""Seconds until a test gives up."""


class Terminal:
    """Runs a program on a terminal of 100 columns; a context manager. `shown`: everything that came on it so far."""

    def __init__(self, command: Sequence[str], *, folder: Path | None = None, env: Mapping[str, str]) -> None:
        self._command, self._folder, self._env = list(command), folder, dict(env)
        self.shown = ""

    def __enter__(self) -> Self:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            if self._folder is not None:
                os.chdir(self._folder)
            os.execvpe(self._command[0], self._command, self._env)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._terminal)

    def until(self, text: str, *, times: int = 1) -> str:
        """Read on until `text` has been shown so many times, and return all that was."""
        end = time.monotonic() + PATIENCE
        while self.shown.count(text) < times:
            assert time.monotonic() < end, f"{text!r} was not shown, but\n{self.shown}"
            assert self._read(), f"the program ended without {text!r}, and with\n{self.shown}"
        return self.shown

    def type(self, text: str) -> None:
        """Type `text`; control characters do what they do on a terminal."""
        os.write(self._terminal, text.encode())

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def wait(self) -> int:
        """Read to the end, and return the exit code of the program."""
        while self._read():
            pass
        _, status = os.waitpid(self._process, 0)
        self._process = 0
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], PATIENCE)
        try:
            found = os.read(self._terminal, 65_536) if ready else b""
        except OSError:  # the program has closed the terminal
            found = b""
        self.shown += found.decode(errors="replace")
        return bool(found)
