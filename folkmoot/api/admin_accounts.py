"""Mastodon's admin API: accounts. Each act is the one of the moderators' pages: a decision about a case, with a statement of reasons and
everything in the journal (decision 0117)."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api import admin_entities as entities
from folkmoot.api.account_entities import role_id
from folkmoot.api.admin_shapes import AdminAccount
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Cursors, Id, Parameters, UpTo200, about
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.members.actions import approve_member, read_member, read_members, refuse_member
from folkmoot.moderation.members.measures import Measure, lift_measures, propose_to_delete, restrict_account
from folkmoot.moderation.members.model import MemberFilter, Standing
from folkmoot.moderation.proposals.model import LONGEST_REASON
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.verdicts.model import LONGEST_EXPLANATION, MOST_DAYS
from folkmoot.network.sessions.approval import LONGEST_WORD
from folkmoot.network.sessions.model import Role

_STAFF = (Role.MODERATOR, Role.OPERATOR)
_MEASURES = {"none": Measure.WARN, "disable": Measure.FREEZE, "silence": Measure.LIMIT, "suspend": Measure.SUSPEND}
_NO_MEASURE = "There is no such measure here. The measures are none (a warning), silence, disable and suspend."


class _Wanted(Cursors, frozen=True, kw_only=True):
    username: Annotated[str, about("The beginning of the name.")] = ""
    display_name: Annotated[str, about("The beginning of the display name.")] = ""
    by_domain: Annotated[str, about("The network of accounts of other networks.")] = ""
    email: Annotated[str, about("The complete address. Operators only.")] = ""
    ip: Annotated[str, about("An address from which somebody is logged in. Operators only.")] = ""
    limit: UpTo200 = 100

    def filter(self, standing: Standing | None, *, is_local: bool | None, roles: tuple[Role, ...], inviter: int | None) -> MemberFilter:
        return MemberFilter(
            standing=standing, is_local=is_local, domain=self.by_domain, username=self.username.removeprefix("@"),
            display_name=self.display_name, email=self.email, address=self.ip, roles=roles, invited_by_id=inviter,
        )


class OldWantedAccounts(_Wanted, frozen=True, kw_only=True):
    """Of the states at most one; the first of them that is set counts."""

    local: bool = False
    remote: bool = False
    active: bool = False
    pending: bool = False
    disabled: bool = False
    silenced: bool = False
    suspended: bool = False
    staff: bool = False

    def wanted(self) -> MemberFilter:
        standing = next((one for one in Standing if getattr(self, one)), None)
        is_local = None if self.local == self.remote else self.local
        return self.filter(standing, is_local=is_local, roles=_STAFF if self.staff else (), inviter=None)


class WantedAccounts(_Wanted, frozen=True, kw_only=True):
    origin: Literal["local", "remote"] | None = None
    status: Literal["active", "pending", "disabled", "silenced", "suspended"] | None = None
    permissions: Annotated[Literal["staff"] | None, about("`staff`: moderators and operators.")] = None
    role_ids: Annotated[tuple[str, ...], about("The ids of roles, as `role.id` of an account.")] = ()
    invited_by: Annotated[Id | None, about("Who has invited them.")] = None

    def wanted(self) -> MemberFilter:
        roles = tuple(role for role in Role if role_id(role) in self.role_ids) if self.role_ids else _STAFF if self.permissions else ()
        return self.filter(
            Standing(self.status) if self.status else None, is_local=self.origin == "local" if self.origin else None, roles=roles,
            inviter=self.invited_by,
        )


class NewMeasure(Parameters, frozen=True, kw_only=True):
    """A decision about the open cases of the report or, without one, about the open case of the account. The author always gets a statement
    of reasons, so `send_email_notification` changes nothing."""

    type: Annotated[
        Literal["none", "silence", "disable", "suspend"],
        Meta(description="`none`: a warning. `silence`: limits the reach. `disable`: freezes the account. `suspend`: also removes the"
             " reported posts.", extra={"unknown": _NO_MEASURE}),
    ]
    report_id: Annotated[Id | None, about("The report that is answered.")] = None
    warning_preset_id: Annotated[Id | None, about("A ready sentence of the team, put before `text`.")] = None
    text: Annotated[str, about("To the author. Empty: the wording of the rule.", maxLength=LONGEST_EXPLANATION)] = ""
    days: Annotated[int, about("Of `silence` and `disable`, which always end.", minimum=1, maximum=MOST_DAYS)] = MOST_DAYS


class Lifting(Parameters, frozen=True, kw_only=True):
    text: Annotated[str, about("What was wrong with the measure, for the team.", maxLength=LONGEST_REASON)] = ""


class DeletionOfAccount(Parameters, frozen=True, kw_only=True):
    text: Annotated[str, about("Why, for the author. Empty: the words of the suspension.", maxLength=LONGEST_REASON)] = ""


class Refusal(Parameters, frozen=True, kw_only=True):
    text: Annotated[str, about("A word to the person, in the mail.", maxLength=LONGEST_WORD)] = ""


async def index(request: Request, params: WantedAccounts) -> Reply:
    """Accounts, the newest first."""
    return await _listed(request, params, params.wanted())


async def old_index(request: Request, params: OldWantedAccounts) -> Reply:
    """The same with the parameters of older apps."""
    return await _listed(request, params, params.wanted())


async def show(request: Request) -> Reply:
    """One account."""
    return await _show(request)


async def approve(request: Request) -> Reply:
    """Lets in somebody who waits for approval. They get a mail."""
    async with request.database.write() as tx:
        await approve_member(tx, request.viewer, request.id())
    return await _show(request)


async def reject(request: Request, params: Refusal) -> Reply:
    """Refuses somebody who waits for approval, and deletes what they sent. They get a mail."""
    before = entities.account(request, await read_member(request.database, request.viewer, request.id()))
    async with request.database.write() as tx:
        await refuse_member(tx, request.viewer, request.id(), params.text)
    return request.json(before)


async def act(request: Request, params: NewMeasure) -> Reply:
    """Answers reports with a measure on their author, under the rule that is suspected to be broken. 409 without an open case: who finds
    something reports it, and somebody else decides."""
    async with request.database.write() as tx:
        await restrict_account(
            tx, request.viewer, request.id(), _MEASURES[params.type], report_id=params.report_id, explanation=params.text,
            template_id=params.warning_preset_id, days=params.days,
        )
    return request.json(Nothing())


async def enable(request: Request, params: Lifting) -> Reply:
    """Ends the freezing of an account. 409 while an appeal decides about it."""
    return await _lift(request, params, Kind.FREEZE)


async def unsilence(request: Request, params: Lifting) -> Reply:
    """Ends the limit on an account's reach. 409 while an appeal decides about it."""
    return await _lift(request, params, Kind.LIMIT)


