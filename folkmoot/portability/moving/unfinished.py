"""Work of a host that a move would break off or leave behind: pictures still to come, upgrades, backups, archives of members.

And what the new host could not go on with: the off-site copies.
"""

from collections.abc import Iterator

import msgspec

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.logical.swap import NEXT, find_swap
from folkmoot.portability.offsite.coming import FILE, read_coming, read_of_primary
from folkmoot.portability.offsite.going_on import why_copies_would_end, why_not_here
from folkmoot.portability.offsite.target import without_password
from folkmoot.portability.upgrade.journal import STARTED, Journal

_BROKEN_OFF = ("backup", "drill")  # by the move, as only a primary makes them


class Work(msgspec.Struct, frozen=True):
    """`found` and `mend` continue after the name of the host. `stops`: whether a move must wait for it."""

    name: str
    found: str
    mend: str
    stops: bool


def find_unfinished(directory: DataDirectory) -> list[Work]:
    """What this host has begun and not ended. Reads some small files."""
    found = list(_upgrades(directory))
    return [*found, *(_of_primary(directory) if Host(directory.path).role == PRIMARY else _of_standby(directory))]


def _upgrades(directory: DataDirectory) -> Iterator[Work]:
    if directory.is_running("upgrade"):
        yield Work("upgrade", "is being upgraded", "Wait until the upgrade has ended", True)
    elif find_swap(directory):
        yield Work("upgrade", "is about to exchange its database server", "Complete that there: moot upgrade --postgres", True)
    elif (directory.path / NEXT).exists():
        yield Work("upgrade", "has an unfinished copy of its database for another PostgreSQL",
                   f"It only takes space. Remove it there: rm -r {directory.path / NEXT}", False)
    elif (lines := list(Journal(directory).lines())) and lines[-1].outcome == STARTED:
        yield Work("upgrade", f"was not completely upgraded to {lines[-1].release}", "Complete it there: moot upgrade", False)


def _of_primary(directory: DataDirectory) -> Iterator[Work]:
    if coming := read_coming(directory.path):
        yield Work("pictures", f"still gets {coming.left_files} pictures from {without_password(coming.location)}",
                   "The new host goes on with that after the move", False)
    for work in _BROKEN_OFF:
        if directory.is_running(work):
            yield Work(work, f"is making a {work}", "The move would break it off. Wait until it has ended", False)
    if archives := sum(1 for _ in (directory.path / "exports").rglob("*.zip")):
        yield Work("archives", f"keeps {archives} archives that members have asked for", "They do not move: the new host writes them"
                   " again, and tells their members", False)


def _of_standby(directory: DataDirectory) -> Iterator[Work]:
    coming = read_of_primary(directory)
    if coming and (why := why_not_here(coming.location)):
        yield Work("pictures", f"could not go on with fetching pictures from {why}",
                   f"Wait until the primary has all of them: moot status. If that copy is lost for good, remove there {FILE}", True)
    if why := why_copies_would_end(directory):
        yield Work("off-site", f"could not go on with the copies in {why}",
                   "After the move nothing would be copied. Solve that there, or name another place then: moot backup --to REPO --new",
                   False)
