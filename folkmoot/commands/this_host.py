"""What commands about two hosts must know of the host that they run on: its settings, its role, its link to the other one."""

from pathlib import Path
from typing import Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import duration, settings_of
from folkmoot.config import Settings


def peer_text(found: dict[str, Any]) -> str:
    """The state of the link to the peer, in one line."""
    if found["is_reachable"] is None:
        return f"at {found['address']}, state unknown: the network does not run here"
    since = duration(found["since_seconds"])
    return f"at {found['address']}, reachable for {since}" if found["is_reachable"] else f"at {found['address']}, NOT REACHABLE for {since}"


def show_host(settings: Settings) -> None:
    """Prints the name and the role of this host in colour, before anything dangerous."""
    from folkmoot.agent import own_name
    from folkmoot.portability.host import PRIMARY, Host

    role = Host(settings.data).role
    colour = "red" if role == PRIMARY else "yellow"
    click.echo(f"This is {click.style(f' {own_name(settings)} {role.upper()} ', bg=colour, fg='black', bold=True)}", err=True)


def settings_of_host(data: Path) -> Settings:
    """The settings. Raises Problem with an external database: its provider replicates and moves it."""
    settings = settings_of(data, needs_secret=False)
    if settings.database.url:
        raise Problem(
            "A second host needs the private PostgreSQL of Folkmoot, but database.url names another server. Replicate that one with its own"
            " tools: docs/operate/several-machines.md"
        )
    return settings


def require_primary(settings: Settings, command: str) -> None:
    from folkmoot.portability.host import PRIMARY, Host

    if Host(settings.data).role != PRIMARY:
        raise Problem("This host is not the primary. Run on the primary: %(command)s", command=command)
