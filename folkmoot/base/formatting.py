"""Plain text to HTML: paragraphs, links, mentions and hashtags, in the form that clients of the fediverse expect.

Linear in the length of the text: one pattern finds possible links, mentions and hashtags, and the text between them is
escaped. Long URLs are shortened; the rest is in spans that clients hide or replace by an ellipsis.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote, urlsplit

from folkmoot.base.text import fold

URL_COSTS = 23  # characters that a URL counts, whatever its length
LONGEST_HASHTAG = 100
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
    """The hashtags of a text as written, each once, in order. Numbers alone are not hashtags."""
    found: dict[str, str] = {}
    for match in _tokens(text):
        name = match["hashtag"]
        if name and is_hashtag(name):
            found.setdefault(hashtag_key(name), name)
    return list(found.values())


def is_hashtag(name: str) -> bool:
    if name.replace("_", "").replace("·", "").isdigit() or not name.strip("_·") or len(name) > LONGEST_HASHTAG:
        return False
    key = hashtag_key(name)  # some letters fold into several, or into spaces
    return 0 < len(key) <= LONGEST_HASHTAG and not re.search(r"\s", key)


def hashtag_key(name: str) -> str:
    """The same for all spellings of a hashtag."""
    return fold(name)


def mentions_of(text: str) -> list[tuple[str, str]]:
    """(name, domain) of each mentioned account, lower case, each once; the domain is empty for this network."""
    found = {(match["name"].lower(), (match["domain"] or "").lower()): None for match in _tokens(text) if match["name"]}
    return list(found)


def count_characters(text: str) -> int:
    """The counted length of a text: a URL counts as 23, a mention without its host."""
    length = len(text)
    for match in _tokens(text):
        if match["url"]:
            length += URL_COSTS - len(_trimmed(match["url"]))
        elif match["domain"]:
            length -= len(match["domain"]) + 1
    return length


def render(text: str, *, base_url: str, mention_url: Callable[[str, str], str | None] | None = None) -> str:
    """HTML of a cleaned plain text. `mention_url(name, domain)` returns the URL of a known account, else None."""
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
    """The HTML of a token and where it ends; empty HTML if it is plain text."""
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


def _trimmed(url: str) -> str:
    """Without the punctuation that ends a sentence, and without a bracket that was opened before the URL."""
    surplus = {last: url.count(last) - url.count(first) for last, first in _BRACKETS.items()}
    end = len(url)
    while end:
        last = url[end - 1]
        if last not in _TRAILING and surplus.get(last, 0) <= 0:
            break
        surplus[last] = surplus.get(last, 0) - 1
        end -= 1
    return url[:end]


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
