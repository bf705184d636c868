"""Ctrl-C and SIGTERM: a clean end within a second, whatever the process is busy with."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NoReturn

from superfine.cli.console import say

# How long the clean way out may take before the process just leaves. Results are renamed into
# place whole, so that leaving at any moment tears nothing.
_GRACE_SECONDS = 0.8
# How long a training step under way and the checkpoint after it may take before the process just
# leaves. The checkpoint before is whole at any moment.
_CHECKPOINT_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ENDED = b"\0"


class StopSignals:
    """While open, the first signal raises KeyboardInterrupt; the second, or delay, ends at once.

    A thread watches, because Python itself sees a signal only between two of its own steps, and
    one step may be the encoding of a huge picture.

    Attributes:
        asked: The signal that came; None while none has.
    """

    def __init__(self, farewell: Callable[[], None], *, patience: float | None = None) -> None:
        """Remembers what to say when the process leaves without the clean way out.

        Args:
            farewell: Says it.
            patience: Seconds that work under way may take to end by itself after the first signal,
                which then raises nothing: whoever works looks at `asked`. None for none.
        """
        self.asked: int | None = None
        self._farewell = farewell
        self._patience = patience
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before = [signal.getsignal(number) for number in _SIGNALS]
        self._watch = threading.Thread(target=self._wait, daemon=True)

    @property
    def exit_code(self) -> int:
        """What the shell expects after the signal that came."""
        return 128 + (self.asked or signal.SIGINT)

    def leave(self) -> NoReturn:
        """Ends the process now; torch alone would need half a second to take itself down."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.exit_code)

    def check(self) -> None:
        """Raises the interrupt again if code that was called from C has swallowed it.

        Raises:
            KeyboardInterrupt: When a signal came.
        """
        if self.asked is not None:
            raise KeyboardInterrupt

    def __enter__(self) -> StopSignals:
        """Takes over the signals."""
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._interrupt)
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives the signals back."""
        for number, before in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup)
        os.write(self._write, _ENDED)
        self._watch.join()
        os.close(self._read)
        os.close(self._write)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            os._exit(128 + number)
        self.asked = number
        if self._patience is not None:
            say("Finishing this picture with what there is; once more to leave at once.")
            return
        # Called from C, pyvips could not pass it on and would only print it; `check` comes soon.
        if not _inside("pyvips", frame):
            raise KeyboardInterrupt

    def _wait(self) -> None:
        first = self._next(timeout=None)
        if first == 0:
            return
        again = self._next(timeout=self._patience or _GRACE_SECONDS)
        if again == 0:
            return
        if again is None:
            with contextlib.suppress(Exception):
                self._farewell()
        os._exit(128 + int(first or signal.SIGINT))

    def _next(self, *, timeout: float | None) -> int | None:
        """The next signal of ours, 0 at the end, None when `timeout` seconds passed without."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._read], [], [], left)
            if not ready:
                return None
            number = os.read(self._read, 1)[0]
            if number == _ENDED[0] or number in _SIGNALS:
                return number  # others, such as a resized window, are not ours


def _inside(package: str, frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False


class GentleStop:
    """While open, the first Ctrl-C or SIGTERM asks for a checkpoint and an end; the second ends."""

    def __init__(self) -> None:
        self._number: int | None = None

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    @property
    def exit_code(self) -> int:
        """What the shell expects after the signal that came."""
        return 128 + (self._number or signal.SIGINT)

    def __enter__(self) -> GentleStop:
        """Takes over the signals."""
        self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        self._owner = os.getpid()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives the signals back."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None or os.getpid() != self._owner:
            os._exit(128 + number)  # a forked worker has nothing to save
        self._number = number
        say("Stopping after this step; once more to leave at once.")
        leave = threading.Timer(_CHECKPOINT_SECONDS, os._exit, [128 + number])
        leave.daemon = True
        leave.start()
