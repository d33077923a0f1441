"""`moot up`: runs PostgreSQL, web processes and a worker on this machine until it is stopped. The work is in `running.py`."""

import time
from pathlib import Path

import click

from folkmoot import config
from folkmoot.commands.options import data_option
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.program import restart_from_readable_copy


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--host", help="Address to listen on.")
@click.option("--demo/--no-demo", default=True, help="Fill a new network with demo members and posts.")
def up(data: Path, port: int | None, host: str | None, demo: bool) -> None:
    """Run the whole network on this machine: database, web, worker. Ctrl-C stops it."""
    started = time.monotonic()
    overrides = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    settings = config.load(data, {"server": overrides})
    directory = DataDirectory(data)
    why_not = restart_from_readable_copy(directory.owner) if directory.owner else ""
    from folkmoot.commands.running import run_network  # only now: whatever restarts would import it twice

    run_network(settings, directory, why_not, started, is_demo=demo)
