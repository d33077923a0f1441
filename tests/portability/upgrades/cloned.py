"""A network that runs from a clone, as operators have it, and the commands of that clone."""

import importlib.util
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.network_up import MOOT, NetworkUp, environment_with, free_port
from tests.portability.upgrades.releases import copy_code


@dataclass
class Cloned:
    """A network that runs from a clone of its own, of release 0.1.1. `data`: its data directory."""

    folder: Path
    data: Path
    port: int = 0

    def __post_init__(self) -> None:
        self.clone = copy_code(self.folder / f"clone of {self.data.name}", "0.1.1")
        self.network = self.started()

    def started(self) -> NetworkUp:
        """A new start runs what `bin/moot` of the clone would run, on the same port."""
        code = self.release_of_next_start() or self.clone
        environment = {"PYTHONPATH": str(code), "FOLKMOOT_SERVER_PROCESSES": "2"}
        self.port = self.port or free_port()
        return NetworkUp(self.data, "--no-demo", code=code, port=self.port, **environment).wait()

    def moot(self, *arguments: str, code: Path | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*MOOT, *arguments, "--data", str(self.data)], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/",
            timeout=600, env=environment_with({"PYTHONPATH": str(code or self.clone)}),
        )

    def upgrade(self, *arguments: str, code: Path | None = None) -> Any:
        """The answer, or the error."""
        done = self.moot("upgrade", "--yes", "--json", "--watch", "2", *arguments, code=code)
        assert done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def version(self) -> str:
        return str(self.network.get("/api/v1/instance")["version"]).rpartition(" ")[2].rstrip(")")

    def release_of_next_start(self) -> Path | None:
        """What `bin/moot` of the clone runs."""
        spec = importlib.util.spec_from_file_location("bootstrap", self.clone / "bin" / "bootstrap.py")
        assert spec
        assert spec.loader
        bootstrap = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bootstrap)
        found: Path | None = bootstrap.release_in_use()
        return found
