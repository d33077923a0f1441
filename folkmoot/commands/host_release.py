"""`moot host release`: lets writes go on without the standby, although `replication.synchronous` demands it."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from folkmoot.base import clock
from folkmoot.commands.options import data_option, json_option, run, show
from folkmoot.commands.this_host import require_primary, settings_of_host, show_host
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.synchronous import Demand

_LONGEST = 24 * 60  # minutes


@click.command()
@click.option("--for", "minutes", type=click.IntRange(1, _LONGEST), metavar="MINUTES",
              help="Before the standby is stopped: no write waits for it until it was away and is back, at most this long.")
@click.option("--other-host-is-off", "is_other_off", is_flag=True, help="You know that the standby does not run. This is noted.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@data_option
@json_option
def release(minutes: int | None, is_other_off: bool, yes: bool, dry_run: bool, data: Path, as_json: bool) -> None:
    """Let writes go on without the standby, although replication.synchronous demands it.

    Without --for, the standby must be away already. When it follows again, writes wait for it again.
    """
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.standby.following import find_following
    from folkmoot.portability.standby.releasing import require_pausable, require_waiting
    from folkmoot.portability.synchronous import Mode

    settings = settings_of_host(data)
    require_primary(settings, "moot host release")
    directory = DataDirectory(data)
    if minutes:
        demand = require_pausable(directory, Mode(settings.replication.synchronous))
    else:
        demand = require_waiting(directory, find_following(data))
    until = clock.now().replace(microsecond=0) + timedelta(minutes=minutes) if minutes else None
    answer = {"mode": demand.mode, "promised": demand.is_bound, "until": until.isoformat() if until else None}
    if dry_run:
        show(answer | {"dry_run": True}, as_json, "Nothing was done. No write would wait for the standby any more.")
        return
    if not yes and sys.stdin.isatty():
        show_host(settings)
        click.confirm("Write on without the standby? What is written meanwhile is on this host only", abort=True, err=True)
    run(_release(settings, demand, is_other_off=is_other_off, until=until))
    end = f"was away and is back, at most until {until:%H:%M} UTC" if until else "follows again"
    show(answer, as_json, f"No write waits for the standby until it {end}.")


async def _release(settings: Settings, demand: "Demand", *, is_other_off: bool, until: datetime | None) -> None:
    from folkmoot.agent import create_moving
    from folkmoot.portability.failover.alarm import find_life_sign
    from folkmoot.portability.standby.releasing import release_standby

    moving = create_moving(settings)
    this = moving.own.this
    try:
        life_sign = await find_life_sign(this.directory) if is_other_off else ""
        await release_standby(
            this.directory, settings.dsn, demand, this.id, moving.ask, is_other_off=is_other_off, life_sign=life_sign, until=until
        )
    finally:
        await moving.close()
    stated = "the operator states that the other host is off" if is_other_off else ""
    this.journal.append("", "released", "decision", "released", stated=stated, until=until.isoformat() if until else "")
