"""What notifications are about: senders and statuses, rendered from memory."""

from collections.abc import Collection, Sequence
from typing import cast

import msgspec

from folkmoot.api.account_shapes import Account
from folkmoot.api.request import Request
from folkmoot.api.status_fragments import Fragment
from folkmoot.api.status_shapes import Status
from folkmoot.network.accounts.model import AccountStamp
from folkmoot.network.accounts.queries import list_stamps
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.notifications.model import Line
from folkmoot.network.timelines.model import Entry
from folkmoot.network.timelines.queries import list_entries


class Notified:
    """The senders and statuses of the notifications of one request. Deleted accounts, and posts that the viewer may not see, are absent."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._statuses: dict[int, tuple[bytes, Fragment]] = {}
        self.senders: dict[int, Account] = {}

    async def add(self, sender_ids: Collection[int], post_ids: Collection[int | None]) -> None:
        """Two statements, and two more for what is not in memory; none for nothing."""
        async with self._request.database.read() as conn:
            stamps = await list_stamps(conn, list(sender_ids))
            entries = await list_entries(conn, [id_ for id_ in post_ids if id_], self._request.viewer.id)
        await self._render(list(stamps.values()), entries)

    async def add_of(self, lines: Sequence[Line]) -> None:
        """The same for notifications that know their senders: one statement less."""
        async with self._request.database.read() as conn:
            entries = await list_entries(conn, list({line.post_id for line in lines if line.post_id}), self._request.viewer.id)
        await self._render(list({line.sender.id: line.sender for line in lines}.values()), entries)

    async def _render(self, stamps: Sequence[AccountStamp], entries: Sequence[Entry]) -> None:
        self.senders |= await self._request.kept_accounts(stamps)
        self._statuses |= await self._request.statuses_by_id(entries)

    def has_post(self, post_id: int | None) -> bool:
        """Whether the post of a notification is here; also if it has none."""
        return post_id is None or post_id in self._statuses

    def status(self, post_id: int) -> Status:
        """Rendered already: the encoder copies its bytes."""
        return cast(Status, msgspec.Raw(self._statuses[post_id][0]))

    def is_hidden(self, post_id: int | None) -> bool:
        """By a filter of the viewer."""
        filters = self._request.filters
        if not filters or post_id not in self._statuses:
            return False
        shown = self._statuses[post_id][1]
        boost_id = post_id if post_id != shown.matter.post_id else None
        return filters.hides(FilterContext.NOTIFICATIONS, shown.matter, shown.author_id, boost_id)
