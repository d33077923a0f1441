"""The step of a move, or of a failover, after which the public names lead to the new primary.

Nothing depends on it: until a name leads to the new host, the old one passes requests on. So what fails here is reported,
and never stops a move.
"""

import asyncio
from urllib.parse import urlsplit

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.names.lookup import resolve_with
from folkmoot.portability.names.paths import known_names
from folkmoot.portability.names.pointing import hosts_in_dns, look_up_all, plan, point
from folkmoot.portability.names.public import Answer, ask_names
from folkmoot.portability.names.record import trusted_by

_SPARE_SECONDS = 15.0  # beyond the time for which others keep the old address


class Repointing(msgspec.Struct, frozen=True):
    """What became of the names. `elsewhere`: those that do not lead to the new host yet, with the reason; `by_hand`: the changes
    of DNS records that are left to the operator."""

    changed: list[str] = []
    elsewhere: dict[str, str] = {}
    by_hand: list[str] = []
    why: str = ""

    @property
    def is_done(self) -> bool:
        return not self.elsewhere and not self.by_hand


class PublicNames:
    """The names of one network. `resolve` and `connect` are for tests."""

    def __init__(self, settings: Settings, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._settings = settings
        self._trusted = trusted_by(DataDirectory(settings.data))
        self._resolve, self._connect = resolve or resolve_with(settings.names.server), connect

    async def ask(self) -> list[Answer]:
        """What answers under each name that is in DNS, and under onion services nothing, since they move with their key."""
        in_dns = set(hosts_in_dns(self._settings))
        names = [name for name in known_names(self._settings) if urlsplit(name).hostname in in_dns]
        return await ask_names(names, self._settings.domain, self._trusted, resolve=self._resolve, connect=self._connect)

    async def repoint(self, host: str, epoch: int, addresses: list[str], seconds: float | None = None) -> Repointing:
        """Leads all names to the host with this id. Waits for `seconds`, by default as long as others may keep an old address."""
        if not hosts_in_dns(self._settings):
            return Repointing()
        changed, by_hand, why = await self._change(addresses)
        if seconds is None:
            seconds = self._settings.names.ttl + _SPARE_SECONDS if changed else 0.0
        elsewhere = await self.await_names(host, epoch, seconds)
        return Repointing(changed, elsewhere, by_hand, why)

    async def await_names(self, host: str, epoch: int, seconds: float) -> dict[str, str]:
        """Waits until all names lead to this host in this epoch; returns those that do not, each with what is found there."""
        deadline = clock.monotonic() + seconds
        while True:
            others = [answer for answer in await self.ask() if not _is(answer, host, epoch)]
            if all(answer.is_refused for answer in others) or clock.monotonic() > deadline:
                return {answer.name: _description(answer) for answer in others}
            await asyncio.sleep(1)

    async def _change(self, addresses: list[str]) -> tuple[list[str], list[str], str]:
        """(what was changed, what the operator has to change, why)."""
        if not addresses:
            return [], [], "The public address of the new host is not known. Set names.addresses there."
        why = ""
        if self._settings.names.provider:
            try:
                return [str(change) for change in await point(self._settings, addresses)], [], ""
            except Problem as problem:
                why = problem.message % problem.params if problem.params else problem.message
        return [], [str(change) for change in plan(await look_up_all(self._settings), addresses)], why


def _is(answer: Answer, host: str, epoch: int) -> bool:
    return answer.statement is not None and answer.statement.host == host and answer.statement.epoch >= epoch


def _description(answer: Answer) -> str:
    if answer.statement is None:
        return answer.why
    return f"another host answers, the {answer.statement.role} in epoch {answer.statement.epoch}"
