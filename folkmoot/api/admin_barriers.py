"""Mastodon's admin API: blocked mail providers, addresses of people who were shown out, and IP networks. For operators; the same as the
page `/moderate/barriers`."""

from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal

from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Cursors, Parameters, UpTo200, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.members.barriers import (
    block_email,
    block_email_domain,
    block_network,
    change_network_block,
    hash_of_email,
    unblock_email,
    unblock_email_domain,
    unblock_network,
)
from folkmoot.network.barriers import queries
from folkmoot.network.barriers.model import LONGEST_COMMENT, LONGEST_TIME, EmailBlock, EmailDomainBlock, NetworkBlock

SeverityWord = Literal["sign_up_requires_approval", "sign_up_block", "no_access"]
_Seconds = Annotated[int | None, about("Seconds from now until it ends. 0: never.", minimum=0,
                                       maximum=int(LONGEST_TIME.total_seconds()))]


class PageOf100(Cursors, frozen=True, kw_only=True):
    limit: UpTo200 = 100


class NewEmailDomainBlock(Parameters, frozen=True, kw_only=True):
    domain: Annotated[str, about("The domain of the mail provider. Domains below it are blocked too.")]


class NewEmailBlock(Parameters, frozen=True, kw_only=True):
    """One of the two."""

    email: Annotated[str, about("The address. Only its hash is stored.")] = ""
    canonical_email_hash: Annotated[str, about("SHA-256 of the canonical address, in hexadecimal digits.")] = ""


class EmailToTest(Parameters, frozen=True, kw_only=True):
    email: str


class NewIpBlock(Parameters, frozen=True, kw_only=True):
    ip: Annotated[str, about("An address or a network, such as `192.0.2.0/24`.")]
    severity: Annotated[SeverityWord, about("What is kept out: sign-ups without approval, all sign-ups, or every request.")]
    comment: Annotated[str, about("For operators.", maxLength=LONGEST_COMMENT)] = ""
    expires_in: _Seconds = None


class IpBlockChanges(Parameters, frozen=True, kw_only=True):
    """Absent parameters change nothing."""

    ip: Annotated[str | None, about("An address or a network.")] = None
    severity: SeverityWord | None = None
    comment: Annotated[str | None, about("For operators.", maxLength=LONGEST_COMMENT)] = None
    expires_in: _Seconds = None


class RefusedSignUps(Shape, kw_only=True):
    """`day`: seconds since 1970. `accounts` and `uses` are both the number of sign-ups that were refused."""

    day: str
    accounts: str
    uses: str


class AdminEmailDomainBlock(Shape, kw_only=True):
    """`history`: the last seven days, the newest first."""

    id: Id
    domain: str
    created_at: Moment
    history: list[RefusedSignUps]


class AdminCanonicalEmailBlock(Shape, kw_only=True):
    id: Id
    canonical_email_hash: str


class AdminIpBlock(Shape, kw_only=True):
    id: Id
    ip: str
    severity: SeverityWord
    comment: str
    created_at: Moment
    expires_at: Moment | None


async def domains(request: Request, params: PageOf100) -> Reply:
    """Blocked mail providers, the newest first."""
    async with request.database.read() as conn:
        found = await queries.list_email_domains(conn, params.page_of(params.limit), clock.now().date())
    return request.listed([(one.id, _domain(one)) for one in found])


async def domain(request: Request) -> Reply:
    """One of them."""
    async with request.database.read() as conn:
        return request.json(_domain(await queries.get_email_domain(conn, request.id(), clock.now().date())))


async def add_domain(request: Request, params: NewEmailDomainBlock) -> Reply:
    """Blocks a mail provider: nobody can sign up with its addresses."""
    async with request.database.write() as tx:
        return request.json(_domain(await block_email_domain(tx, request.viewer, params.domain)))


async def remove_domain(request: Request) -> Reply:
    """Ends the block of a mail provider."""
    async with request.database.write() as tx:
        await unblock_email_domain(tx, request.viewer, request.id())
    return request.json(Nothing())


async def emails(request: Request, params: PageOf100) -> Reply:
    """Blocked addresses as hashes, the newest first."""
    async with request.database.read() as conn:
        found = await queries.list_emails(conn, params.page_of(params.limit))
    return request.listed([(one.id, _email(one)) for one in found])


async def email(request: Request) -> Reply:
    """One of them."""
    async with request.database.read() as conn:
        return request.json(_email(await queries.get_email(conn, request.id())))


async def test_email(request: Request, params: EmailToTest) -> Reply:
    """The block that an address meets, if there is one."""
    async with request.database.read() as conn:
        found = await queries.find_email(conn, hash_of_email(params.email))
    return request.json([_email(found)] if found else [])


async def add_email(request: Request, params: NewEmailBlock) -> Reply:
    """Blocks an address: its owner cannot sign up again, also not with other dots or what follows a plus sign."""
    async with request.database.write() as tx:
        return request.json(_email(await block_email(tx, request.viewer, params.email, params.canonical_email_hash)))


async def remove_email(request: Request) -> Reply:
    """Ends the block of an address."""
    async with request.database.write() as tx:
        await unblock_email(tx, request.viewer, request.id())
    return request.json(Nothing())


