"""Rings for operators' programs: groups of jurors whose answers look arranged, as on the page `/moderate/rings`. Not part of the Mastodon
API."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.juries.actions import rings
from folkmoot.moderation.juries.queries.rings import FoundRing
from folkmoot.moderation.jury.model import About, Answer

_About = Literal["all", "camp", "neither"]


class RingOfJurors(Shape, kw_only=True):
    """Jurors who answer alike more often than their own care and their camps explain, without names."""

    id: Id
    found_at: Moment
    confirmed_at: Annotated[Moment, Meta(description="When a search has found them last.")]
    evidence: Annotated[float, Meta(description="Nats of the likelihood ratio beyond the threshold.")]
    about: Annotated[_About, Meta(description="In the cases of which authors it shows: of all, of one of the camps, or of neither.")]
    cases: Annotated[int, Meta(description="Of these authors, in how many at least two of them sat.")]
    members: int
    active: Annotated[int, Meta(description="How many of them can be called at present.")]


class MemberOfRing(Shape, kw_only=True):
    id: Id
    acct: str
    signed_up_at: Moment
    state: Annotated[str | None, Meta(description="Of the juror; null for somebody who left long ago.")]


class SharedCase(Shape, kw_only=True):
    """`answers`: `breach` or `harmless` by the id of the account."""

    id: Id
    decided: Annotated[Literal["breach", "harmless"] | None, Meta(description="Null if nothing was decided.")]
    answers: dict[str, str]


class RingWithEvidence(Shape, kw_only=True):
    """`bonds`: pairs of members who follow each other, or signed up together."""

    ring: RingOfJurors
    people: list[MemberOfRing]
    shared: Annotated[list[SharedCase], Meta(description="The newest cases, up to 100.")]
    bonds: list[list[str]]


async def index(request: Request) -> Reply:
    """Groups of jurors whose answers look arranged, without names."""
    async with request.database.read() as conn:
        found = await rings.list_rings(conn, request.viewer)
    return request.json([_ring(one) for one in found])


async def show(request: Request) -> Reply:
    """Names the members of a group, and shows what they answered. The journal records who has looked."""
    async with request.database.write() as tx:
        found = await rings.open_ring(tx, request.viewer, request.id())
    return request.json(RingWithEvidence(
        ring=_ring(found.ring), bonds=[[str(one), str(other)] for one, other in found.bonds],
        people=[
            MemberOfRing(id=str(one.account_id), acct=one.acct, signed_up_at=moment(one.signed_up_at), state=one.state)
            for one in found.members
        ],
        shared=[
            SharedCase(
                id=str(one.case_id), decided=None if one.is_breach is None else "breach" if one.is_breach else "harmless",
                answers={str(account_id): "breach" if said is Answer.BREACH else "harmless" for account_id, said in one.said.items()},
            )
            for one in found.shared
        ],
    ))


_ABOUT: dict[About, _About] = {
    About.ALL: "all", About.ONE: "camp", About.TWO: "camp", About.NEITHER: "neither",  # the names of the camps mean nothing
}


def _ring(one: FoundRing) -> RingOfJurors:
    return RingOfJurors(
        id=str(one.id), found_at=moment(one.found_at), confirmed_at=moment(one.confirmed_at), evidence=one.evidence,
        about=_ABOUT[one.about], cases=one.cases, members=one.members, active=one.active,
    )


_RINGS = "/api/folkmoot/v1/moderation/rings"
ROUTES = [
    endpoint("GET", _RINGS, index, Access.OPERATOR, "admin:read:reports", answer=list[RingOfJurors]),
    endpoint("POST", f"{_RINGS}/{{id}}", show, Access.OPERATOR, "admin:write:reports", answer=RingWithEvidence),
]
