"""Processes that run only while they are needed: for a second host, for copies elsewhere, and after a restore.

Each imports its code when it starts, so that the other processes do not load it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts import peers
from folkmoot.portability.moving.rejoin import find_order
from folkmoot.portability.offsite.coming import is_coming
from folkmoot.portability.offsite.remembered import REMEMBERED
from folkmoot.portability.postgres import Postgres

REJOIN = "rejoin"


@dataclass(frozen=True)
class OptionalProcess:
    is_needed: Callable[[], bool]
    run: Callable[[], None]


def optional_processes(settings: Settings, directory: DataDirectory, postgres: Postgres | None) -> dict[str, OptionalProcess]:
    """By name, in the order in which they start: a standby needs its agent first. `postgres`: of this supervisor, if it has one."""
    is_embedded = not settings.database.url
    host = Host(directory.path)

    def needs_agent() -> bool:
        """Whether this host has a peer or an open invitation."""
        return is_embedded and (directory.path / peers.FILE).exists()

    def needs_rejoin() -> bool:
        """Whether the database must become a standby of the new primary before it starts."""
        return postgres is not None and not postgres.is_running and find_order(directory) is not None

    def needs_offsite() -> bool:
        """Whether this host is the primary and has a repository that it can open."""
        has_repository = bool(settings.offsite.repository or directory.has_secret(REMEMBERED))
        return has_repository and directory.has_secret("backup-key") and host.role == PRIMARY

    def needs_pictures() -> bool:
        """Whether this network was restored and some of its pictures are still in the repository."""
        return is_embedded and is_coming(directory.path)

    def run_agent() -> None:
        from folkmoot.agent import run_agent

        run_agent(settings)

    def run_rejoin() -> None:
        from folkmoot.portability.moving.rejoining import run_rejoin

        run_rejoin(directory)

    def run_offsite() -> None:
        from folkmoot.commands.offsite import run_offsite

        run_offsite(settings)

    def run_pictures() -> None:
        from folkmoot.portability.offsite.pictures import run_pictures

        run_pictures(directory, settings.dsn)

    return {
        "agent": OptionalProcess(needs_agent, run_agent),
        REJOIN: OptionalProcess(needs_rejoin, run_rejoin),
        "offsite": OptionalProcess(needs_offsite, run_offsite),
        "pictures": OptionalProcess(needs_pictures, run_pictures),
    }
