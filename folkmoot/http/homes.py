"""The homes that a web process reads for apps: those that are asked for at the same moment share a statement."""

from collections.abc import Sequence

from folkmoot.base.db import Database
from folkmoot.base.paging import Page
from folkmoot.base.shared_reads import SharedReads
from folkmoot.network.timelines.model import Timeline
from folkmoot.network.timelines.queries import get_homes

Wanted = tuple[int, Page]  # a viewer and the page


class Homes:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reads: dict[str, SharedReads[Wanted, Timeline]] = {order: SharedReads(self._read) for order in ("ASC", "DESC")}

    async def get(self, viewer_id: int, page: Page) -> Timeline:
        return await self._reads[page.order].get((viewer_id, page))

    async def _read(self, wanted: Sequence[Wanted]) -> dict[Wanted, Timeline]:
        async with self._database.read() as conn:
            return dict(zip(wanted, await get_homes(conn, wanted), strict=True))
