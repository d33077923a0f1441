"""A process of the supervisor: forked, named, and ended together with the supervisor. And how its end is described."""

import logging
import os
import signal
import sys
from collections.abc import Callable

from folkmoot.base import metrics
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory

_log = logging.getLogger(__name__)
_END_WITH_PARENT, _NAME = 1, 15  # options of prctl


def start_child(name: str, work: Callable[[], None], directory: DataDirectory, niceness: int = 0) -> int:
    """Runs `work` in a process of its own; returns its pid. Exit code 1: it failed, which is logged."""
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor sends SIGTERM
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)  # ends a web process that accepts no requests yet
        directory.close_inherited_lock()
        metrics.set_process_name(name.replace(" ", "-"))
        _name_process(f"moot {name}")
        if os.getppid() != supervisor:  # the parent ended before the kernel was told to end this process with it
            raise Problem("the supervisor has ended")
        if niceness:
            os.nice(niceness)
        work()
        code = 0
    except Problem as problem:
        _log.error("%s: %s", name, problem)
    except Exception:
        _log.exception("%s failed", name)
    finally:
        sys.stderr.flush()
        os._exit(code)


def describe_exit(status: int) -> str:
    """How a process ended, by what `waitpid` returned."""
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return "was killed (perhaps because memory ran out: check `dmesg`)"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return "ended by itself" if code == 0 else "failed"


def _name_process(name: str) -> None:
    """Sets the name in `top` and `ps -o comm`, and asks the kernel to end this process with the supervisor (Linux only)."""
    if sys.platform == "linux":
        import ctypes

        system = ctypes.CDLL(None)
        system.prctl(_NAME, name.encode()[:15], 0, 0, 0)
        system.prctl(_END_WITH_PARENT, signal.SIGTERM)
