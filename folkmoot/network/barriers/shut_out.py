"""Which IP networks get no answer, in the memory of each web process.

A change is published, and all processes read the blocks again at their next request; if that message is lost, after ten seconds.
"""

import logging
from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Problem
from folkmoot.network.barriers.model import BARRIERS_TOPIC, read_address
from folkmoot.network.barriers.queries import list_shut_out

log = logging.getLogger(__name__)
_SECONDS = 10.0


class ShutOut:
    """The blocked networks of one process, by the number of their leading bits, so that an address is looked up and not compared."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._networks: dict[tuple[int, int], dict[int, datetime | None]] = {}  # (version, host bits) -> {leading bits: expires_at}
        self._fresh_until = 0.0
        database.live.subscribe(BARRIERS_TOPIC, self._forget)

    async def contains(self, address: str) -> bool:
        """Whether requests from this address are not answered. While the database cannot be read, by what was read last."""
        if clock.monotonic() >= self._fresh_until:
            await self._refresh()
        if not self._networks or not (found := read_address(address)):
            return False
        value, now = int(found), clock.now()
        for (version, host_bits), blocks in self._networks.items():
            prefix = value >> host_bits
            if version == found.version and prefix in blocks:
                expires_at = blocks[prefix]
                if expires_at is None or now < expires_at:
                    return True
        return False

    async def _refresh(self) -> None:
        self._fresh_until = clock.monotonic() + _SECONDS  # before the query: other requests do not read them again meanwhile
        try:
            async with self._database.read() as conn:
                blocks = await list_shut_out(conn)
        except Problem as problem:
            log.warning("blocked networks could not be read: %s", problem.log_text or problem.code)
            return
        networks: dict[tuple[int, int], dict[int, datetime | None]] = {}
        for block in blocks:
            host_bits = block.network.max_prefixlen - block.network.prefixlen
            prefix = int(block.network.network_address) >> host_bits
            networks.setdefault((block.network.version, host_bits), {})[prefix] = block.expires_at
        self._networks = networks

    def _forget(self, _body: bytes) -> None:
        self._fresh_until = 0.0
