"""Plain text to HTML: paragraphs, links, mentions and hashtags, shaped as clients of the fediverse expect it.

Linear in the length of the text: one pattern finds what may be a link, a mention or a hashtag, and everything between
is escaped. Long addresses are shown short, with the rest in spans that clients hide or mark with an ellipsis.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote, urlsplit

from folkmoot.base.text import fold

URL_COSTS = 23  # characters, whatever its length
_LONGEST_SHOWN = 30

_TOKEN = re.compile(
    r"""
    (?P<url>\bhttps?://[^\s<>"\u201c\u201d\u201e]+)
    | (?<![\w/@.])@(?P<name>\w+(?:[\w.-]*\w)?)(?:@(?P<domain>[\w-]+(?:\.[\w-]+)*(?::\d+)?))?
    | (?<![\w/&\#])\#(?P<hashtag>\w+(?:[·]\w+)*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TRAILING = ".,:;!?'\"*_~…"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def hashtags_of(text: str) -> list[str]:
    """The hashtags of a text as written, each once, in order. Numbers alone are no hashtags."""
    found: dict[str, str] = {}
    for match in _tokens(text):
        name = match["hashtag"]
        if name and is_hashtag(name):
            found.setdefault(hashtag_key(name), name)
    return list(found.values())


def is_hashtag(name: str) -> bool:
    return not name.replace("_", "").replace("·", "").isdigit() and bool(name.strip("_·")) and len(name) <= 100


def hashtag_key(name: str) -> str:
    """What two spellings of one hashtag have in common."""
    return fold(name)


def mentions_of(text: str) -> list[tuple[str, str]]:
    """(name, domain) of everybody that a text mentions, lower case, each once; the domain is empty for this network."""
    found = {(match["name"].lower(), (match["domain"] or "").lower()): None for match in _tokens(text) if match["name"]}
    return list(found)


def count_characters(text: str) -> int:
    """How long a text counts: an address as 23, a mention without its host."""
    length = len(text)
    for match in _tokens(text):
        if match["url"]:
            length += URL_COSTS - len(_trimmed(match["url"]))
        elif match["domain"]:
            length -= len(match["domain"]) + 1
    return length


def render(text: str, *, base_url: str, mention_url: Callable[[str, str], str | None] | None = None) -> str:
    """HTML of a cleaned plain text. `mention_url(name, domain)` gives the address of a known account, else None."""
    parts: list[str] = []
    for paragraph in re.split(r"\n{2,}", text):
        if paragraph.strip():
            parts.append("<p>" + "".join(_pieces(paragraph, base_url, mention_url)) + "</p>")
    return "".join(parts)


def _pieces(text: str, base_url: str, mention_url: Callable[[str, str], str | None] | None) -> Iterator[str]:
    done = 0
    for match in _tokens(text):
        piece, end = _token(match, base_url, mention_url)
        if piece:
            yield _escaped(text[done : match.start()])
            yield piece
            done = end
    yield _escaped(text[done:])


def _token(match: re.Match[str], base_url: str, mention_url: Callable[[str, str], str | None] | None) -> tuple[str, int]:
    """The HTML of a token and where it ends; no HTML if it turns out to be text."""
    if match["url"]:
        url = _trimmed(match["url"])
        return _link(url), match.start() + len(url)
    if match["hashtag"]:
        name = match["hashtag"]
        if not is_hashtag(name):
            return "", 0
        href = f"{base_url}/tags/{quote(name)}"
        return f'<a href="{escape(href)}" class="mention hashtag" rel="tag">#<span>{escape(name)}</span></a>', match.end()
    address = mention_url(match["name"].lower(), (match["domain"] or "").lower()) if mention_url else None
    if not address:
        return "", 0
    return (
        f'<span class="h-card" translate="no"><a href="{escape(address)}" class="u-url mention">'
        f'@<span>{escape(match["name"])}</span></a></span>'
    ), match.end()


def _link(url: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        return _escaped(url)
    scheme, _, shown = url.partition("://")
    hidden = f"{scheme}://"
    if shown.startswith("www."):
        hidden, shown = hidden + "www.", shown[4:]
    visible, rest = shown[:_LONGEST_SHOWN], shown[_LONGEST_SHOWN:]
    kind = ' class="ellipsis"' if rest else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener noreferrer" translate="no">'
        f'<span class="invisible">{escape(hidden)}</span><span{kind}>{escape(visible)}</span>'
        f'<span class="invisible">{escape(rest)}</span></a>'
    )


def _trimmed(url: str) -> str:
    """Without the punctuation that ends a sentence, and without a bracket that was opened before the address."""
    while url:
        last = url[-1]
        if last in _TRAILING or (last in _BRACKETS and url.count(last) > url.count(_BRACKETS[last])):
            url = url[:-1]
        else:
            break
    return url


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
