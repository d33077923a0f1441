"""`moot web` and `moot worker`: the same processes apart, for several machines against one PostgreSQL."""

from pathlib import Path
from typing import Any

import click

from folkmoot.commands.options import data_option, leave_root, open_database, run, settings_of
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.program import start_where_readable


@click.command()
@data_option
def web(data: Path) -> None:
    """Answer requests; one process. Start as many as there are cores."""
    from folkmoot.app import run_web
    from folkmoot.commands.up import listen

    settings, why_not, owner = _readable(data)
    listener = listen(settings)
    leave_root(owner, why_not)
    run_web(settings, listener)


@click.command()
@data_option
def worker(data: Path) -> None:
    """Carry out background work; any number may run."""
    from folkmoot.app import run_worker

    settings, why_not, owner = _readable(data)
    leave_root(owner, why_not)
    run_worker(settings)


def _readable(data: Path) -> tuple[Settings, str, Any]:
    """The settings, read by whoever starts us, and where the program stands as `start_where_readable` says."""
    owner = DataDirectory(data).owner
    why_not = start_where_readable(owner) if owner else ""
    settings = settings_of(data)
    run(_answers(settings))
    return settings, why_not, owner


async def _answers(settings: Settings) -> None:
    """Raises Problem in one sentence, before a process of its own fails in many."""
    async with open_database(settings):
        return
