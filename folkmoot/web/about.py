"""Pages about the network itself, and small files for browsers, crawlers and password managers."""

import msgspec

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.privacy.actions import shown_privacy_policy
from folkmoot.web.request import Request


async def about(request: Request) -> Reply:
    return await request.show("about/about.html")


async def contact(request: Request) -> Reply:
    """How authorities and members reach the network (DSA Art. 11 and 12)."""
    settings = request.context.settings
    return await request.show("about/contact.html", address=settings.notice_address, notices=settings.notices)


async def privacy(request: Request) -> Reply:
    """The privacy policy (Regulation (EU) 2016/679 Art. 13)."""
    async with request.database.read() as conn:
        sections, since, language = await shown_privacy_policy(conn, request.translator)
    return await request.show("about/privacy.html", sections=sections, since=since, written_in=language)


async def shortcuts(request: Request) -> Reply:
    return await request.show("about/shortcuts.html")


async def manifest(request: Request) -> Reply:
    """The web app manifest, which makes the site installable."""
    settings = request.context.settings
    icons = [
        {"src": f"/static/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512) for purpose in ("any", "maskable")
    ]
    answer = {
        "name": settings.network.name, "short_name": settings.network.name[:12], "description": settings.network.description,
        "id": "/", "start_url": "/", "scope": "/", "display": "standalone", "lang": request.language,
        "background_color": "#EDF0EB", "theme_color": "#12333F", "icons": icons,
        "shortcuts": [{"name": request.sentence("New post"), "url": "/posts/new"}],
    }
    return Reply(msgspec.json.encode(answer), media_type=b"application/manifest+json")


async def robots(request: Request) -> Reply:
    return Reply(b"User-agent: *\nDisallow: /posts/\nDisallow: /settings\nDisallow: /search\nDisallow: /oauth/\nDisallow: /notice/\n",
                 media_type=b"text/plain; charset=utf-8")


async def favicon(request: Request) -> Reply:
    return request.redirect("/static/favicon.svg")


async def change_password(request: Request) -> Reply:
    """For password managers (W3C: A Well-Known URL for Changing Passwords)."""
    return request.redirect("/settings/password")


ROUTES = [
    Route("GET", "/about", about, Access.PUBLIC, for_suspended=True),
    Route("GET", "/contact", contact, Access.PUBLIC, for_suspended=True),
    Route("GET", "/privacy", privacy, Access.PUBLIC, for_suspended=True),
    Route("GET", "/shortcuts", shortcuts, Access.PUBLIC, for_suspended=True),
    Route("GET", "/manifest", manifest, Access.PUBLIC, for_suspended=True),
    Route("GET", "/robots.txt", robots, Access.PUBLIC, for_suspended=True),
    Route("GET", "/favicon.ico", favicon, Access.PUBLIC, for_suspended=True),
    Route("GET", "/.well-known/change-password", change_password, Access.PUBLIC),
]
