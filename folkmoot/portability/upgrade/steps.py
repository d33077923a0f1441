"""The steps of an upgrade. Each has a probe, so that a run after a kill goes on where the last one stopped.

Until the last but one step nothing of the running network is changed, except that its schema is expanded, which its code
may ignore. So a failed step needs no undo: the command says why it failed and can be run again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import Migration
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.progress import Progress
from folkmoot.portability.upgrade.journal import DONE, FAILED, STARTED, Journal
from folkmoot.portability.upgrade.order import Launch, Order, State, find_running, give_order
from folkmoot.portability.upgrade.releases import Release, Releases, UpgradeProblem, migrations_in
from folkmoot.portability.upgrade.trying import rehearse, try_web

_RECENT = timedelta(hours=1)
_ANSWER_SECONDS = 30.0  # in which the supervisor takes an order up
_POLL = 0.2


class Name(StrEnum):
    """The steps, in order."""

    BACKUP = "backup"
    BUILD = "build"
    REHEARSE = "rehearse"
    MIGRATE = "migrate"
    TRY = "try"
    SWITCH = "switch"
    FINISH = "finish"


@dataclass
class Upgrade:
    """One upgrade: what it needs, and what is found out on the way. `back_up`: None without a repository."""

    directory: DataDirectory
    releases: Releases
    journal: Journal
    release: Release
    build: Callable[[], None]
    back_up: Callable[[], None] | None
    own_launch: Callable[[], Launch]
    is_primary: bool
    watch: float
    took: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """`is_done` is cheap and changes nothing."""

    name: Name
    sentence: str
    is_done: Callable[[Upgrade], bool]
    run: Callable[[Upgrade], None]


def drive(upgrade: Upgrade, progress: Progress) -> None:
    """Runs all steps that are not done. Raises UpgradeProblem; what was done until then stays, and the old code runs."""
    for step in STEPS:
        if step.is_done(upgrade):
            continue
        progress.step(step.sentence)
        began = clock.monotonic()
        upgrade.journal.append(upgrade.release.name, step.name, STARTED)
        try:
            step.run(upgrade)
        except BaseException as error:
            why = error.message % error.params if isinstance(error, Problem) and error.params else f"{type(error).__name__}: {error}"
            upgrade.journal.append(upgrade.release.name, step.name, FAILED, why=why)
            raise
        upgrade.took[step.name] = round(clock.monotonic() - began, 1)
        if step.name is not Name.FINISH:  # it has more to note
            upgrade.journal.append(upgrade.release.name, step.name, DONE)


def pending(upgrade: Upgrade) -> list[str]:
    """The migrations that the new release would apply. Raises UpgradeProblem."""
    answer = upgrade.release.run(
        "folkmoot", "migrate", "--dry-run", "--json", "--data", str(upgrade.directory.path), what="does not accept the database"
    )
    names: list[str] = msgspec.json.decode(answer.splitlines()[-1])["pending"]
    return names


def switch_to(directory: DataDirectory, launch: Launch, watch: float) -> None:
    """Orders the supervisor to run other processes, and waits until it keeps them. Raises UpgradeProblem."""
    running = find_running(directory)
    is_own = running is not None and running.own == launch.code
    order = Order(clock.token(9), None if is_own else launch, watch)
    give_order(directory, order)
    deadline = clock.monotonic() + _ANSWER_SECONDS
    while (running := find_running(directory)) is None or running.order != order.id:
        if clock.monotonic() > deadline:
            raise UpgradeProblem("The running network does not take the order up. Look at its log, then run the command again.")
        time.sleep(_POLL)
    _await_kept(directory)


def _await_kept(directory: DataDirectory) -> None:
    """Waits until the supervisor keeps the new processes. Raises UpgradeProblem if those before run again."""
    while (running := find_running(directory)) and running.state in (State.STARTING, State.WATCHING):
        if not directory.is_in_use():
            raise UpgradeProblem("The network was stopped during the switch. Start it, then run the command again.")
        time.sleep(_POLL)
    if running and running.state is State.RETURNED:
        raise UpgradeProblem("The new release failed (%(why)s), so %(code)s runs again. Nothing was lost.", why=running.why,
                             code=running.code)


def _migrate(upgrade: Upgrade) -> None:
    upgrade.release.run("folkmoot", "migrate", "--json", "--data", str(upgrade.directory.path), what="could not change the schema")


def _is_migrated(upgrade: Upgrade) -> bool:
    """A standby gets its schema from its primary."""
    return not pending(upgrade) or not upgrade.is_primary


def refuse_contracts(source: Path, known: list[Migration]) -> None:
    """Raises UpgradeProblem if the new release removes something from the schema that the running one may use."""
    names, newest = {migration.name for migration in known}, known[-1].number
    for migration in migrations_in(source):
        if migration.name not in names and migration.needs > newest:
            raise UpgradeProblem(
                "%(name)s removes something that the running release may still use, so the two cannot run side by side. Upgrade to the"
                " release before it first. If there is none: make a backup, stop the network, and start it with the new code,"
                " %(source)s/bin/moot up; there is no way back then but the backup.", name=migration.name, source=source,
            )


def _switch(upgrade: Upgrade) -> None:
    switch_to(upgrade.directory, upgrade.release.launch(), upgrade.watch)


def _is_switched(upgrade: Upgrade) -> bool:
    """Also waits for the end of a switch whose command was killed."""
    running = find_running(upgrade.directory)
    if running is None or running.code != upgrade.release.code:
        return False
    _await_kept(upgrade.directory)
    return True


def _finish(upgrade: Upgrade) -> None:
    """Notes the way back before the next start is changed: else a kill between the two would leave none."""
    releases, before = upgrade.releases, upgrade.releases.current
    launch = upgrade.own_launch()
    upgrade.journal.append(
        upgrade.release.name, Name.FINISH, DONE, before=before, launch=msgspec.to_builtins(launch), took=upgrade.took
    )
    releases.make_current(upgrade.release.name)
    running = find_running(upgrade.directory)
    releases.remove_old([upgrade.release.name, before or "/", launch.code, *([running.code, running.own] if running else [])])


STEPS = (
    Step(Name.BACKUP, "making a backup",
         lambda up: up.back_up is None or not up.is_primary or up.journal.is_done(up.release.name, Name.BACKUP, _RECENT),
         lambda up: up.back_up() if up.back_up else None),
    Step(Name.BUILD, "building the new release", lambda up: up.release.is_complete, lambda up: up.build()),
    Step(Name.REHEARSE, "rehearsing it with an empty network",
         lambda up: up.journal.is_done(up.release.name, Name.REHEARSE, _RECENT), lambda up: rehearse(up.release)),
    Step(Name.MIGRATE, "expanding the schema", _is_migrated, _migrate),
    Step(Name.TRY, "trying it with this network",
         lambda up: (found := find_running(up.directory)) is not None and found.code == up.release.code,
         lambda up: try_web(up.release, up.directory)),
    Step(Name.SWITCH, "switching", _is_switched, _switch),
    Step(Name.FINISH, "finishing", lambda up: up.releases.current == up.release.name, _finish),
)
