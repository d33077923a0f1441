"""Shared by backup, restore and drill: shows or asks for the recovery key, and records runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import click

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.hints import say
from folkmoot.commands.options import open_database, run
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.remembered import repository_in_use
from folkmoot.portability.offsite.target import Credentials, RepositoryProblem, Target, locate
from folkmoot.portability.queries import insert_run
from folkmoot.portability.recovery_key import RecoveryKey, WrongRecoveryKey
from folkmoot.portability.repository import Repository
from folkmoot.portability.restic import WrongRepositoryKey
from folkmoot.portability.runs import Run
from folkmoot.portability.secrets import offsite_password

NO_PASSWORD = "none"  # for a question whose answer needs no key
key_file_option = click.option(
    "--key-file", type=click.File(encoding="utf-8"), help="File with the recovery key, instead of typing it."
)  # opened at once: later this process may have given up the rights to read it


def target_of(location: str | None, settings: Settings, data: DataDirectory) -> Target:
    """The repository at `location`, else the one of the settings or the one used last. Raises RepositoryProblem."""
    wanted = location or repository_in_use(settings.offsite.repository, data)
    if not wanted:
        raise RepositoryProblem("This network has no repository yet. Name one: moot backup --to REPO")
    return locate(wanted, Credentials(settings.offsite.user, offsite_password(settings, data), data.path / "secrets"))


def location_of(location: str | None, target: Target) -> str:
    """What is remembered of a repository: a folder as an absolute path, another one as it was typed."""
    return target.shown if target.folder or not location else location


def ask(key_file: IO[str] | None, why: str) -> RecoveryKey:
    """The recovery key: from a file, from standard input, or typed without being shown."""
    if key_file:
        return RecoveryKey.read(key_file.read())
    if sys.stdin.isatty():
        click.echo(why, err=True)
        return RecoveryKey.read(click.prompt("The 24 words (they are not shown)", hide_input=True, err=True))
    text = sys.stdin.read()
    if not text.strip():
        raise Problem("%(why)s Type it at a terminal, or pass a file with --key-file.", why=why)
    return RecoveryKey.read(text)


def ask_if_at_hand(key_file: IO[str] | None, why: str, later: str) -> RecoveryKey | None:
    """The recovery key, if somebody has it at hand: from a file, or typed at a terminal. `later`: the command for another time."""
    if key_file:
        return RecoveryKey.read(key_file.read())
    if not sys.stdin.isatty():
        return None
    say(f"{why} If the words are not at hand, press Enter, and later run: {later}")
    while text := click.prompt("The 24 words (they are not shown)", default="", show_default=False, hide_input=True, err=True):
        try:
            return RecoveryKey.read(text)
        except WrongRecoveryKey as problem:
            click.echo(f"  {error_text(problem)}", err=True)
    return None


def require_own(recovery: RecoveryKey, data: DataDirectory) -> None:
    """Raises Problem unless this is the recovery key of the network."""
    key = BackupKey.find(data)
    if key is None:
        raise Problem("This network has no recovery key yet. The first backup makes one, and signs the roster too: moot backup --to REPO")
    if not key.belongs_to(recovery):
        raise WrongRecoveryKey("This is not the recovery key of this network. The right one was printed by the first backup.")


def text_of(recovery: RecoveryKey) -> str:
    """The numbered words, and how to store them."""
    words = [f"{number:2}. {word:10}" for number, word in enumerate(recovery.words, 1)]
    rows = "\n".join("    " + "".join(words[row::6]) for row in range(6))
    return (
        f"\n  The recovery key of this network. It is shown once, now.\n\n{rows}\n\n"
        "  Write the 24 words on paper, twice, and keep the papers in two places away from this host.\n"
        "  Anyone with the words and the repository can read everything. Without the words nobody can restore\n"
        "  the network after this host is lost.\n"
    )


def repository_and_authority(target: Target, data: DataDirectory, key_file: IO[str] | None) -> tuple[Repository, bytes]:
    """The repository, opened with the host key or the recovery key, and the public key that certifies signers."""
    key = BackupKey.find(data)
    if key and not key_file:
        return Repository(target, key.repository, is_host=True), key.authority
    recovery = ask(key_file, "This host has no key for the repository, so the recovery key is needed.")
    authority = recovery.authority.public_key().public_bytes_raw()
    return Repository(target, recovery.repository_password), authority


def wrong_key(target: Target) -> WrongRepositoryKey:
    return WrongRepositoryKey("This recovery key does not open the repository in %(where)s. It belongs to another network.", where=target)


@contextmanager
def record_failure(settings: Settings, kind: str, location: str) -> Iterator[None]:
    """Records a run that stops with an error as failed. Otherwise the last good run would look like the latest."""
    started_at, began = clock.now(), clock.monotonic()
    try:
        yield
    except click.Abort:  # Ctrl-C at the prompt for the recovery key
        raise
    except Exception as error:
        seconds = clock.monotonic() - began
        run(record_run(settings, Run(
            kind=kind, started_at=started_at, seconds=seconds, is_good=False, said=error_text(error), repository=location)))
        raise


async def record_run(settings: Settings, run: Run) -> None:
    """Records a run in the database. Only prints a message if the database does not answer."""
    try:
        async with open_database(settings) as database, database.write() as tx:
            await insert_run(tx, run)
    except Problem as problem:
        say(f"folkmoot: this run was not recorded: {error_text(problem)}")


def error_text(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.message % error.params if error.params else error.message
    lines = str(error).splitlines() or [""]  # further lines of a PostgreSQL error contain rows
    return f"{type(error).__name__}: {lines[0]}"
