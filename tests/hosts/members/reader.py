"""A member who reads: the home timeline, again and again, on a connection of its own."""

import asyncio
import random
import time

from tests.hosts.members.client import Client, Lost
from tests.hosts.members.journal import BROKEN, Read

_AGAIN = 0.1  # seconds after a failed connection


class Reader:
    """Each attempt counts as a read, so that nothing hides a failure."""

    def __init__(self, number: int, client: Client, dice: random.Random) -> None:
        self.number = number
        self.reads: list[Read] = []
        self._client = client
        self._dice = dice

    async def read(self, seconds: float, ending: asyncio.Event) -> None:
        """Reads every `seconds` until the end."""
        due = time.monotonic() + self._dice.random() * seconds
        while not ending.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent_at = time.monotonic()
            try:
                status = (await self._client.request("GET", "/api/v1/timelines/home?limit=20")).status
            except Lost:
                status = BROKEN
                await asyncio.sleep(_AGAIN)
            self.reads.append(Read(self.number, sent_at, time.monotonic() - sent_at, status))
            due = max(due + seconds, time.monotonic())
        self._client.close()
