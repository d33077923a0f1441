"""Asks the public names of the network which host answers there.

The request goes through the guarded fetcher, so to public addresses and the ports 80 and 443 only. A network with another
address has no witness, and `moot names` says so.
"""

import asyncio
import re
from dataclasses import dataclass

from folkmoot.base.errors import Problem, Unavailable
from folkmoot.base.http_client import Connect, Refused, Resolve, Untrusted, fetch
from folkmoot.portability.backup_key import NotSigned
from folkmoot.portability.certificates.trust import own_trust
from folkmoot.portability.names.model import Statement
from folkmoot.portability.names.paths import RECORD_PATH
from folkmoot.portability.names.record import ReadRecord, Trusted, read_record, require_trusted

_OK = 200


@dataclass(frozen=True)
class Answer:
    """What one name answered. `why`: the reason if there is no verified statement; `is_refused`: this host does not ask there.

    `read`: the record of this network, whether its signatures are those of trusted hosts or not.
    """

    name: str
    statement: Statement | None
    why: str = ""
    is_refused: bool = False
    read: ReadRecord | None = None


async def ask_name(
    name: str, domain: str, trusted: Trusted, *, resolve: Resolve | None = None, connect: Connect | None = None
) -> Answer:
    """Asks one public address, such as https://moot.example.org. Never raises a Problem."""
    read = None
    try:
        found = await fetch(name + RECORD_PATH, accept="application/json", trust=own_trust(), resolve=resolve, connect=connect)
        if found.status != _OK:
            return Answer(name, None, f"it answers {found.status}")
        read = read_record(found.body)
        if read.statement.domain != domain:
            return Answer(name, None, f"another network answers, {read.statement.domain}")
        statement = require_trusted(read, trusted)
    except NotSigned as problem:
        return Answer(name, None, f"its record is not valid: {problem.message}", read=read)
    except Untrusted as problem:
        return Answer(name, None, f"its certificate is refused: {problem.why}")
    except Refused:
        return Answer(name, None, "it does not lead to a public address, so this host cannot ask there", is_refused=True)
    except Unavailable as problem:
        return Answer(name, None, _reason(problem))
    return Answer(name, statement, read=read)


async def ask_names(
    names: list[str], domain: str, trusted: Trusted, *, resolve: Resolve | None = None, connect: Connect | None = None
) -> list[Answer]:
    """Asks all names at the same time."""
    return await asyncio.gather(*(ask_name(name, domain, trusted, resolve=resolve, connect=connect) for name in names))


def _reason(problem: Problem) -> str:
    """The fetcher logs errors of the system as Python shows them: gaierror(-2, 'Name or service not known')."""
    why = re.sub(r"^\w+\((?:-?\d+, )?['\"](.*)['\"]\)$", r"\1", problem.log_text.rpartition(": ")[2])
    return f"it does not answer ({why[:1].lower()}{why[1:]})" if why else "it does not answer"
