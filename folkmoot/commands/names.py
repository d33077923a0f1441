"""`moot names`: where the names of the network lead, and leading them to this host."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.names.model import Statement
    from folkmoot.portability.names.public import Answer

_WAIT = 600.0  # seconds


@click.group(cls=Group)
def names() -> None:
    """Show where the names of the network lead, and lead them to this host."""


@names.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """Ask under each name which host answers. Exit code 1 if one does not lead to the primary."""
    settings = settings_of(data)
    answer = run(_list(settings))
    show(answer, as_json, "\n".join(map(_text, answer["names"])))
    sys.exit(not all(name["is_good"] for name in answer["names"]))


@names.command()
@click.option("--wait", "seconds", type=click.FloatRange(0, 86400), default=_WAIT, show_default=True,
              help="Seconds to wait until the names lead here.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Print the changes of DNS records, and change nothing.")
@data_option
@json_option
def point(seconds: float, yes: bool, dry_run: bool, data: Path, as_json: bool) -> None:
    """Lead the names to this host: change the DNS records, or print them, and wait until everybody arrives here."""
    settings = settings_of(data)
    addresses = _require_ready(settings)
    changes = run(_changes(settings, addresses))
    if dry_run:
        text = "Nothing was done. " + ("The records are right." if not changes else "To lead the names here:\n" + _lines(changes))
        show({"changes": changes, "addresses": addresses, "dry_run": True}, as_json, text)
        return
    if changes and not as_json:
        click.echo(f"To lead the names to {', '.join(addresses)}:\n{_lines(changes)}", err=True)
    if changes and settings.names.provider and not yes and sys.stdin.isatty():
        click.confirm(f"  Change them at {settings.names.provider} now?", abort=True, err=True)
    elif changes and not settings.names.provider and not as_json:
        click.echo("Change them where the name is registered. This waits for it; Ctrl-C ends only the waiting.", err=True)
    with show_progress(as_json) as progress:
        progress.step("waiting for the names")
        done = run(_point(settings, addresses, seconds))
    show(done, as_json, "All names lead to this host." if not done["elsewhere"] else _lines(
        [f"{name}: {found}" for name, found in done["elsewhere"].items()]
    ))
    sys.exit(bool(done["elsewhere"]))


def _lines(texts: list[str]) -> str:
    return "\n".join(f"  {text}" for text in texts)


def _require_ready(settings: Settings) -> list[str]:
    """The public addresses of this host, which must be the primary."""
    from folkmoot.portability.host import PRIMARY, Host
    from folkmoot.portability.names.addresses import own_addresses
    from folkmoot.portability.names.pointing import hosts_in_dns

    role = Host(settings.data).role
    if role != PRIMARY:
        raise Problem("This host is %(role)s. Names lead to the primary: run moot names point there.", role=role)
    if not hosts_in_dns(settings):
        raise Problem("No name of this network is in DNS, so there is none to lead here. Its address is server.base_url in %(file)s.",
                      file=settings.data / "folkmoot.toml")
    addresses = own_addresses(settings)
    if not addresses:
        file = settings.data / "folkmoot.toml"
        raise Problem("The public address of this host is not known. Set names.addresses in %(file)s.", file=file)
    return addresses


async def _changes(settings: Settings, addresses: list[str]) -> list[str]:
    from folkmoot.portability.names.pointing import look_up_all, plan

    return [str(change) for change in plan(await look_up_all(settings), addresses)]


async def _point(settings: Settings, addresses: list[str], seconds: float) -> dict[str, Any]:
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import Host
    from folkmoot.portability.hosts.identity import find_identity
    from folkmoot.portability.names.pointing import point as point_names
    from folkmoot.portability.names.repointing import PublicNames

    changed = []
    if settings.names.provider:
        changed = [str(change) for change in await point_names(settings, addresses)]
    identity = find_identity(DataDirectory(settings.data))
    elsewhere = await PublicNames(settings).await_names(identity.id if identity else "", Host(settings.data).epoch, seconds)
    return {"changed": changed, "elsewhere": elsewhere}


async def _list(settings: Settings) -> dict[str, Any]:
    from folkmoot.portability.names.paths import known_names
    from folkmoot.portability.names.pointing import look_up_all
    from folkmoot.portability.names.repointing import PublicNames

    answers, found = await asyncio.gather(PublicNames(settings).ask(), look_up_all(settings))
    dns = {one.host: one for one in found}
    by_name = {answer.name: answer for answer in answers}
    rows = []
    for name in known_names(settings):
        answer = by_name.get(name)
        host = name.partition("://")[2].partition(":")[0]
        looked_up = dns.get(host)
        rows.append({
            "name": name, "addresses": looked_up.addresses if looked_up else [], "ttl": looked_up.ttl if looked_up else None,
            "zone": looked_up.zone if looked_up else "", "dns": looked_up.why if looked_up else "it is not in DNS",
            **_who(settings, answer), "is_ttl_long": bool(looked_up and looked_up.ttl and looked_up.ttl > settings.names.ttl),
        })
    return {"names": rows}


def _who(settings: Settings, answer: "Answer | None") -> dict[str, Any]:
    """Which host answers under a name, as this one calls it."""
    if answer is None:
        return {"host": "", "role": "", "epoch": None, "why": "", "is_good": True}
    stated = answer.statement
    if stated is None:
        return {"host": "", "role": "", "epoch": None, "why": answer.why, "is_good": False}
    return {
        "host": _called(settings, stated), "role": str(stated.role), "epoch": stated.epoch, "why": "",
        "is_good": stated.role == "primary" and not _is_behind(settings, stated),
    }


def _called(settings: Settings, stated: "Statement") -> str:
    from folkmoot.agent import own_name
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.hosts.identity import find_identity
    from folkmoot.portability.hosts.peers import Peers

    directory = DataDirectory(settings.data)
    identity = find_identity(directory)
    if stated.host == (identity.id if identity else ""):
        return own_name(settings)
    return next((peer.name for peer in Peers(directory).list() if peer.id == stated.host), "an unknown host")


def _is_behind(settings: Settings, stated: "Statement") -> bool:
    from folkmoot.portability.host import Host

    return stated.epoch < Host(settings.data).epoch


def _text(row: dict[str, Any]) -> str:
    where = ", ".join(row["addresses"]) or row["dns"]
    ttl = "" if row["ttl"] is None else f", kept for {row['ttl']} s"
    found = f"{row['host']} answers, the {row['role'].upper()} in epoch {row['epoch']}"
    who = found if row["host"] else row["why"] or "nobody was asked"
    lines = [row["name"], f"  leads to   {where}{ttl}", f"  answer     {who}"]
    if row["is_ttl_long"]:
        lines.append("  → a move is seen only after that time. Set a TTL of 60 s where the name is registered.")
    if not row["is_good"]:
        lines.append("  → on the primary run: moot names point")
    return "\n".join(lines)
