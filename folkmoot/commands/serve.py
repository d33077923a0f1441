"""`moot web` and `moot worker`: single processes, for several machines that use one PostgreSQL."""

from pathlib import Path
from typing import Any

import click

from folkmoot.commands.options import data_option, leave_root, open_database, run, settings_of
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.program import restart_from_readable_copy


@click.command()
@data_option
def web(data: Path) -> None:
    """Run one web process. Start one per processor core."""
    from folkmoot.commands.running import listen
    from folkmoot.processes import run_web

    settings, why_not, owner = _prepare(data)
    listener = listen(settings)
    leave_root(owner, why_not)
    run_web(settings, listener)


@click.command()
@data_option
def worker(data: Path) -> None:
    """Run one worker for background jobs. Several may run at the same time."""
    from folkmoot.processes import run_worker

    settings, why_not, owner = _prepare(data)
    leave_root(owner, why_not)
    run_worker(settings)


def _prepare(data: Path) -> tuple[Settings, str, Any]:
    """The settings, read before root is left; why root cannot be left, or ""; and the owner of the data directory."""
    owner = DataDirectory(data).owner
    why_not = restart_from_readable_copy(owner) if owner else ""
    settings = settings_of(data)
    run(_require_database(settings))
    return settings, why_not, owner


async def _require_database(settings: Settings) -> None:
    """Raises Problem with one sentence if the database does not answer."""
    async with open_database(settings):
        return
