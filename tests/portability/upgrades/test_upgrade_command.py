"""`moot upgrade` as an operator runs it: a new release with a migration, broken ones, kills, and the way back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade.journal import Journal
from folkmoot.portability.upgrade.order import find_running
from folkmoot.portability.upgrade.steps import Name
from tests.conftest import new_open_folder
from tests.network_up import MOOT, environment_with
from tests.portability.upgrades.cloned import Cloned
from tests.portability.upgrades.releases import MORE, add_migration, change, copy_code
from tests.portability.upgrades.writer import Writer
from tests.series import is_long, length
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def cloned() -> Iterator[Cloned]:
    with new_open_folder() as folder:
        found = Cloned(folder, folder / "data")
        yield found
        found.network.stop()


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
    assert list(Journal(DataDirectory(cloned.data)).lines()) == []


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
        "health = Health(['it is broken'], []) if (self._context.settings.data / 'upgrade/journal.jsonl').exists()"
        " else await self._check_database()",
        "does not work with this network: it is not ready: it is broken",
    ),
}


@pytest.mark.skipif(not is_long(), reason="part of the long series")
@pytest.mark.parametrize("kind", BROKEN)
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
    journal = Journal(DataDirectory(cloned.data))
    for step in length([Name.SWITCH], list(Name)[1:-1]):
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
    running = find_running(DataDirectory(cloned.data))
    assert running
    assert running.code == running.own
    accepted = writer.accepted
    wait_until(lambda: writer.accepted > accepted + 3)
    assert writer.failures == []
    assert "ADD COLUMN" not in cloned.network.log.read_text()
    cloned.network.stop()  # older code starts with the newer schema
    cloned.network = cloned.started()
    assert cloned.network.get("/readyz")["ready"]


def _kill_at(cloned: Cloned, new: Path, journal: Journal, step: Name) -> None:
    """Kills the upgrade when it has begun this step."""
    process = subprocess.Popen(
        [*MOOT, "upgrade", "--yes", "--json", "--watch", "2", "--to", str(new), "--data", str(cloned.data)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=environment_with({"PYTHONPATH": str(cloned.clone)}),
    )
    deadline = time.monotonic() + 600  # a release is built before most steps, which takes long on a busy machine
    while process.poll() is None and not any(line.step == step for line in journal.lines()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert any(line.step == step for line in journal.lines()), f"the upgrade ended before {step}"
