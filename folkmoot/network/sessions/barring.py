"""Asks at sign-up, and for a new e-mail address, whether an operator keeps it out."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import FieldError, Forbidden, Invalid
from folkmoot.network.barriers.model import AddressBarred, Severity, canonical_hash, parents_of, read_address
from folkmoot.network.barriers.queries import add_refusal, find_for_sign_up
from folkmoot.network.sessions.addresses import email_key

_PROVIDER = FieldError("email", "blocked", "Addresses of this mail provider cannot be used here. Please choose another one.")
_EMAIL = FieldError("email", "blocked", "This e-mail address cannot be used here.")


async def require_welcome(database: Database, email: str, address: str = "") -> bool:
    """Whether a sign-up with this e-mail from this IP address has to wait for approval.

    Counts what a block of a mail provider refuses. Raises Invalid for the e-mail, Forbidden for the IP address.
    """
    key = email_key(email)
    async with database.read() as conn:
        found = await find_for_sign_up(
            conn, parents_of(key.rpartition("@")[2]), canonical_hash(key), read_address(address), clock.now()
        )
    if found.severity is Severity.ACCESS:
        raise AddressBarred
    if found.severity is Severity.SIGN_UP:
        raise Forbidden("Nobody can sign up from your connection.")
    if found.domain_block_id:
        async with database.write() as tx:
            await add_refusal(tx, found.domain_block_id, clock.now().date())
        raise Invalid(_PROVIDER)
    if found.is_email_barred:
        raise Invalid(_EMAIL)
    return found.severity is Severity.APPROVAL
