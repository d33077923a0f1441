"""`moot migrate`: brings the schema of the database up to date, for networks with several machines.

`moot up` does the same when it starts. With an external database, run this command once, before the processes of a new
release start.
"""

from pathlib import Path

import asyncpg
import click

from folkmoot.base.driver_errors import LOST
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import migrate as bring_up_to_date
from folkmoot.base.migrate import pending
from folkmoot.commands.options import data_option, json_option, no_database, run, settings_of, show
from folkmoot.portability.host import Host


@click.command()
@click.option("--dry-run", is_flag=True, help="List what would be applied, and change nothing.")
@data_option
@json_option
def migrate(dry_run: bool, data: Path, as_json: bool) -> None:
    """Bring the schema of the database up to date. Refused on a standby."""
    settings = settings_of(data, needs_secret=False)
    try:
        names = run(pending(settings.dsn) if dry_run else bring_up_to_date(settings.dsn, Host(settings.data).writing_epoch))
    except asyncpg.LockNotAvailableError as error:
        raise Problem("A table was in use for a minute, so nothing more was applied. Run the command again.") from error
    except (*LOST, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise no_database(settings, error) from error
    what = "Would apply" if dry_run else "Applied"
    text = "\n".join(f"{what} {name}." for name in names) or "The schema is up to date. Nothing to apply."
    show({"pending" if dry_run else "applied": names}, as_json, text)
