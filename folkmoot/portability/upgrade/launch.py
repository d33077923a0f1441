"""How this code is started by the user that the network runs as. `python -m folkmoot.portability.upgrade.launch` prints it:
the release that is installed asks a new one, before it runs.
"""

import os
import sys
from pathlib import Path

import msgspec

import folkmoot
from folkmoot.base.errors import Problem
from folkmoot.portability.program import NotReadable, find_readable_copy
from folkmoot.portability.service_user import service_user
from folkmoot.portability.upgrade.identity import own_code
from folkmoot.portability.upgrade.order import Launch


class LaunchProblem(Problem):
    code = "launch"


def own_launch() -> Launch:
    """If root asks, copies are made of what the user of the network cannot read. Raises LaunchProblem."""
    try:
        copy = find_readable_copy(service_user()) if os.geteuid() == 0 else None
    except NotReadable as error:
        raise LaunchProblem("The user of the network cannot read the new release: %(why)s.", why=error) from error
    if copy:
        return Launch(own_code(), str(copy.python), copy.variables)
    return Launch(own_code(), sys.executable, {"PYTHONPATH": str(Path(folkmoot.__file__).resolve().parent.parent)})


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(own_launch()).decode() + "\n")
