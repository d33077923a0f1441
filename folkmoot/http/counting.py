"""Counts requests against the limits of `base/limits.py`, for HTML pages and the client API alike.

All requests count against the limits of the account and of the token, or of the address. A route may name one more. An
exact limit costs a statement, so it is counted only after admission.
"""

from folkmoot.base.limits import TABLE, Allowance, address_key
from folkmoot.http.admission import Caller
from folkmoot.http.context import Context
from folkmoot.http.routing import Route
from folkmoot.network.sessions import limits


def count_request(context: Context, route: Route | None, caller: Caller, address: str) -> Allowance:
    """The allowance to report to the caller: a spent one, else the one of the route, else the one with the least left."""
    viewer, holder = caller
    owner = _owner(caller, address)
    uses: tuple[tuple[str, object], ...] = (("account" if viewer else "address", owner),)
    if viewer and holder:
        uses += (("token", holder.token_id),)
    has_own = bool(route and route.limit and not TABLE[route.limit].is_exact)
    if route and has_own:
        uses += ((route.limit, owner),)
    found = context.limits.spend_all(owner, uses)
    closest = min(found, key=_remaining)
    return found[-1] if has_own and not closest.is_spent else closest


async def count_exactly(context: Context, route: Route, caller: Caller, address: str) -> Allowance | None:
    """The allowance of a route whose limit is exact; None for other routes."""
    if not route.limit or not TABLE[route.limit].is_exact:
        return None
    return await limits.count(context.database, route.limit, str(_owner(caller, address)), context.settings.limits.multiplier)


def _owner(caller: Caller, address: str) -> int | str:
    return caller.viewer.id if caller.viewer else address_key(address)


def _remaining(allowance: Allowance) -> int:
    return allowance.remaining
