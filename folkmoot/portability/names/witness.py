"""The public name as the witness: a primary asks there whether another host has taken its place.

A primary whose link to the other host is cut does not learn of a failover through it. But members reach the new primary
under the public name, and so does this host: a valid record with a higher epoch ends its writing at once. No answer
proves nothing, so nothing happens then.
"""

import asyncio
import logging
from collections.abc import Callable

from folkmoot.base.errors import Problem
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.names.lookup import resolve_with
from folkmoot.portability.names.model import Statement
from folkmoot.portability.names.paths import known_names
from folkmoot.portability.names.public import ask_names
from folkmoot.portability.names.record import newest, trusted_by

_log = logging.getLogger(__name__)
EVERY = 60.0  # seconds


async def ask_public_name(
    settings: Settings, *, resolve: Resolve | None = None, connect: Connect | None = None
) -> Statement | None:
    """The verified statement with the highest epoch under any public name of the network. None if no name answers with one.

    It takes five seconds at most.
    """
    trusted, resolve = trusted_by(DataDirectory(settings.data)), resolve or resolve_with(settings.names.server)
    answers = await ask_names(known_names(settings), settings.domain, trusted, resolve=resolve, connect=connect)
    return newest(answer.statement for answer in answers if answer.statement)


class Witness:
    """Asks at the start and every minute, as long as this host is a primary. `learn` is given each higher epoch."""

    def __init__(
        self, settings: Settings, learn: Callable[[int], None], resolve: Resolve | None = None, connect: Connect | None = None
    ) -> None:
        self._settings = settings
        self._learn = learn
        self._host = Host(settings.data)
        self._resolve, self._connect = resolve, connect

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.ask()
            except (Problem, OSError) as error:
                _log.warning("The public name could not be asked: %s", error)
            await asyncio.sleep(EVERY)

    async def ask(self) -> None:
        if self._host.role != PRIMARY:
            return
        seen = await ask_public_name(self._settings, resolve=self._resolve, connect=self._connect)
        if seen and self._host.role == PRIMARY and seen.epoch > self._host.epoch:
            _log.warning("Under the public name, a host in epoch %d answers. This host is in epoch %d.", seen.epoch, self._host.epoch)
            self._learn(seen.epoch)
