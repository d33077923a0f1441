"""`moot upgrade` as an operator runs it: a new release with a migration, broken ones, kills, and the way back."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from folkmoot.commands.options import settings_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.upgrade.journal import Journal
from folkmoot.portability.upgrade.order import find_running
from folkmoot.portability.upgrade.steps import STEPS, Name
from tests import series
from tests.conftest import new_open_folder
from tests.network_up import environment_with
from tests.portability.upgrades.cloned import Cloned
from tests.portability.upgrades.releases import MORE, add_migration, change, copy_code
from tests.portability.upgrades.writer import Writer
from tests.series import is_long
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

KILLED = Path(__file__).with_name("killed.py")

BROKEN = {  # what is changed in the new release, and how the refusal ends
    "data": (
        "migrations/9000_more.sql", "ALTER TABLE posts ADD COLUMN more text",
        "DO $$ BEGIN IF EXISTS (SELECT FROM accounts) THEN RAISE 'it fails'; END IF; END $$", "RaiseError: it fails",
    ),
    "start": ("commands/running.py", "    listener = listen(settings)\n", "    raise RuntimeError\n", "an empty network: RuntimeError"),
    "import": ("processes.py", "import asyncio\n", "import no_such_module\n", "no_such_module"),
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


def points(who: str, with_backup: bool) -> list[str]:
    """Where to kill, in the order in which an upgrade gets there, from the table of its steps: before the action of a step, and after
    it. A killed command has not noted that it is done; a host that loses its power has."""
    steps = [step.name for step in STEPS if with_backup or step.name is not Name.BACKUP]
    noted = "before" if who == "command" else "after"
    return [point for step in steps for point in (f"after|{step}|started", f"{noted}|{step}|done")]


def chosen(who: str, with_backup: bool) -> list[str]:
    every = points(who, with_backup)
    fixed = f"after|{Name.SWITCH}|started"
    assert fixed in every
    return every if is_long() else sorted({fixed, series.changing_dice("kills of an upgrade").choice(every)}, key=every.index)


@pytest.mark.parametrize(("who", "version"), series.length([("command", "0.2.0")], [("command", "0.2.0"), ("network", "0.3.0")]))
def test_a_killed_upgrade_goes_on_and_can_be_undone_while_a_member_writes(cloned: Cloned, writer: Writer, who: str, version: str) -> None:
    new = copy_code(cloned.folder / f"new {version}", version)
    number = version.split(".")[1]
    add_migration(new, MORE.replace("more text", f"more_{number} text"), f"9{number}00_more.sql")
    has_backup = is_long() and _has_backup(cloned)
    for point in chosen(who, has_backup):
        _kill_at(cloned, new, point, with_network=who == "network")
        wait_until(lambda: cloned.network.get("/readyz").get("ready"), point)
        assert cloned.version in ("0.1.1", version)
        accepted = writer.accepted
        wait_until(lambda accepted=accepted: writer.accepted > accepted + 1, point)
    done = cloned.upgrade("--to", str(new))
    assert done.get("upgraded") is not None, done
    assert cloned.version == version
    release = cloned.release_of_next_start()
    assert release
    assert release.name.startswith(f"{version}-")
    again = cloned.upgrade("--to", str(new), code=release)
    assert again["upgraded"] is False
    undone = cloned.upgrade("--undo", code=release)
    assert undone.get("undone"), undone
    assert cloned.version == "0.1.1"
    assert cloned.release_of_next_start() is None
    running = find_running(DataDirectory(cloned.data))
    assert running
    if who == "command":
        assert running.code == running.own
        assert writer.failures == []
    assert "ADD COLUMN" not in cloned.network.log.read_text()
    cloned.network.stop()  # older code starts with the newer schema
    cloned.network = cloned.started()
    wait_until(lambda: cloned.network.get("/readyz").get("ready"))
    accepted = writer.accepted  # before the posts are read: the member goes on writing
    assert _posts(cloned) >= {writer.text(number) for number in range(accepted)}


def _posts(cloned: Cloned) -> set[str]:
    async def read() -> set[str]:
        connection = await asyncpg.connect(settings_of(cloned.data).dsn)
        try:
            return {row["text"] for row in await connection.fetch("SELECT text FROM posts")}
        finally:
            await connection.close()

    return asyncio.run(read())


def _has_backup(cloned: Cloned) -> bool:
    """Whether upgrades begin with one."""
    if shutil.which("restic") is None:
        return False
    made = cloned.moot("backup", "--to", str(cloned.folder / "repository"), "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    return True


def _kill_at(cloned: Cloned, new: Path, point: str, *, with_network: bool) -> None:
    """Kills the upgrade at this point, and starts the network again if it was killed too."""
    server = (cloned.data / "postgres" / "postmaster.pid").read_text().split()[0]
    victims = f"{cloned.network.process.pid},{server}" if with_network else ""
    killed = subprocess.run(
        [sys.executable, str(KILLED), point, victims, "upgrade", "--yes", "--json", "--watch", "2", "--to", str(new),
         "--data", str(cloned.data)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", timeout=600,
        env=environment_with({"PYTHONPATH": str(cloned.clone)}),
    )
    assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stdout}{killed.stderr}{cloned.network.log.read_text()[-3000:]}"
    if with_network:
        cloned.network.process.wait(60)
        cloned.network = cloned.started()
