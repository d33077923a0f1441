"""A request for a page, as handlers receive it, and the replies that they return."""

import gzip
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers

from folkmoot.base import clock, i18n
from folkmoot.base.db import Database
from folkmoot.base.errors import FieldError, Forbidden, Invalid, NotFound, Problem, TooMany, Unavailable, WritesPaused
from folkmoot.base.ids import parse_id
from folkmoot.base.paging import Page
from folkmoot.http.bodies import from_body, from_query
from folkmoot.http.params import LenientParams, Params
from folkmoot.http.replies import HTML, Reply, redirect
from folkmoot.http.replies import Headers as HeaderList
from folkmoot.http.routing import Route
from folkmoot.moderation.cases.queries import count_waiting as count_waiting_cases
from folkmoot.network.accounts.model import Account
from folkmoot.network.attention.model import Waiting
from folkmoot.network.attention.queries import count_waiting
from folkmoot.network.filters.matching import FilterSet, apply_filters, is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.notifications.queries import list_unread_on_pages
from folkmoot.network.posts.model import Marks, PostCounts, PostView, QuoteView
from folkmoot.network.posts.showing import Shown
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.timelines.model import Entry
from folkmoot.web.page_context import PageContext
from folkmoot.web.security import content_policy

PAGE_SIZE = 20
KEEPING_FORM = (Invalid, Forbidden, TooMany, WritesPaused, Unavailable)  # problems after which a form with a text comes back
_MIN_GZIP_BYTES = 1000
_LONGEST_PATH = 32_000  # the address of the page for apps has a `state` of up to 4,000 characters, each encoded as up to six
_ENTRANCES = ("/log_in", "/sign_up")
_MOST_CASES = 10  # nobody is shown how many cases there are: more are "9+"


