"""Shared by backup, restore and drill: shows or asks for the recovery key, and records runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.options import open_database, run
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.queries import insert_run
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository, WrongRepositoryKey
from folkmoot.portability.runs import Run

key_file_option = click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the recovery key, instead of typing it."
)


def ask(key_file: Path | None, why: str) -> RecoveryKey:
    """The recovery key: from a file, from standard input, or typed without being shown."""
    if key_file:
        return RecoveryKey.read(key_file.read_text("utf-8"))
    if sys.stdin.isatty():
        click.echo(why, err=True)
        return RecoveryKey.read(click.prompt("The 24 words (they are not shown)", hide_input=True, err=True))
    text = sys.stdin.read()
    if not text.strip():
        raise Problem("%(why)s Type it at a terminal, or pass a file with --key-file.", why=why)
    return RecoveryKey.read(text)


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


def repository_and_authority(folder: Path, data: DataDirectory, key_file: Path | None) -> tuple[Repository, bytes]:
    """The repository, opened with the host key or the recovery key, and the public key that certifies signers."""
    key = BackupKey.find(data)
    if key and not key_file:
        return Repository(folder, key.repository, is_host=True), key.authority
    recovery = ask(key_file, "This host has no key for the repository, so the recovery key is needed.")
    authority = recovery.authority.public_key().public_bytes_raw()
    return Repository(folder, recovery.repository_password), authority


def wrong_key(folder: Path) -> WrongRepositoryKey:
    return WrongRepositoryKey("This recovery key does not open the repository in %(folder)s. It belongs to another network.", folder=folder)


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
        click.echo(f"folkmoot: this run was not recorded: {error_text(problem)}", err=True)


def error_text(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.message % error.params if error.params else error.message
    lines = str(error).splitlines() or [""]  # further lines of a PostgreSQL error contain rows
    return f"{type(error).__name__}: {lines[0]}"
