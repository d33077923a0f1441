"""`moot upgrade` as an operator runs it: a new release with a migration, broken ones, kills, and the way back."""

import importlib.util
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade.journal import Journal
from folkmoot.portability.upgrade.order import find_running
from folkmoot.portability.upgrade.steps import Name
from tests.conftest import new_open_folder
from tests.network_up import MOOT, NetworkUp, environment_with
from tests.portability.upgrades.releases import MORE, add_migration, change, copy_code
from tests.portability.upgrades.writer import Writer
from tests.series import length
from tests.waiting import wait_until


@dataclass
class Cloned:
    """A network that runs from a clone."""

    folder: Path
    clone: Path
    network: NetworkUp

    def moot(self, *arguments: str, code: Path | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*MOOT, *arguments, "--data", str(self.network.data)], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/",
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


@pytest.fixture(scope="module")
def cloned() -> Iterator[Cloned]:
    with new_open_folder() as folder:
        clone = copy_code(folder / "clone", "0.1.1")
        network = NetworkUp(folder / "data", "--no-demo", code=clone, PYTHONPATH=str(clone)).wait()
        yield Cloned(folder, clone, network)
        network.stop()


@pytest.fixture(scope="module")
def writer(cloned: Cloned) -> Iterator[Writer]:
    made = cloned.moot("account", "create", "jana", "--email", "jana@example.org", "--link")
    token = cloned.moot("token", "create", "jana")
    assert token.returncode == 0, (made.stderr, token.stderr)
    writing = Writer(cloned.network, token.stdout.strip())
    writing.start()
    yield writing
    writing.end()


def test_what_cannot_be_done_is_refused_before_anything_is_changed(cloned: Cloned) -> None:
    contract = copy_code(cloned.folder / "contract", "0.4.0")
    add_migration(contract, MORE.replace("Kind: expand", "Kind: contract").replace("ADD COLUMN more text", "DROP COLUMN label"))
    assert "removes something that the running release may still use" in cloned.upgrade("--to", str(contract))["message"]
    assert "no clone here" in cloned.upgrade("--to", "v9.9")["message"]
    (cloned.folder / "empty" / "folkmoot").mkdir(parents=True)
    (cloned.folder / "empty" / "folkmoot" / "__init__.py").touch()
    assert "is no Folkmoot" in cloned.upgrade("--to", str(cloned.folder / "empty"))["message"]
    assert "no upgrade to return from" in cloned.upgrade("--undo")["message"]
    new = copy_code(cloned.folder / "dry", "0.5.0")
    plan = cloned.upgrade("--dry-run", "--to", str(new))
    assert plan["to"].startswith("0.5.0-")
    assert "This command is of release" in cloned.upgrade("--to", str(contract.parent / "dry"), code=contract)["message"]
    assert not (cloned.clone / ".releases").exists()
    assert list(Journal(DataDirectory(cloned.network.data)).lines()) == []


BROKEN = {  # what is changed in the new release, and how the refusal ends
    "data": (
        "migrations/9000_more.sql", "ALTER TABLE posts ADD COLUMN more text",
        "DO $$ BEGIN IF EXISTS (SELECT FROM accounts) THEN RAISE 'it fails'; END IF; END $$", "RaiseError: it fails",
    ),
    "start": ("commands/up.py", "    listener = listen(settings)\n", "    raise RuntimeError\n", "an empty network: RuntimeError"),
    "import": ("app.py", "import asyncio\n", "import no_such_module\n", "no_such_module"),
    "syntax": ("migrations/9000_more.sql", "ADD COLUMN more", "ADD CLOUMN more", "does not start with an empty network"),
    "ready": (
        "health.py", "health = await self._check_database()",
        "health = Health(['it is broken'], []) if (self._context.settings.data / 'upgrade').exists() else await self._check_database()",
        "does not work with this network: it is not ready: it is broken",
    ),
}


@pytest.mark.parametrize("kind", list(BROKEN)[:length(2, len(BROKEN))])
def test_a_broken_release_never_takes_over(cloned: Cloned, writer: Writer, kind: str) -> None:
    file, old, new, sentence = BROKEN[kind]
    broken = copy_code(cloned.folder / kind, "0.3.0")
    add_migration(broken)
    change(broken / "folkmoot" / file, old, new)
    accepted = writer.accepted
    assert sentence in cloned.upgrade("--to", str(broken))["message"]
    wait_until(lambda: writer.accepted > accepted + 3)
    assert (cloned.version, writer.failures) == ("0.1.1", [])
    assert cloned.release_of_next_start() is None


def test_a_killed_upgrade_goes_on_and_can_be_undone_while_a_member_writes(cloned: Cloned, writer: Writer) -> None:
    new = copy_code(cloned.folder / "new", "0.2.0")
    add_migration(new)
    journal = Journal(DataDirectory(cloned.network.data))
    for step in list(Name)[1:-1]:
        _kill_at(cloned, new, journal, step)
        assert cloned.network.get("/readyz")["ready"]
    done = cloned.upgrade("--to", str(new))
    assert done.get("upgraded"), done
    assert set(done["took"]) <= {Name.SWITCH, Name.FINISH, Name.TRY, Name.REHEARSE}, "what was done is not repeated"
    assert cloned.version == "0.2.0"
    release = cloned.release_of_next_start()
    assert release
    assert release.name.startswith("0.2.0-")
    again = cloned.upgrade("--to", str(new), code=release)
    assert again["upgraded"] is False
    undone = cloned.upgrade("--undo", code=release)
    assert undone["undone"], undone
    assert cloned.version == "0.1.1"
    assert cloned.release_of_next_start() is None
    running = find_running(DataDirectory(cloned.network.data))
    assert running
    assert running.code == running.own
    accepted = writer.accepted
    wait_until(lambda: writer.accepted > accepted + 3)
    assert writer.failures == []
    assert "ADD COLUMN" not in cloned.network.log.read_text()
    cloned.network.stop()  # older code starts with the newer schema
    restarted = NetworkUp(cloned.network.data, "--no-demo", code=cloned.clone, PYTHONPATH=str(cloned.clone)).wait()
    assert restarted.get("/readyz")["ready"]
    restarted.stop()


def _kill_at(cloned: Cloned, new: Path, journal: Journal, step: Name) -> None:
    """Kills the upgrade when it has begun this step."""
    process = subprocess.Popen(
        [*MOOT, "upgrade", "--yes", "--json", "--watch", "2", "--to", str(new), "--data", str(cloned.network.data)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=environment_with({"PYTHONPATH": str(cloned.clone)}),
    )
    wait_until(lambda: process.poll() is not None or any(line.step == step for line in journal.lines()))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert any(line.step == step for line in journal.lines()), f"the upgrade ended before {step}"
