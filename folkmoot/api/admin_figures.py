"""Mastodon's admin API: measures, dimensions and retention of the network, from our own tables. Each key costs one or two statements.

As on Mastodon, a key that is not known is left out of the answer. So are the keys with nothing behind them: those of other servers
(`instance_accounts`, `instance_languages`, `instance_statuses`, …), because there is no federation yet.
"""

import platform
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Annotated

from msgspec import UNSET, Meta

from folkmoot import __version__
from folkmoot.api.admin_shapes import AdminCohort, AdminCohortDay, AdminDay, AdminDimension, AdminMeasure, AdminShare
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, UpTo200, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import FieldError, Invalid, Malformed
from folkmoot.base.languages import NAMES
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.reports.queries import count_opened, count_resolved
from folkmoot.network.activity import queries as activity
from folkmoot.network.activity.model import Cohort, Figure, Period, Share, start_of
from folkmoot.network.trends import queries as trends

_MOST_DAYS, _MOST_DAYS_OF_COHORTS, _MOST_DAYS_OF_MONTHS = 366, 92, 3 * 366
_FIRST_YEAR, _LAST_YEAR = 2006, 2074  # that ids can name
_UNITS = ("Bytes", "KB", "MB", "GB", "TB")


class WhichTag(Parameters, frozen=True, kw_only=True):
    id: Annotated[str, about("The id of a hashtag.")] = ""


class _Dated(Parameters, frozen=True, kw_only=True):
    start_at: Annotated[str, about("The first day, in UTC. A time of the day is ignored.")] = ""
    end_at: Annotated[str, about("The last day.")] = ""

    def period(self, most_days: int) -> Period:
        """Raises Malformed without both days, Invalid for what is no date, and for too many days."""
        for name in ("start_at", "end_at"):
            if not getattr(self, name).strip():
                raise Malformed("Validation failed: %(name)s can't be blank", name=name)
        found = Period(_date("start_at", self.start_at), _date("end_at", self.end_at))
        if not 0 < found.length <= most_days:
            raise Invalid(FieldError("end_at", "invalid", "The period is too long, or ends before it begins."))
        return found


class WantedMeasures(_Dated, frozen=True, kw_only=True):
    """For `tag_accounts`, `tag_uses` and `tag_servers` the parameter with the same name says which hashtag. At most 366 days."""

    keys: Annotated[tuple[str, ...], Meta(description=(
        "`active_users`, `new_users`, `interactions`, `opened_reports`, `resolved_reports`, `tag_accounts`, `tag_uses`, `tag_servers`."
        " Others are left out of the answer; so is `active_users` of a past period that is not 1, 7 or 30 days long, and what was not"
        " counted yet."
    ))] = ()
    tag_accounts: WhichTag | None = None
    tag_uses: WhichTag | None = None
    tag_servers: WhichTag | None = None


class WantedDimensions(_Dated, frozen=True, kw_only=True):
    """For `tag_servers` and `tag_languages` the parameter with the same name says which hashtag. At most 366 days."""

    keys: Annotated[tuple[str, ...], Meta(description=(
        "`languages` (of members who were last here in the period), `sources` (apps with which posts were written), `servers`,"
        " `space_usage`, `software_versions`, `tag_servers`, `tag_languages`. Others are left out of the answer."
    ))] = ()
    limit: UpTo200 = 10
    tag_servers: WhichTag | None = None
    tag_languages: WhichTag | None = None


class WantedRetention(_Dated, frozen=True, kw_only=True):
    """Without both days the list is empty. At most 92 days, or three years by months."""

    frequency: Annotated[str, about("`day` or `month`; any other word is `day`.")] = "day"


async def measures(request: Request, params: WantedMeasures) -> Reply:
    """How much was going on, by days. Members and interactions are counted every hour and on the day itself, so they are known from
    the first day of counting on. Hashtags count as in trends: public posts that nothing restricts."""
    found = []
    async with request.database.read() as conn:
        for key in dict.fromkeys(params.keys):
            if (one := await _measure(conn, key, params)) is not None:
                found.append(_measured(key, one))
    return request.json(found)


async def dimensions(request: Request, params: WantedDimensions) -> Reply:
    """What is most frequent, and what the network consists of."""
    found = []
    async with request.database.read() as conn:
        for key in dict.fromkeys(params.keys):
            if key in ("space_usage", "software_versions"):
                found.append(AdminDimension(key=key, data=await _machine(conn, key)))
            elif key in _SHARES:
                shares = await _shares(conn, key, params)
                found.append(AdminDimension(key=key, data=[_SHARES[key](one, request.context.settings.domain) for one in shares]))
    return request.json(found)


async def retention(request: Request, params: WantedRetention) -> Reply:
    """How many of those who signed up in a day or month were here in it, and in each later one, or after it."""
    if not (params.start_at.strip() and params.end_at.strip()):
        return request.json([])
    by_month = params.frequency == "month"
    period = params.period(_MOST_DAYS_OF_MONTHS if by_month else _MOST_DAYS_OF_COHORTS)
    async with request.database.read() as conn:
        cohorts = await activity.list_cohorts(conn, period, by_month=by_month)
    return request.json([
        AdminCohort(period=_day(day), frequency="month" if by_month else "day", data=[_stayed(one) for one in later])
        for day, later in groupby(cohorts, lambda one: one.signed_up_on)
    ])


