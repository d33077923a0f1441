"""A form that failed through no fault of its sender: on a full disk, after the end of the session, or because its page was
open for too long. The error page shows it, to be sent again.

A browser may also keep it in its history, but not after a restart, and not in every browser. Files cannot be shown again.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect

from folkmoot.base.errors import Problem
from folkmoot.http.params import File
from folkmoot.web.request import Request, address_of
from folkmoot.web.security import is_same_origin, names_own_page

_MOST_CHARACTERS = 200_000
_LONG = 60  # characters; a longer text was probably written by hand
_WRITTEN = frozenset(["text", "comment", "reason", "bio", "word", "message", "cover"])


class SentForm(NamedTuple):
    """`texts` are shown and can be changed; `hidden` are the other values. `has_files`: files must be chosen again."""

    action: str
    texts: list[tuple[str, str]]
    hidden: list[tuple[str, str]]
    has_files: bool


async def find_sent_form(request: Request, most_bytes: int | None = None) -> SentForm | None:
    """The form of this request. None if it contains a password, is very long, or was not sent from our own page.

    `most_bytes`: of a form that is not read yet, from somebody who is not logged in.
    """
    if request.scope["method"] != "POST" or not is_same_origin(dict(request.headers), request.context.settings.base_url):
        return None
    try:
        form = request.form if request.is_form_read else await request.read_form(most_bytes)
    except (Problem, ClientDisconnect, OSError):
        return None
    if not (_is_token_of_browser(request) or names_own_page(dict(request.headers), request.context.settings.base_url)):
        return None
    pairs = list(_flat(form.tree()))
    values = [(name, value) for name, value in pairs if isinstance(value, str)]
    if any("password" in name for name, _ in values) or sum(len(value) for _, value in values) > _MOST_CHARACTERS:
        return None
    texts = [(name, value) for name, value in values if value and _is_text(name, value)]
    hidden = [(name, value) for name, value in values if (name, value) not in texts and name != "form_token"]
    keeps_token = not request.signed_in and _is_token_of_browser(request)
    hidden.append(("form_token", form.text("form_token") if keeps_token else request.form_token()))
    return SentForm(address_of(request.scope), texts, hidden, has_files=any(isinstance(value, File) for _, value in pairs))


def _is_token_of_browser(request: Request) -> bool:
    """Without a database nobody is signed in, but the token is bound to the session that the browser still has."""
    cookies, token = request.shared.cookies, request.form.text("form_token")
    browsers = (request.cookies.get(cookies.session, ""), request.cookies.get(cookies.visit, ""))
    return any(browser and request.shared.tokens.is_valid(browser, token) for browser in browsers)


def _is_text(name: str, value: str) -> bool:
    return name in _WRITTEN or "\n" in value or (len(value) > _LONG and name not in ("form_token", "back"))


def _flat(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a tree of parameters with the names that they were sent with."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, f"{name}[{key}]" if name else key)
    elif isinstance(tree, list):
        for value in tree:
            yield from _flat(value, f"{name}[]")
    else:
        yield name, tree
