"""`moot upgrade --postgres`: moves the database of this host to another major version of PostgreSQL."""

from collections.abc import Callable

from folkmoot.base import clock
from folkmoot.commands.options import leave_root, run, show, start_command
from folkmoot.commands.progress import show_progress
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.logical.copy import LogicalProblem
from folkmoot.portability.logical.move import LogicalMove, find_version, remove_rest
from folkmoot.portability.logical.swap import find_swap
from folkmoot.portability.postgres_binaries import find_binaries_of, runnable_by
from folkmoot.portability.program import restart_from_readable_copy
from folkmoot.portability.synchronous import Mode


def upgrade_postgres(
    settings: Settings, directory: DataDirectory, major: int, confirm: Callable[[str], None], *, is_dry: bool, as_json: bool
) -> None:
    """Raises Problem with one sentence if it is impossible."""
    old, binaries = _require(settings, directory), find_binaries_of(major)
    if old == major and not find_swap(directory):
        if not is_dry:
            with directory.exclusively("upgrade"):  # an earlier run was killed at its end
                remove_rest(directory)
        show({"from": old, "to": major, "moved": False}, as_json, f"The database is PostgreSQL {major} already.")
        return
    text = f"  from       PostgreSQL {old}\n  to         PostgreSQL {major}; the old folder is kept"
    if is_dry:
        show({"from": old, "to": major, "dry_run": True}, as_json, f"Nothing was done.\n{text}")
        return
    why_not = restart_from_readable_copy(directory.owner) if directory.owner else ""
    binaries = runnable_by(directory.owner, binaries)
    confirm(text)
    if directory.owner:
        leave_root(directory.owner, why_not)
    with directory.exclusively("upgrade"), show_progress(as_json) as progress:
        move = LogicalMove(directory, settings.dsn, old, binaries, progress)
        moved = run(move.run())
        pause = None if move.held_at is None else round(clock.monotonic() - move.held_at, 1)
    answer = {"from": old, "to": major, "moved": True, "tables": moved.tables, "rows": moved.rows, "pause": pause}
    show(answer, as_json, f"The database is PostgreSQL {major} now.\n  compared   {moved.tables} tables with {moved.rows} rows: equal\n"
                          f"  pause      {'ended in an earlier run' if pause is None else f'{pause} s'}\n"
                          f"  way back   moot upgrade --postgres {old}")


def _require(settings: Settings, directory: DataDirectory) -> int:
    """The version that the database has now. Raises LogicalProblem."""
    if settings.database.url:
        raise LogicalProblem("With database.url, the server is yours: move it with its own tools (pg_upgrade, or a dump).")
    if not directory.is_in_use():
        raise LogicalProblem("The network in %(data)s does not run. Start it, then run the command again: %(start)s", data=directory.path,
                             start=start_command(directory.path))
    if Host(directory.path).role != PRIMARY:
        raise LogicalProblem("This host is not the primary. Run the command on the primary.")
    if Peers(directory).list():
        is_waited_for = settings.replication.synchronous == Mode.ALL.value
        raise LogicalProblem(
            "The standby cannot follow the log of another version. With two hosts the way is a move:%(first)s on the standby, with its"
            " network stopped, moot standby --again --logical; then moot move; then on this host, stopped as well, moot standby --again",
            first=" here moot host release --for 60, so that no write waits meanwhile; then" if is_waited_for else "",
        )
    return find_version(directory)