class Request:
    """One request. `signed_in` is None without a session."""

    def __init__(
        self, scope: Any, receive: Any, route: Route, values: dict[str, str], shared: PageContext, cookies: dict[str, str], *,
        has_page: bool,
    ) -> None:
        self.scope = scope
        self._receive = receive
        self.route = route
        self._values = values
        self.shared = shared
        self.context = shared.context
        self.signed_in: Viewer | None = None
        self.filters: FilterSet | None = None  # the viewer's
        self.cookies = cookies
        self.headers = Headers(scope=scope)
        self.query: Params = LenientParams()
        self.form: Params = LenientParams()
        self.new_cookies: HeaderList = []
        self.too_many: TooMany | None = None  # on a route that keeps its form: the request is over a limit
        self.refusal: Problem | None = None  # the reason why a form comes back, unless its values are invalid
        self._visit = cookies.get(shared.cookies.visit, "")
        self.is_form_read = False
        self.is_open_page = False  # whether the reply is the same for all visitors (open_pages.py); then it has no form token
        self.shown: Shown | None = None
        self._has_page = has_page

    # -- viewer and client -----------------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def viewer(self) -> Viewer:
        """The viewer on a route for members, where the application has checked the session."""
        assert self.signed_in is not None
        return self.signed_in

    @property
    def account(self) -> Account:
        return self.viewer.account

    @property
    def viewer_id(self) -> int | None:
        return self.signed_in.id if self.signed_in else None

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def language(self) -> str:
        """That of the parameter `lang`, else that which was chosen, or that the browser accepts."""
        if asked := i18n.asked_for(self.scope["query_string"]):
            return asked
        if self.signed_in and self.signed_in.login.language in i18n.LANGUAGES:
            return self.signed_in.login.language
        chosen = self.cookies.get(self.shared.cookies.language, "")
        return chosen if chosen in i18n.LANGUAGES else i18n.choose(
            self.headers.get("accept-language", ""), self.context.settings.network.language
        )

    @property
    def translator(self) -> i18n.Translator:
        return self.shared.templates.translators[self.language]

    @property
    def wants_part(self) -> bool:
        """Whether our script requests only a part of the page, to replace the old part."""
        return self.headers.get("x-folkmoot-part") == "1"

    @property
    def takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "")

    @property
    def browser(self) -> str:
        """What form tokens are bound to: the session, otherwise the visit."""
        return self.cookies.get(self.shared.cookies.session, "") if self.signed_in else self._visit

    @property
    def here(self) -> str:
        """The address of this page, with its query. For an answer to a form: of the page that the form was sent from."""
        own = address_of(self.scope) if self._has_page else "/"
        return own if self.scope["method"] in ("GET", "HEAD") else self._came_from or own

    @property
    def next_query(self) -> str:
        """The query for links to the pages that log in or sign up: they lead back here, or where this page would lead."""
        where = local_path(self.query.text("next")) if self.scope["path"] in _ENTRANCES else self.here
        return f"?{urlencode({'next': where})}" if where not in ("", "/") else ""

    @property
    def _came_from(self) -> str:
        return local_path(self.form.text("back") or _path_of(self.headers.get("referer", "")))

    def form_token(self) -> str:
        if not self.signed_in and not self._visit:
            self._visit = clock.token(18)
            self.new_cookies.append(self.shared.cookies.set(self.shared.cookies.visit, self._visit, 86400))
        return self.shared.tokens.make(self.browser)

    def read_query(self) -> None:
        self.query = LenientParams(from_query(self.scope["query_string"]).tree())

    async def read_form(self, most: int | None = None) -> Params:
        """Reads the body. `most`: its size in bytes, if it is not that of the route."""
        self.is_form_read = True  # also if it cannot be read: the body is used up
        most = most or self.route.most_bytes
        if most is None:
            most = self.context.settings.media.max_form_bytes
        self.form = LenientParams((await from_body(self._receive, self.headers, most)).tree())
        return self.form

    def require_allowance(self, field: str = "") -> None:
        """Refuses a request over a limit, on a route that keeps its form, before anything is changed.

        Raises Invalid for `field`, so that the form comes back as with any other error; without a field, TooMany.
        """
        if self.too_many and field:
            raise Invalid(FieldError(field, "too_many", TooMany.message))
        if self.too_many:
            raise self.too_many

    def over_limit(self, problem: TooMany) -> str:
        """The sentence for a form that is refused with 429. The reply then has `Retry-After`."""
        self.refusal = problem
        return self.sentence(problem.message, **problem.params)

    def spend_upload(self) -> None:
        """Counts a picture that came with a form. Raises Invalid, so that the form comes back."""
        if self.context.limits.spend("media", self.viewer.id).is_spent:
            raise Invalid(FieldError("file", "too_many", TooMany.message))

    def id(self, name: str = "id") -> int:
        value = parse_id(self._values[name])
        if value is None:
            raise NotFound
        return value

    def value(self, name: str) -> str:
        return self._values[name]

    def page(self) -> Page:
        return Page(limit=PAGE_SIZE, max_id=self.query.cursor("before"), min_id=self.query.cursor("after"))

    # -- posts -----------------------------------------------------------------------------------------------------

    async def views(self, entries: Sequence[Entry], context: FilterContext) -> list[PostView]:
        """The posts of a timeline, as the viewer's filters show them there. They count as shown."""
        views = await self.chosen_views(entries)
        self.context.impressions.add(self.viewer_id, [view.shown.id for view in views])
        return apply_filters(self.filters, context, views)

    async def chosen_views(self, entries: Sequence[Entry]) -> list[PostView]:
        """The posts of entries, without the viewer's filters. They come from memory unless they have changed."""
        found = await self.shared.posts.gather(self.database, entries)
        quoting = [entry.shown_id for entry, shown, _ in found if shown.quote]
        quotes = await self.shared.posts.gather_quotes(self.database, quoting, self.viewer_id)
        return [
            PostView(
                post=boost or shown,
                boosted=shown if boost else None,
                counts=PostCounts.seen_with(entry.replies, entry.boosts, entry.favourites, entry.quotes, entry.bits),
                marks=Marks(entry.bits, tuple(entry.choices or ())),
                quote=QuoteView.of(*quotes[entry.shown_id]) if entry.shown_id in quotes else None,
            )
            for entry, shown, boost in found
        ]

    def note_shown(self, views: Sequence[PostView], accounts: Sequence[Account] = (), *, kept_for: float) -> None:
        """Lets an open page be kept for so many seconds, as long as these posts and accounts do not change."""
        if self.is_open_page:
            self.shown = Shown.of(views, accounts, kept_for)

    # -- replies ---------------------------------------------------------------------------------------------------

    def sentence(self, message: str, **params: object) -> str:
        return self.translator.sentence(message, params)

    async def show(self, template: str, status: int = 200, /, *, form_targets: str = "", **values: Any) -> Reply:
        """Renders a page. One statement counts what waits for the viewer, for the header; for moderators another one, the cases."""
        waiting, cases = Waiting(), 0
        if self.signed_in and not isinstance(self.refusal, Unavailable):
            async with self.database.read() as conn:
                waiting = await count_waiting(conn, self.signed_in.id)
                if self.signed_in.login.role.includes(Role.MODERATOR):
                    cases = await count_waiting_cases(conn, clock.now(), self.signed_in.id, _MOST_CASES)
            waiting = await self.without_hidden(waiting)
        return self.render(template, status, form_targets=form_targets, waiting=waiting, waiting_cases=cases, **values)

    async def without_hidden(self, waiting: Waiting) -> Waiting:
        """The counts without notices that the viewer's filters hide: one statement, only if there are both."""
        if not waiting.notices or not self.filters or not self.filters.hides_in(FilterContext.NOTIFICATIONS):
            return waiting
        async with self.database.read() as conn:
            keys = await list_unread_on_pages(conn, self.viewer.id, waiting.notices)
        entries = [Entry(key[0], key[2], *key, 0, 0, 0, 0, 0, None, True) for key in keys]
        posts = [shown for _, shown, _ in await self.shared.posts.gather(self.database, entries)]
        hidden = sum(is_hidden(self.filters, FilterContext.NOTIFICATIONS, PostView(post=post)) for post in posts)
        return waiting.without_notices(hidden)

    def render(self, template: str, status: int = 200, /, *, form_targets: str = "", waiting: Waiting = Waiting(),
               waiting_cases: int = 0, **values: Any) -> Reply:
        text = self.shared.templates.render(
            self.language, template, request=self, viewer=self.signed_in, waiting=waiting,
            form_token="" if self.is_open_page else self.form_token(),
            waiting_cases=waiting_cases, path=self.scope["path"], now=clock.now(), **values,
        )
        policy = content_policy(self.context.settings.media.base_url, form_targets) if form_targets else self.shared.policy
        return self.html(text, status, [(b"content-security-policy", policy)])

    def html(self, text: str, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> Reply:
        body = text.encode()
        extra = [*headers, (b"vary", b"Accept-Encoding, Cookie, Accept-Language")]
        if len(body) > _MIN_GZIP_BYTES and self.takes_gzip:
            body = gzip.compress(body, 4, mtime=0)
            extra.append((b"content-encoding", b"gzip"))
        return Reply(body, status, HTML, extra)

    def redirect(self, where: str) -> Reply:
        return redirect(where)

    def back(self, default: str = "/", *, without: str = "") -> Reply:
        """Redirects to the page that the form was sent from, or to `default` if its path contains `without`."""
        path = self._came_from
        return redirect(default if not path or (without and without in path) else path)

    def problems(self, problem: Problem, field: str = "") -> dict[str, str]:
        """Translated error sentences by field, for the form. Any problem but Invalid is shown at `field`, and gives the reply
        its status."""
        if not isinstance(problem, Invalid):
            self.refusal = problem
            return {field: self.translator.sentence(problem.message, dict(problem.params))}
        found: dict[str, str] = {}
        for error in problem.errors:
            found.setdefault(error.field, self.translator.sentence(error.message, dict(error.params)))
        return found


def local_path(path: str) -> str:
    """The path if it is on this site, otherwise empty: a form must not redirect to another site."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not any(ord(character) < 33 for character in path)
    return path if is_ours and len(path) < _LONGEST_PATH else ""


def address_of(scope: Any) -> str:
    """Path and query of a request, encoded as it was sent."""
    path: str = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return path + (f"?{query}" if query else "")


def _path_of(url: str) -> str:
    try:
        split = urlsplit(url)
    except ValueError:
        return ""
    return split.path + (f"?{split.query}" if split.query else "")
