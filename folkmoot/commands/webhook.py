"""`moot webhook`: tries the address that is called before a deadline. A call that nobody receives is noticed when it is too late."""

from pathlib import Path

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, run, settings_of, show


@click.command()
@data_option
@json_option
def webhook(data: Path, as_json: bool) -> None:
    """Send a signed request to moderation.webhook_url, as before a deadline, but about no case. Exit code 1 if it is not accepted."""
    from folkmoot.moderation.cases.calls import Callees, CallFailed, try_webhook

    callees = Callees.of(settings_of(data))
    if not callees.webhook_url:
        raise Problem("moderation.webhook_url is not set, so nobody is called by a request.")
    try:
        run(try_webhook(callees))
    except CallFailed as failed:
        raise Problem("The request was not accepted: %(why)s.", why=failed) from failed
    show({"accepted": True, "url": callees.webhook_url}, as_json, f"{callees.webhook_url} has accepted it.")