async def unsuspend(request: Request, params: Lifting) -> Reply:
    """Ends a suspension; posts that were removed with it come back. 409 while an appeal decides about it."""
    return await _lift(request, params, Kind.SUSPEND, Kind.DELETE)


async def delete(request: Request, params: DeletionOfAccount) -> Reply:
    """Proposes to delete a suspended account. Another moderator has to agree within a day; the account is deleted when nobody can appeal
    any more."""
    async with request.database.write() as tx:
        await propose_to_delete(tx, request.viewer, request.id(), params.text)
    return await _show(request)


async def _listed(request: Request, params: _Wanted, wanted: MemberFilter) -> Reply:
    found = await read_members(request.database, request.viewer, wanted, params.page_of(params.limit))
    return request.listed([(one.account.id, entities.account(request, one)) for one in found])


async def _lift(request: Request, params: Lifting, *kinds: Kind) -> Reply:
    translator = request.entities.translator(request.viewer.login.language)
    async with request.database.write() as tx:
        await lift_measures(tx, request.viewer, request.id(), kinds, params.text, translator)
    return await _show(request)


async def _show(request: Request) -> Reply:
    return request.json(entities.account(request, await read_member(request.database, request.viewer, request.id())))


_ONE = "/api/v1/admin/accounts/{id}"
_FAULTY = {"word": "text", "reason": "text", "explanation": "text"}
_READ: tuple[Access, str] = (Access.MODERATOR, "admin:read:accounts")
_WRITE: tuple[Access, str] = (Access.MODERATOR, "admin:write:accounts")
_OPERATE: tuple[Access, str] = (Access.OPERATOR, "admin:write:accounts")
ROUTES = [
    endpoint("GET", "/api/v2/admin/accounts", index, *_READ, params=WantedAccounts, answer=list[AdminAccount]),
    endpoint("GET", "/api/v1/admin/accounts", old_index, *_READ, params=OldWantedAccounts, answer=list[AdminAccount]),
    endpoint("GET", _ONE, show, *_READ, answer=AdminAccount),
    endpoint("DELETE", _ONE, delete, *_WRITE, params=DeletionOfAccount, answer=AdminAccount, may_conflict=True, faulty=_FAULTY),
    endpoint("POST", f"{_ONE}/approve", approve, *_OPERATE, answer=AdminAccount, may_conflict=True),
    endpoint("POST", f"{_ONE}/reject", reject, *_OPERATE, params=Refusal, answer=AdminAccount, faulty=_FAULTY),
    endpoint("POST", f"{_ONE}/action", act, *_WRITE, params=NewMeasure, answer=Nothing, may_conflict=True, faulty=_FAULTY),
    endpoint("POST", f"{_ONE}/enable", enable, *_WRITE, params=Lifting, answer=AdminAccount, may_conflict=True, faulty=_FAULTY),
    endpoint("POST", f"{_ONE}/unsilence", unsilence, *_WRITE, params=Lifting, answer=AdminAccount, may_conflict=True, faulty=_FAULTY),
    endpoint("POST", f"{_ONE}/unsuspend", unsuspend, *_WRITE, params=Lifting, answer=AdminAccount, may_conflict=True, faulty=_FAULTY),
]
