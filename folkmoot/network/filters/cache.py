"""The compiled filters of members, cached in each process by their version.

The version comes with the viewer (`Viewer.filters_version`), whose cache every change of filters drops, so a page needs no
statement to know that its filters are current. The caches are limited by the size of what they hold.
"""

from collections import OrderedDict

from folkmoot.base.db import Database, ReadConn
from folkmoot.network.filters import queries
from folkmoot.network.filters.matching import FilterSet
from folkmoot.network.sessions.model import Viewer

_LARGEST = 100_000  # nodes in all, about 25 MB; the filters of a member with 30 words take about 350


class FilterSets:
    """The cached filters of one process."""

    def __init__(self, database: Database, largest: int = _LARGEST) -> None:
        self._database = database
        self._largest = largest
        self._sets: OrderedDict[int, FilterSet] = OrderedDict()
        self._size = 0

    async def of_viewer(self, viewer: Viewer | None) -> FilterSet | None:
        return await self.of(viewer.id, viewer.filters_version) if viewer and viewer.filters_version else None

    async def of(self, account_id: int, version: int) -> FilterSet | None:
        """The member's filters in this version or a later one; None without filters."""
        found = self._sets.get(account_id)
        if found is None or found.version < version:
            async with self._database.read() as conn:
                found = await load_filters(conn, account_id)
            self._keep(found)
        self._sets.move_to_end(account_id)
        return found or None

    def _keep(self, filters: FilterSet) -> None:
        before = self._sets.pop(filters.owner_id, None)
        self._size += filters.size - (before.size if before else 0)
        self._sets[filters.owner_id] = filters
        while self._size > self._largest and len(self._sets) > 1:
            _, dropped = self._sets.popitem(last=False)
            self._size -= dropped.size


async def load_filters(conn: ReadConn, account_id: int) -> FilterSet:
    """The filters of a member, compiled. Two statements: the version first, so that a set is never older than it says."""
    version = await queries.find_version(conn, account_id)
    return FilterSet(account_id, version, await queries.list_filters(conn, account_id) if version else [])
