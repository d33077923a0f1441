"""Plain text to HTML: paragraphs, links, mentions and hashtags, in the form that clients of the fediverse expect.

`tokens.py` finds the tokens, and the text between them is escaped. Long URLs are shortened; the rest is in spans that
clients hide or replace by an ellipsis.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote, urlsplit

from folkmoot.base import text as texts
from folkmoot.base.tokens import Kind, Token, tokens_of

URL_COSTS = 23  # characters that a URL counts, whatever its length
_LONGEST_SHOWN = 30
MentionUrl = Callable[[str, str], str | None]


def count_characters(text: str) -> int:
    """The counted length of a text: a URL counts as 23, a mention without its host."""
    if "@" not in text and "://" not in text:
        return texts.count_characters(text)
    parts, done = [], 0
    for token in tokens_of(text):
        if token.kind is Kind.URL or token.domain:
            parts += [text[done : token.start], "x" * URL_COSTS if token.kind is Kind.URL else f"@{token.name}"]
            done = token.end
    return texts.count_characters("".join([*parts, text[done:]]))


def render(text: str, *, base_url: str, mention_url: MentionUrl | None = None) -> str:
    """HTML of a cleaned plain text. `mention_url(name, domain)` returns the URL of a known account, else None."""
    parts: list[str] = []
    for paragraph in re.split(r"\n{2,}", text):
        if paragraph.strip():
            parts.append("<p>" + "".join(_pieces(paragraph, base_url, mention_url)) + "</p>")
    return "".join(parts)


def without_mention(html: str, address: str) -> str:
    """The HTML with the mentions of the account at `address` as plain text."""
    href = re.escape(escape(address))
    link = rf'<span class="h-card" translate="no"><a href="{href}" class="u-url mention">@<span>([^<]*)</span></a></span>'
    return re.sub(link, r"@\1", html)


def _pieces(text: str, base_url: str, mention_url: MentionUrl | None) -> Iterator[str]:
    done = 0
    for token in tokens_of(text):
        if piece := _piece(text, token, base_url, mention_url):
            yield _escaped(text[done : token.start])
            yield piece
            done = token.end
    yield _escaped(text[done:])


def _piece(text: str, token: Token, base_url: str, mention_url: MentionUrl | None) -> str:
    """The HTML of a token; empty if it is shown as plain text."""
    name = escape(token.name)
    if token.kind is Kind.URL:
        return _link(token.name)
    if token.kind is Kind.HASHTAG:
        href = f"{base_url}/tags/{quote(token.name)}"
        return f'<a href="{escape(href)}" class="mention hashtag" rel="tag">{text[token.start]}<span>{name}</span></a>'
    address = mention_url(token.name, token.domain) if mention_url else None
    if not address:
        return ""
    return f'<span class="h-card" translate="no"><a href="{escape(address)}" class="u-url mention">@<span>{name}</span></a></span>'


def _link(url: str) -> str:
    """Always shows the whole host and allows nothing before it: the visible text must show where the link leads."""
    try:
        split = urlsplit(url)
    except ValueError:
        return _escaped(url)
    if not split.hostname or "@" in split.netloc:
        return _escaped(url)
    scheme, _, shown = url.partition("://")
    hidden = f"{scheme}://"
    if shown.startswith("www."):
        hidden, shown = hidden + "www.", shown[4:]
    cut = max(_LONGEST_SHOWN, len(shown) - len(shown.lstrip("/")) + len(split.netloc))
    visible, rest = shown[:cut], shown[cut:]
    kind = ' class="ellipsis"' if rest else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener noreferrer" translate="no">'
        f'<span class="invisible">{escape(hidden)}</span><span{kind}>{escape(visible)}</span>'
        f'<span class="invisible">{escape(rest)}</span></a>'
    )


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
