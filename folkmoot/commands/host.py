"""`moot host`: pairs this host with another one, lists the pair, ends it, signs which hosts belong to the network."""

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.hints import say
from folkmoot.commands.host_release import release
from folkmoot.commands.host_rotate import exposed_text, rotate
from folkmoot.commands.options import data_option, json_option, run, show, start_command
from folkmoot.commands.recovery import key_file_option
from folkmoot.commands.roster import roster_facts, roster_text, sign, sign_if_at_hand, signed_text
from folkmoot.commands.this_host import peer_text, require_primary, settings_of_host, show_host
from folkmoot.config import Settings

_POLL = 0.5
_START_SECONDS = 8.0  # for the agent of a running network


@click.group(cls=Group)
def host() -> None:
    """Pair this host with another one, list the pair, end it; sign which hosts belong to the network."""


host.add_command(sign)
host.add_command(release)
host.add_command(rotate)


@host.command()
@click.option("--name", default="", help="Name of the new host. Without it, the new host names itself.")
@click.option("--address", default="", help="HOST or HOST:PORT where the new host reaches this one. Without it, it is found out.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the new host has joined.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@key_file_option
@data_option
@json_option
def add(name: str, address: str, no_wait: bool, dry_run: bool, key_file: IO[str] | None, data: Path, as_json: bool) -> None:
    """Invite a new host: print a one-time code, wait until the host has joined with it, and sign that it belongs to this network."""
    from folkmoot.agent import own_name
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.hosts.pairing import VALID_FOR, invite, require_no_peer
    from folkmoot.portability.hosts.peers import Peers, clean_name

    settings = settings_of_host(data)
    directory = DataDirectory(data)
    require_primary(settings, "moot host add")
    where = _reachable_address(settings, address)
    if name and clean_name(name) == own_name(settings):
        raise Problem("This host is called %(name)s already. Choose another name for the new one, with --name.", name=clean_name(name))
    if dry_run:
        require_no_peer(Peers(directory))
        text = f"Nothing was done. An invitation would be open for an hour, and the new host would connect to {where}."
        show({"address": where, "dry_run": True}, as_json, text)
        return
    code = invite(directory, name)
    command = f"bin/moot standby --join {where} {code.text}"
    expires_at = clock.now() + VALID_FOR
    answer = {"code": code.text, "address": where, "command": command, "expires_at": expires_at.isoformat()}
    show(answer, as_json, _invitation_text(command, expires_at))
    sys.stdout.flush()
    _warn_if_nobody_listens(directory, settings)
    if not no_wait and _wait(directory, as_json):
        signed = sign_if_at_hand(settings, directory, key_file, "Sign with the recovery key that the new host belongs to this network.")
        if signed and not as_json:
            click.echo(signed_text(signed))


def _invitation_text(command: str, expires_at: datetime) -> str:
    return (
        "\n  Type this on the new machine, with the same code of Folkmoot and an empty data directory:\n\n"
        f"    {command}\n\n"
        "  On Debian or Ubuntu, `install` instead of `standby` also sets up services and HTTPS, so that it can replace this host.\n"
        f"  The code works once, until {expires_at:%H:%M} UTC. Anyone who has it can copy this network: pass it on privately.\n"
    )


def _wait(directory: Any, as_json: bool) -> bool:
    """Waits until the new host has joined, and shows the words to compare. Returns whether it has joined."""
    from folkmoot.portability.hosts.peers import Peers

    peers = Peers(directory)
    own = peers.invitation
    assert own is not None
    if not as_json:
        click.echo("Waiting for the new host. Ctrl-C ends the waiting, not the invitation.", err=True)
    try:
        while (peer := peers.one()) is None:
            if clock.now() >= own.expires_at or peers.invitation is None or peers.invitation.secret_hash != own.secret_hash:
                raise Problem("No host has joined, and the code is no longer valid. Get a new one with: moot host add")
            time.sleep(_POLL)
    except KeyboardInterrupt:
        say("\nThe code stays valid. To see whether a host has joined: moot host list")
        return False
    show(
        {"joined": peer.name, "address": peer.address, "id": peer.id, "words": peer.words}, as_json,
        f"The host {peer.name} at {peer.address} has joined. Both machines must show the same six words:\n\n    {peer.words}\n\n"
        f"If the other machine shows different ones, run at once: moot host remove {peer.name}",
    )
    return True


@host.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """List the hosts of this network, and whether the other one is reachable."""
    from folkmoot.agent import own_name
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import Host
    from folkmoot.portability.hosts.link import describe_link
    from folkmoot.portability.hosts.peers import Peers

    settings = settings_of_host(data)
    directory, state = DataDirectory(data), Host(data).state
    peers = Peers(directory)
    invitation = peers.invitation
    open_until = invitation.expires_at if invitation and not invitation.used_by and not invitation.is_expired else None
    roster = roster_facts(directory)
    answer: dict[str, Any] = {
        "name": own_name(settings), "role": state.role, "epoch": state.epoch,
        "peers": [describe_link(directory, peer) | {"words": peer.words, "added_at": peer.added_at.isoformat()} for peer in peers.list()],
        "invitation_until": open_until.isoformat() if open_until else None, "roster": roster,
    }
    lines = [f"{own_name(settings):20} this host, {state.role.upper()}, epoch {state.epoch}"]
    for peer in peers.list():
        lines += [
            f"{peer.name:20} {peer_text(describe_link(directory, peer))}",
            f"{'':20} joined {peer.added_at:%Y-%m-%d %H:%M} UTC with the words: {peer.words}",
        ]
    if not peers.list():
        lines.append("There is no other host. Invite one on the primary with: moot host add")
    if peers.list() or roster["signed_at"]:
        lines.append(roster_text(roster))
    if open_until:
        lines.append(f"An invitation is open until {open_until:%H:%M} UTC.")
    show(answer, as_json, "\n".join(lines))


@host.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@key_file_option
@data_option
@json_option
def remove(name: str, yes: bool, dry_run: bool, key_file: IO[str] | None, data: Path, as_json: bool) -> None:
    """End the pairing with NAME: its certificate is refused from now on, and its replication slot is dropped.

    With the recovery key, also sign that it does not belong to this network any more. What it still knows: moot host rotate
    """
    from folkmoot.base.errors import NotFound
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.exposure.passwords import exchange_replication_password, order_new_password
    from folkmoot.portability.exposure.record import note_removal, outstanding
    from folkmoot.portability.hosts.peers import Peers
    from folkmoot.portability.hosts.removal import remove_host

    settings = settings_of_host(data)
    directory = DataDirectory(data)
    peer = next((one for one in Peers(directory).list() if name in (one.name, one.id)), None)
    if dry_run:
        if peer is None:
            raise NotFound("This host is not paired with %(name)s. moot host list shows the other host.", name=name)
        text = f"Nothing was done. {peer.name} at {peer.address} would be refused, and its replication slot {peer.slot} dropped."
        show({"name": peer.name, "slot": peer.slot, "dry_run": True}, as_json, text)
        return
    if peer and not yes and sys.stdin.isatty():
        show_host(settings)
        click.confirm(f"End the pairing with {peer.name}? It stops following this host", abort=True, err=True)
    if peer:
        note_removal(settings, directory, peer)
    removed = run(remove_host(directory, settings.dsn, name))
    if run(exchange_replication_password(directory, settings.dsn)):
        order_new_password(directory)
    signed = sign_if_at_hand(settings, directory, key_file, f"Sign with the recovery key that {name} does not belong to this network.")
    roster = roster_facts(directory)
    answer: dict[str, Any] = {
        "removed": removed.peer.name if removed.peer else None, "slots": removed.slots, "why_slots_stay": removed.why_slots_stay,
        "roster": roster, "exposed": [secret.name for secret in outstanding(settings, directory)],
    }
    lines = [f"{removed.peer.name} is removed. Its certificate is refused from now on."] if removed.peer else []
    lines += [f"The replication slot {slot} is dropped." for slot in removed.slots]
    if removed.why_slots_stay:
        lines.append(
            f"Its replication slot may still keep WAL, because the database does not answer ({removed.why_slots_stay})."
            f" When the network runs, repeat: moot host remove {name}"
        )
    if signed or roster["unsigned"]:
        lines.append(roster_text(roster))
    if exposed := exposed_text(settings, directory):
        lines.append(exposed)
    show(answer, as_json, "\n".join(lines))


def _reachable_address(settings: Settings, address: str) -> str:
    """Where the new host reaches this one: as told, else this machine's public address, else the name of the network."""
    from urllib.parse import urlsplit

    from folkmoot.base.http_client import is_public
    from folkmoot.portability.hosts.channel import outgoing_address
    from folkmoot.portability.hosts.peers import join_address, parse_address

    told = address or settings.hosts.address
    if told:
        return join_address(*parse_address(told, settings.hosts.port))
    own, name = outgoing_address(), urlsplit(settings.base_url).hostname or "localhost"
    if is_public(own) or name == "localhost":
        return join_address(own, settings.hosts.port)
    return join_address(name, settings.hosts.port)


def _warn_if_nobody_listens(directory: Any, settings: Settings) -> None:
    from folkmoot.portability.hosts.sockets import has_agent

    deadline = time.monotonic() + _START_SECONDS
    while not has_agent(directory):
        if time.monotonic() > deadline:
            say(
                "folkmoot: This host does not listen for another one, so no host can join yet. If the network runs, its log says why; else"
                f" start it: {start_command(settings.data)}"
            )
            return
        time.sleep(_POLL)