async def _measure(conn: ReadConn, key: str, params: WantedMeasures) -> Figure | None:
    """None for a key that is not known, or of which nothing is known."""
    if key in ("tag_accounts", "tag_uses", "tag_servers"):
        tag = _tag(key, getattr(params, key))
        figures = await trends.count_tag(conn, tag, params.period(_MOST_DAYS))
        return {"tag_accounts": figures.accounts, "tag_uses": figures.uses, "tag_servers": figures.servers}[key]
    if key == "active_users":
        return await activity.find_active_members(conn, params.period(_MOST_DAYS), clock.now().astimezone(UTC).date())
    return await _MEASURES[key](conn, params.period(_MOST_DAYS)) if key in _MEASURES else None


_MEASURES: dict[str, Callable[[ReadConn, Period], Awaitable[Figure | None]]] = {
    "new_users": activity.count_sign_ups, "interactions": activity.find_interactions, "opened_reports": count_opened,
    "resolved_reports": count_resolved,
}


async def _shares(conn: ReadConn, key: str, params: WantedDimensions) -> Sequence[Share]:
    period, limit = params.period(_MOST_DAYS), params.limit
    if key == "tag_servers":
        return await trends.list_tag_servers(conn, _tag(key, params.tag_servers), period, limit)
    if key == "tag_languages":
        return await trends.list_tag_languages(conn, _tag(key, params.tag_languages), period, limit)
    listing = {"languages": activity.list_languages, "sources": activity.list_sources, "servers": activity.list_servers}[key]
    return await listing(conn, period, limit)


def _language(one: Share, _domain: str) -> AdminShare:
    return AdminShare(key=one.name or "und", human_key=NAMES.get(one.name, one.name or "und"), value=str(one.count))


def _source(one: Share, _domain: str) -> AdminShare:
    return AdminShare(key=one.name or "web", human_key=one.name or "Website", value=str(one.count))


def _server(one: Share, domain: str) -> AdminShare:
    return AdminShare(key=one.name or domain, human_key=one.name or domain, value=str(one.count))


_SHARES: dict[str, Callable[[Share, str], AdminShare]] = {
    "languages": _language, "sources": _source, "servers": _server, "tag_servers": _server, "tag_languages": _language,
}


async def _machine(conn: ReadConn, key: str) -> list[AdminShare]:
    database, files, version = await activity.measure_space(conn)
    if key == "space_usage":
        return [_space("postgresql", "PostgreSQL", database), _space("media", "Media storage", files)]
    parts = {"folkmoot": ("Folkmoot", __version__), "python": ("Python", platform.python_version()), "postgresql": ("PostgreSQL", version)}
    return [AdminShare(key=part, human_key=name, value=value, human_value=value) for part, (name, value) in parts.items()]


def _space(key: str, name: str, size: int) -> AdminShare:
    shown, unit = float(size), 0
    while shown >= 1024 and unit < len(_UNITS) - 1:
        shown, unit = shown / 1024, unit + 1
    return AdminShare(key=key, human_key=name, value=str(size), unit="bytes", human_value=f"{shown:.3g} {_UNITS[unit]}")


def _measured(key: str, one: Figure) -> AdminMeasure:
    return AdminMeasure(
        key=key, unit=None, total=str(one.total), previous_total=UNSET if one.previous is None else str(one.previous),
        data=[AdminDay(date=_day(day), value=str(count)) for day, count in one.days.items()],
    )


def _stayed(one: Cohort) -> AdminCohortDay:
    return AdminCohortDay(date=_day(one.began_on), rate=one.stayed / max(1, one.sign_ups), value=str(one.stayed))


def _tag(name: str, which: WhichTag | None) -> str:
    """The key of the hashtag that a parameter names. Raises Malformed without one."""
    if which is None or not which.id.strip():
        raise Malformed("Validation failed: %(name)s can't be blank", name=name)
    return hashtag_key(which.id.strip())


def _day(day: date) -> str:
    return moment(start_of(day))


def _date(name: str, text: str) -> date:
    try:
        found = datetime.fromisoformat(text.strip()).date()
    except ValueError:
        found = date.min
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise Invalid(FieldError(name, "invalid", "Invalid date supplied"))
    return found


_ACCESS = (Access.MODERATOR, "admin:read")
ROUTES = [
    endpoint("POST", "/api/v1/admin/measures", measures, *_ACCESS, params=WantedMeasures, answer=list[AdminMeasure]),
    endpoint("POST", "/api/v1/admin/dimensions", dimensions, *_ACCESS, params=WantedDimensions, answer=list[AdminDimension]),
    endpoint("POST", "/api/v1/admin/retention", retention, *_ACCESS, params=WantedRetention, answer=list[AdminCohort]),
]
