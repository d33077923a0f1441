"""What a move should know of the names of the network: one line of its table. Nothing here stops a move.

Until a name leads to the new host, the old one passes requests on. But it must run until then, so a name that cannot be
changed soon matters to somebody whose old host will be switched off.
"""

import asyncio

from folkmoot.base.errors import Problem
from folkmoot.config import Settings
from folkmoot.portability.moving.plan import Level, Line
from folkmoot.portability.names.pointing import hosts_in_dns, log_in, look_up_all

_NAME = "names"


async def check_names(settings: Settings, new: str, addresses: list[str]) -> Line:
    """`new`, `addresses`: name and public addresses of the new host."""
    if not hosts_in_dns(settings):
        return Line(_NAME, "none of them is in DNS")
    found = await look_up_all(settings)
    known = ", ".join(one.host for one in found)
    if unknown := next((one for one in found if one.why), None):
        return _warning(f"{unknown.host}: {unknown.why}", "Mend this record where the name is registered, then run: moot names list")
    slow = max(found, key=lambda one: one.ttl or 0)
    if slow.ttl and slow.ttl > settings.names.ttl:
        return _warning(f"{slow.host}: others keep its address for {slow.ttl} s",
                        f"The old host must run for that long. Set the TTL of its records to {settings.names.ttl}, best a day before.")
    if not addresses:
        return _warning(f"{known}: the address of {new} is not known", f"Set names.addresses in the settings file of {new}.")
    if not settings.names.provider:
        return Line(_NAME, f"{known}: change them to {', '.join(addresses)} by hand after the move")
    try:
        await asyncio.to_thread(log_in, settings, found[0].host)
    except Problem as problem:
        return _warning(f"{known}: they cannot be changed at {settings.names.provider}",
                        f"{problem.message % problem.params if problem.params else problem.message}. Change them by hand after the move.")
    return Line(_NAME, f"{known}: changed at {settings.names.provider} by the move")


def _warning(found: str, mend: str) -> Line:
    return Line(_NAME, found, Level.WARNING, mend)
