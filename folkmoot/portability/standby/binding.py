"""The two messages by which a primary binds itself to its standby, and is released again (decision 0077)."""

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import STANDBY, Host
from folkmoot.portability.hosts.messages import Ask, Handler
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.standby.model import Nothing
from folkmoot.portability.synchronous import Bound, note_bound

BIND, RELEASE = "standby.bind", "standby.release"


class BindingProblem(Problem):
    """This host does not take part in a promise, or the other one does not end it."""

    code = "binding"


class PromiseOver(BindingProblem):
    """A promise that has been released since."""

    code = "promise_over"
    message = "That promise is over."


class Promise(msgspec.Struct, frozen=True):
    """Of a primary with this id: with BIND, it acknowledges no write without this standby; with RELEASE, it does again."""

    by: str
    number: int


async def release(ask: Ask, promise: Promise) -> None:
    """Asks the standby to rely on the promise no longer. Raises Problem if it does not answer, or does not agree."""
    await ask(RELEASE, promise, Nothing)


def handlers_of(directory: DataDirectory) -> list[Handler]:
    """What a standby answers."""
    host, peers = Host(directory.path), Peers(directory)

    def note(promise: Promise, *, holds: bool) -> Nothing:
        state = host.state
        if state.role != STANDBY or peers.find(promise.by) is None:
            raise BindingProblem("This host is not the standby of that one.")
        if not note_bound(directory, Bound(peer=promise.by, number=promise.number, epoch=state.epoch, holds=holds)):
            raise PromiseOver
        return Nothing()

    async def bind(promise: Promise) -> Nothing:
        return note(promise, holds=True)

    async def end(promise: Promise) -> Nothing:
        return note(promise, holds=False)

    return [Handler(BIND, Promise, bind), Handler(RELEASE, Promise, end)]
