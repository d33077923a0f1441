"""Blocking and unblocking other networks."""

from collections.abc import Iterable

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, Plural
from folkmoot.base.handles import domain_key, domain_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.domain_blocks import queries
from folkmoot.network.domain_blocks.model import MOST_DOMAINS, DomainBlocked

_TOO_MANY = Plural("You can block %(limit)d network.", "You can block %(limit)d networks.", "limit")


async def block_domains(tx: WriteTx, account: Account, texts: Iterable[str], own_domain: str) -> list[str]:
    """Blocks networks, all or none; those that are blocked stay. Follows of and by their accounts end soon after.

    Tells domain.blocked for each new one, and returns these. Raises Invalid for what is no domain, for this network itself, and for one
    too many.
    """
    domains = list(dict.fromkeys(require_domain(text) for text in texts))
    if domain_key(own_domain) in domains:
        raise Invalid(FieldError("domain", "inclusion", "This is the network that you are on."))
    await queries.lock_owner(tx, account.id)

    new = await queries.insert_domains(tx, account.id, domains)
    if await queries.count_domains(tx, account.id) > MOST_DOMAINS:
        raise Invalid(FieldError("domain", "too_many", _TOO_MANY, {"limit": MOST_DOMAINS}))

    tx.tell(*(DomainBlocked(account_id=account.id, domain=domain) for domain in new))
    return new


async def unblock_domain(tx: WriteTx, account: Account, text: str) -> None:
    """Ends a block, if there is one; follows are not restored. Raises Invalid for what is no domain."""
    await queries.delete_domain(tx, account.id, require_domain(text))


def require_domain(text: str) -> str:
    """The domain in a text: a name, an address of a page or a handle. Raises Invalid."""
    if not text.strip():
        raise Invalid(FieldError("domain", "blank", "Please write the name of a network."))
    domain = domain_of(text)
    if domain is None:
        raise Invalid(FieldError("domain", "invalid", "“%(text)s” is not the name of a network.", {"text": text.strip()[:80]}))
    return domain
