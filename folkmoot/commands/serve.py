"""`moot web` and `moot worker`: the same processes apart, for several machines against one PostgreSQL."""

from pathlib import Path

import click

from folkmoot.commands.options import data_option, settings_of


@click.command()
@data_option
def web(data: Path) -> None:
    """Answer requests; one process. Start as many as there are cores."""
    from folkmoot.app import run_web

    run_web(settings_of(data))


@click.command()
@data_option
def worker(data: Path) -> None:
    """Carry out background work; any number may run."""
    from folkmoot.app import run_worker

    run_worker(settings_of(data))
