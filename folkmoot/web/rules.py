"""Pages of the rules: those in force, every other version at an address of its own, and what has changed."""

from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses import actions
from folkmoot.moderation.clauses.model import PublishedPolicy, Reaction, compare
from folkmoot.moderation.clauses.published import get_version, in_force, news_for, own, upcoming, version_before, versions
from folkmoot.moderation.clauses.queries import list_reactions
from folkmoot.web.request import Request

_USUAL = ("👍", "❤️", "🤔")
_SEEN_SECONDS = 400 * 86400


async def current(request: Request) -> Reply:
    """The rules in force; each has an anchor, `#rule-2`. Of a shipped version nothing is new to members."""
    return await _page(request, in_force(), with_changes=in_force() in own())


async def version(request: Request) -> Reply:
    """One version, also an earlier or coming one. Statements of reasons link to it."""
    return await _page(request, get_version(request.value("version")), with_changes=True)


async def index(request: Request) -> Reply:
    """All versions, newest first."""
    return await request.show("about/rules_versions.html", versions=versions()[::-1], shown=in_force())


async def seen(request: Request) -> Reply:
    """Stops showing the notice about this version in this browser."""
    chosen = get_version(request.value("version"))
    request.new_cookies.append(request.shared.cookies.set(request.shared.cookies.rules, chosen.version, _SEEN_SECONDS))
    return request.redirect("/")


async def react(request: Request) -> Reply:
    """Reacts to the announcement of this version with an emoji, or takes that back."""
    news, emoji = find_news(request), request.form.text("emoji")
    if news is None or news.version != request.value("version"):
        raise NotFound
    async with request.database.write() as tx:
        own = {one.emoji for one in await list_reactions(tx, news.version, request.viewer.id) if one.is_own}
        await (actions.take_reaction_back if emoji in own else actions.react)(tx, request.account, news, emoji)
    return request.redirect("/#rules-news")


async def reactions_to(request: Request, news: PublishedPolicy | None) -> list[Reaction]:
    """The reactions that the announcement shows: the usual ones, and others that apps have sent."""
    if news is None:
        return []
    async with request.database.read() as conn:
        found = await list_reactions(conn, news.version, request.viewer.id)
    return found + [Reaction(emoji, 0, is_own=False) for emoji in _USUAL if emoji not in {one.emoji for one in found}]


def find_news(request: Request) -> PublishedPolicy | None:
    """The newest version of this network that the viewer has not confirmed to have seen and did not join under."""
    newest = news_for(request.viewer.account.created_at)
    seen = request.cookies.get(request.shared.cookies.rules), request.viewer.login.preferences.seen_rules
    return None if newest is None or newest.version in seen else newest


async def _page(request: Request, shown: PublishedPolicy, *, with_changes: bool) -> Reply:
    before = version_before(shown.version) if with_changes else None
    force = in_force()
    changes = compare(before.policy, shown.policy) if before else {}
    dropped = [clause for clause in before.policy.clauses if clause.key in changes and not shown.policy.find(clause.key)] if before else []
    return await request.show(
        "about/rules.html", shown=shown, policy=shown.policy, force=force, before=before, changes=changes, dropped=dropped,
        coming=upcoming(), is_over=shown.version != force.version and shown.in_force_at <= clock.now(),
    )


ROUTES = [
    Route("GET", "/about/rules", current, Access.PUBLIC, for_suspended=True),
    Route("GET", "/rules", index, Access.PUBLIC, for_suspended=True),
    Route("GET", "/rules/{version}", version, Access.PUBLIC, for_suspended=True),
    Route("POST", "/rules/{version}/seen", seen, Access.MEMBER, for_suspended=True),
    Route("POST", "/rules/{version}/react", react, Access.MEMBER),
]
