"""A child process for long work: with the lowest priority of processor and disk, and it ends with its parent."""

import ctypes
import logging
import os
import platform
import signal
import sys
from collections.abc import Callable

_END_WITH_PARENT = 1  # option of prctl
_LAST, _LATER = 19, 10  # values of nice
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # number of the system call
_ONE_PROCESS, _IDLE, _LOWEST = 1, 3 << 13, 2 << 13 | 7  # idle: when no other process uses the disk
_log = logging.getLogger(__name__)


class Child:
    """Runs `work` in a fork of this process."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        self.pid = os.fork()
        self._is_over = False
        if self.pid:
            return
        code = 1
        try:
            _end_with(parent)
            lower_priority()
            work()
            code = 0
        except Exception:
            _log.exception("%s failed", name)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def is_over(self) -> bool:
        if not self._is_over:
            found, _ = os.waitpid(self.pid, os.WNOHANG)
            self._is_over = bool(found)
        return self._is_over

    def stop(self) -> None:
        if not self.is_over():
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)
            self._is_over = True


def lower_priority(*, is_waited_for: bool = False) -> None:
    """Lets all other processes go first: nice 19 and, on Linux, the idle class of disk access. Inherited by programs that it starts.

    `is_waited_for`: on a busy machine it must go on all the same, slowly: nice 10 and the lowest level of the usual class.
    On Linux this is for the calling thread only.
    """
    os.nice(_LATER if is_waited_for else _LAST)
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform == "linux" and number:
        ctypes.CDLL(None).syscall(number, _ONE_PROCESS, 0, _LOWEST if is_waited_for else _IDLE)


def _end_with(parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
