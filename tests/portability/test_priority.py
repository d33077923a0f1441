"""Nightly work lets all other processes go first, and so do the programs that it starts."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot.portability.offsite.child import Child, lower_priority
from tests.waiting import wait_until

_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}
_IDLE, _USUAL_LOWEST = 3 << 13, 2 << 13 | 7
_CODE = "import ctypes, os, sys; print(os.nice(0), ctypes.CDLL(None).syscall(int(sys.argv[1]), 1, 0))"


def _priority_of_a_program() -> str:
    number = str(_IOPRIO_GET[platform.machine()])
    return subprocess.run([sys.executable, "-c", _CODE, number], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in _IOPRIO_GET, reason="classes of disk access are of Linux")
@pytest.mark.parametrize("is_waited_for", [False, True])
def test_a_child_and_its_programs_go_after_all_others(open_folder: Path, is_waited_for: bool) -> None:
    def work() -> None:
        if is_waited_for:
            lower_priority(is_waited_for=True)  # on top of that of each child
        (open_folder / "said").write_text(_priority_of_a_program())

    child = Child("a test", work)
    wait_until(child.is_over)
    expected = _USUAL_LOWEST if is_waited_for else _IDLE
    assert (open_folder / "said").read_text() == f"19 {expected}"
    assert os.nice(0) < 19
    assert ctypes.CDLL(None).syscall(_IOPRIO_GET[platform.machine()], 1, 0) not in (_IDLE, _USUAL_LOWEST), "this process is as before"