async def networks(request: Request, params: PageOf100) -> Reply:
    """Blocked IP networks, the newest first."""
    async with request.database.read() as conn:
        found = await queries.list_networks(conn, params.page_of(params.limit))
    return request.listed([(one.id, _network(one)) for one in found])


async def network(request: Request) -> Reply:
    """One of them."""
    async with request.database.read() as conn:
        return request.json(_network(await queries.get_network(conn, request.id())))


async def add_network(request: Request, params: NewIpBlock) -> Reply:
    """Blocks an IP address or network. 422 for one that would shut you out."""
    async with request.database.write() as tx:
        return request.json(_network(await block_network(
            tx, request.viewer, params.ip, params.severity, params.comment, params.expires_in, own_address=request.address
        )))


async def update_network(request: Request, params: IpBlockChanges) -> Reply:
    """Changes a block of an IP network."""
    async with request.database.write() as tx:
        return request.json(_network(await change_network_block(
            tx, request.viewer, request.id(), ip=params.ip, severity=params.severity, comment=params.comment, seconds=params.expires_in,
            own_address=request.address,
        )))


async def remove_network(request: Request) -> Reply:
    """Ends the block of an IP network."""
    async with request.database.write() as tx:
        await unblock_network(tx, request.viewer, request.id())
    return request.json(Nothing())


def _domain(one: EmailDomainBlock) -> AdminEmailDomainBlock:
    days = [(f"{datetime.combine(day, time(), UTC).timestamp():.0f}", str(times)) for day, times in one.refused]
    return AdminEmailDomainBlock(
        id=str(one.id), domain=one.domain, created_at=moment(one.created_at),
        history=[RefusedSignUps(day=day, accounts=times, uses=times) for day, times in days],
    )


def _email(one: EmailBlock) -> AdminCanonicalEmailBlock:
    return AdminCanonicalEmailBlock(id=str(one.id), canonical_email_hash=one.email_hash.hex())


def _network(one: NetworkBlock) -> AdminIpBlock:
    return AdminIpBlock(
        id=str(one.id), ip=str(one.network), severity=one.severity.value, comment=one.comment, created_at=moment(one.created_at),
        expires_at=moment(one.expires_at) if one.expires_at else None,
    )


def _access(noun: str) -> tuple[tuple[Access, str], tuple[Access, str]]:
    return (Access.OPERATOR, f"admin:read:{noun}"), (Access.OPERATOR, f"admin:write:{noun}")


_BASE = "/api/v1/admin"
_READ_DOMAINS, _WRITE_DOMAINS = _access("email_domain_blocks")
_READ_EMAILS, _WRITE_EMAILS = _access("canonical_email_blocks")
_READ_NETWORKS, _WRITE_NETWORKS = _access("ip_blocks")
_CHANGED: dict[str, Any] = {"params": IpBlockChanges, "answer": AdminIpBlock}
ROUTES = [
    endpoint("GET", f"{_BASE}/email_domain_blocks", domains, *_READ_DOMAINS, params=PageOf100, answer=list[AdminEmailDomainBlock]),
    endpoint("POST", f"{_BASE}/email_domain_blocks", add_domain, *_WRITE_DOMAINS, params=NewEmailDomainBlock, answer=AdminEmailDomainBlock),
    endpoint("GET", f"{_BASE}/email_domain_blocks/{{id}}", domain, *_READ_DOMAINS, answer=AdminEmailDomainBlock),
    endpoint("DELETE", f"{_BASE}/email_domain_blocks/{{id}}", remove_domain, *_WRITE_DOMAINS, answer=Nothing),
    endpoint("GET", f"{_BASE}/canonical_email_blocks", emails, *_READ_EMAILS, params=PageOf100, answer=list[AdminCanonicalEmailBlock]),
    endpoint("POST", f"{_BASE}/canonical_email_blocks", add_email, *_WRITE_EMAILS, params=NewEmailBlock, answer=AdminCanonicalEmailBlock),
    endpoint("POST", f"{_BASE}/canonical_email_blocks/test", test_email, *_READ_EMAILS, params=EmailToTest,
             answer=list[AdminCanonicalEmailBlock]),
    endpoint("GET", f"{_BASE}/canonical_email_blocks/{{id}}", email, *_READ_EMAILS, answer=AdminCanonicalEmailBlock),
    endpoint("DELETE", f"{_BASE}/canonical_email_blocks/{{id}}", remove_email, *_WRITE_EMAILS, answer=Nothing),
    endpoint("GET", f"{_BASE}/ip_blocks", networks, *_READ_NETWORKS, params=PageOf100, answer=list[AdminIpBlock]),
    endpoint("POST", f"{_BASE}/ip_blocks", add_network, *_WRITE_NETWORKS, params=NewIpBlock, answer=AdminIpBlock),
    endpoint("GET", f"{_BASE}/ip_blocks/{{id}}", network, *_READ_NETWORKS, answer=AdminIpBlock),
    endpoint("PUT", f"{_BASE}/ip_blocks/{{id}}", update_network, *_WRITE_NETWORKS, **_CHANGED),
    endpoint("PATCH", f"{_BASE}/ip_blocks/{{id}}", update_network, *_WRITE_NETWORKS, **_CHANGED),
    endpoint("DELETE", f"{_BASE}/ip_blocks/{{id}}", remove_network, *_WRITE_NETWORKS, answer=Nothing),
]
