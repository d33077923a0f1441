"""Python packages that few networks need, for DNS providers and S3 stores. `moot install` brings them; a clone lacks them."""

import shlex
import sys
from pathlib import Path

import folkmoot


def command_to_install(requirements: str) -> str:
    """The command for the environment that this program runs in. `requirements`: the name of a file in `requirements/`."""
    file = Path(folkmoot.__file__).parents[1] / "requirements" / f"{requirements}.txt"
    if not file.exists():  # a copy of the program, for the user that a network of root runs as
        return f".venv/bin/python -m pip install -r requirements/{requirements}.txt, in the folder of Folkmoot"
    return f"{shlex.quote(sys.executable)} -m pip install -r {shlex.quote(str(file))}"
