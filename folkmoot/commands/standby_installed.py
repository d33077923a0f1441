"""`moot standby --again` on an installed host: systemd stops the network before, and starts it afterwards.

The copy is made by a process of its own, which gives up the rights of root; these are needed again to start the network.
"""

import os
import subprocess
import sys
from pathlib import Path

from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.record import find_installed
from folkmoot.portability.install.units import NETWORK_UNIT


def is_installed(machine: Machine, data: Path) -> bool:
    """Whether systemd runs the network of this data directory, and this process may tell it to."""
    installed = find_installed(machine)
    return installed is not None and machine.path(installed.data) == data and os.geteuid() == 0


def again(machine: Machine, data: Path, options: list[str]) -> int:
    """Runs `moot standby --again` with these options; returns its exit code. Whatever it says, the network runs afterwards."""
    import folkmoot

    is_stopped = Host(data).role != PRIMARY and machine.is_active(NETWORK_UNIT)  # a primary refuses, and goes on
    if is_stopped:
        machine.systemctl("stop", NETWORK_UNIT)
    command = [sys.executable, "-P", "-m", "folkmoot", "standby", "--again", "--no-start", "--goes-on", "--data", str(data), *options]
    try:
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path(folkmoot.__file__).parents[1])}).returncode
    finally:
        if Host(data).role != PRIMARY:
            machine.systemctl("start", NETWORK_UNIT)
