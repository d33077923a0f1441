"""`moot host rotate`: exchanges what a host that was removed still knows, and says what only others can exchange."""

import sys
from pathlib import Path
from typing import IO, Any

import click

from folkmoot.commands.options import data_option, json_option, leave_root, open_database, run, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import ask_if_at_hand, error_text, key_file_option, require_own, target_of
from folkmoot.commands.this_host import require_primary, settings_of_host, show_host
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.model import HTTPS, REPLICATION, REPOSITORY, Exposure, Secret, Way
from folkmoot.portability.exposure.record import accept, find_exposure, outstanding, require_exposure

COMMAND = "moot host rotate"


@click.command()
@click.option("--accept", "accepts", is_flag=True, help="You have wiped that host, or trust whoever has it: ask no more. This is noted.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Print what that host still knows, and change nothing.")
@key_file_option
@data_option
@json_option
def rotate(accepts: bool, yes: bool, dry_run: bool, key_file: IO[str] | None, data: Path, as_json: bool) -> None:
    """Exchange the secrets that a host which was removed still knows: of the database, the off-site copies and the certificate.

    Members stay logged in; apps that wake their members with notifications must log in again. What only a provider can exchange is
    listed, until it has changed.
    """
    settings, directory = settings_of_host(data), DataDirectory(data)
    exposure = require_exposure(directory)
    if accepts:
        if not dry_run:
            accept(directory)
        text = f"{'Nothing was done' if dry_run else 'Noted'}. What {exposure.host} knows stays as it is."
        show({"accepted": not dry_run, "dry_run": dry_run}, as_json, text)
        return
    if dry_run:
        _show(settings, directory, exposure, {}, 0, as_json, "Nothing was done. ")
        return
    require_primary(settings, COMMAND)
    if not yes and sys.stdin.isatty():
        show_host(settings)
        click.confirm(f"Exchange what {exposure.host} knows? For some seconds nobody reaches the network over HTTPS", abort=True, err=True)
    revoked = run(_revoke_tokens(settings, exposure))
    failed = _exchange(settings, directory, key_file, as_json)
    _show(settings, directory, exposure, failed, revoked, as_json)
    if failed:
        sys.exit(1)


async def _revoke_tokens(settings: Settings, exposure: Exposure) -> int:
    from folkmoot.network.web_push.actions import revoke_sealed_tokens

    async with open_database(settings) as database, database.write() as tx:
        return await revoke_sealed_tokens(tx, exposure.removed_at)


def _exchange(settings: Settings, directory: DataDirectory, key_file: IO[str] | None, as_json: bool) -> dict[str, str]:
    """Exchanges what can be; returns why something could not, by its name."""
    from folkmoot.base.errors import Problem
    from folkmoot.portability.exposure.passwords import exchange_replication_password, order_new_password
    from folkmoot.portability.exposure.repository import exchange_key
    from folkmoot.portability.install.machine import Machine
    from folkmoot.portability.install.new_certificate import can_order, order_certificate

    left, failed, machine = {secret.name for secret in outstanding(settings, directory)}, dict[str, str](), Machine()
    if REPLICATION in left:
        run(exchange_replication_password(directory, settings.dsn))
    order_new_password(directory)
    with show_progress(as_json) as progress:
        if HTTPS in left and can_order(machine):
            try:
                order_certificate(machine, directory, settings.domain.partition(":")[0], progress)
            except Problem as problem:
                failed[HTTPS] = error_text(problem)
    if REPOSITORY in left:
        recovery = ask_if_at_hand(key_file, "Exchange the key of the off-site copies with the recovery key.", COMMAND)
        if recovery:
            require_own(recovery, directory)
            try:
                target = target_of(None, settings, directory)
                if directory.owner:
                    leave_root(directory.owner, "")
                exchange_key(target, directory, recovery)
            except Problem as problem:
                failed[REPOSITORY] = error_text(problem)
    return failed


def _show(
    settings: Settings, directory: DataDirectory, exposure: Exposure, failed: dict[str, str], revoked: int, as_json: bool, before: str = ""
) -> None:
    from folkmoot.portability.exposure.record import unchanged

    known = unchanged(settings, directory)
    exchanged = sorted(exposure.known.keys() - {secret.name for secret in known})
    answer: dict[str, Any] = {
        "host": exposure.host, "removed_at": exposure.removed_at.isoformat(), "exchanged": exchanged,
        "known": [{"name": secret.name, "exchanged": secret.way, "allows": secret.allows, "how": secret.how} for secret in known],
        "failed": failed, "revoked_tokens": revoked,
    }
    lines = [f"{before}{exposure.host} was removed on {exposure.removed_at:%Y-%m-%d %H:%M} UTC."]
    if exchanged:
        lines.append(f"  exchanged  {', '.join(exchanged)}")
    if revoked:
        lines.append(f"  revoked    {revoked} tokens of apps with notifications, which that host could read; these apps must log in again")
    lines += [f"  FAILED     {name}: {why}" for name, why in failed.items()]
    for secret in known:
        lines += [f"  {'stays' if secret.way is Way.NEVER else 'KNOWN':10} {secret.name}: it can {secret.allows}", f"{'':13}{_how(secret)}"]
    lines.append(
        "It also has all that members wrote until then, but nothing to log in with: passwords, sessions and tokens are stored as hashes;"
        f" the tokens of apps with notifications, which it could read, {'are revoked by this command' if before else 'are revoked'}."
    )
    show(answer, as_json, "\n".join(lines))


def _how(secret: Secret) -> str:
    return secret.how if secret.way in (Way.BY_OPERATOR, Way.NEVER) else f"exchanged {secret.way}{f': {secret.how}' if secret.how else ''}"


def exposed_text(settings: Settings, directory: DataDirectory) -> str:
    """After a removal: how much is still known, and the command that goes on; "" if nothing is."""
    left, exposure = outstanding(settings, directory), find_exposure(directory)
    if not left or exposure is None:
        return ""
    names = ", ".join(secret.name for secret in left)
    return f"{exposure.host} still knows secrets of this network ({names}). Unless it is wiped, or you trust whoever has it, run: {COMMAND}"
