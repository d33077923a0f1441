"""Accounts that pages name in lists, in memory by their version: a change raises it, so every process shows it at its next read."""

from collections import OrderedDict
from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.network.accounts.model import Account, AccountStamp
from folkmoot.network.accounts.queries import list_accounts

_MOST = 2_000


class KeptAccounts:
    """Those of one process; the least recently used are dropped. Their counts are those of the moment in which they were read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], Account] = OrderedDict()  # by id and version

    async def find(self, conn: ReadConn, stamps: Sequence[AccountStamp]) -> dict[int, Account]:
        """Accounts by id: from memory or, with one statement, from the database. Deleted ones are left out."""
        found: dict[int, Account] = {}
        for stamp in stamps:
            if account := self._kept.get(stamp[:2]):
                self._kept.move_to_end(stamp[:2])
                found[account.id] = account
        missing = list({stamp.id for stamp in stamps} - found.keys())
        for account in (await list_accounts(conn, missing)).values() if missing else ():
            found[account.id] = self._kept[account.stamp[:2]] = account
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found
