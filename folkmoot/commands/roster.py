"""`moot host sign`: signs which hosts belong to this network. Also what other commands say about the roster."""

from pathlib import Path
from typing import IO, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, settings_of, show
from folkmoot.commands.recovery import ask, ask_if_at_hand, key_file_option, require_own
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.model import Roster
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.roster import Rosters, own_id
from folkmoot.portability.recovery_key import RecoveryKey

SIGN = "moot host sign"


@click.command()
@click.option("--dry-run", is_flag=True, help="Print which hosts would be signed, and change nothing.")
@key_file_option
@data_option
@json_option
def sign(dry_run: bool, key_file: IO[str] | None, data: Path, as_json: bool) -> None:
    """Sign, with the recovery key, that this host and the one that it is paired with belong to this network, and no other.

    What any other host claims does not count from then on, whatever keys it has.
    """
    settings, directory = settings_of(data, needs_secret=False), DataDirectory(data)
    if BackupKey.find(directory) is None:
        raise Problem("This network has no recovery key yet. The first backup makes one, and signs the roster too: moot backup --to REPO")
    named = [_own_name(settings), *(peer.name for peer in Peers(directory).list())]
    if dry_run:
        text = f"Nothing was done. These hosts would be signed: {', '.join(named)}."
        show({"hosts": named, "dry_run": True}, as_json, text)
        return
    recovery = ask(key_file, f"To sign that {' and '.join(named)} belong to this network, and no other host, the recovery key is needed.")
    signed = sign_with(recovery, settings, directory)
    show({"number": signed.number, "epoch": signed.epoch, "hosts": [member.name for member in signed.hosts]}, as_json, signed_text(signed))


def sign_with(recovery: RecoveryKey, settings: Settings, directory: DataDirectory) -> Roster:
    """Raises Problem if this is another recovery key."""
    require_own(recovery, directory)
    return Rosters(directory).sign(recovery, _own_name(settings))


def sign_if_at_hand(settings: Settings, directory: DataDirectory, key_file: IO[str] | None, why: str) -> Roster | None:
    """Signs after the pair has changed, if the recovery key is at hand. Nothing is asked if there is none, or nothing to sign."""
    if BackupKey.find(directory) is None or not unsigned(directory):
        return None
    recovery = ask_if_at_hand(key_file, why, SIGN)
    return sign_with(recovery, settings, directory) if recovery else None


def unsigned(directory: DataDirectory) -> list[str]:
    """What the roster does not say yet, each in some words; empty if it is complete, or if nothing can be signed or need be."""
    rosters, peers = Rosters(directory), Peers(directory).list()
    roster = rosters.find()
    if roster is None:
        return [f"{peer.name} is not signed" for peer in peers]
    own = own_id(directory)
    return [
        *([] if roster.has(own) else ["this host is not signed"]),
        *(f"{peer.name} is not signed" for peer in peers if not roster.has(peer.id)),
        *(f"{member.name} was removed and is still signed" for member in rosters.removed),
    ]


def signed_text(roster: Roster) -> str:
    return f"Signed: {', '.join(member.name for member in roster.hosts)}. No other host belongs to this network."


def roster_facts(directory: DataDirectory) -> dict[str, Any]:
    """The roster, for programs."""
    roster = Rosters(directory).find()
    return {
        "has_recovery_key": BackupKey.find(directory) is not None, "signed_at": roster.signed_at.isoformat() if roster else None,
        "hosts": [member.name for member in roster.hosts] if roster else [], "unsigned": unsigned(directory),
    }


def roster_text(facts: dict[str, Any]) -> str:
    """The same in one sentence, and the command that goes on."""
    if not facts["has_recovery_key"]:
        return "There is no recovery key, so each host of the pair believes the other one. To change that: moot backup --to REPO"
    missing = f" {'; '.join(facts['unsigned'])}. Run: {SIGN}" if facts["unsigned"] else ""
    if not facts["signed_at"]:
        return f"The recovery key has not signed which hosts belong to this network.{missing}"
    return f"Signed on {facts['signed_at'][:16].replace('T', ' ')} UTC: {', '.join(facts['hosts'])}.{missing}"


def _own_name(settings: Settings) -> str:
    from folkmoot.agent import own_name

    return own_name(settings)
