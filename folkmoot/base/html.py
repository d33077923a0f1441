"""Sanitises HTML from outside: keeps an allow-list of harmless elements and removes everything else.

Members of this network write plain text, which the formatter escapes. This module is for text that arrives as HTML, and
a second protection behind the formatter.
"""

import nh3

_CLASSES = {"h-card", "u-url", "mention", "hashtag", "invisible", "ellipsis", "quote-inline"}
_TAGS = {"p", "br", "span", "a", "em", "strong", "b", "i", "u", "del", "s", "pre", "code", "blockquote", "ul", "ol", "li"}


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name != "class":
        return value
    kept = [word for word in value.split() if word in _CLASSES]
    return " ".join(kept) or None


def sanitise(html: str) -> str:
    """The harmless part of `html`. Links send no referrer and open in a new tab."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "class", "lang"}, "span": {"class", "lang"}, "ol": {"start", "reversed"}, "li": {"value"}},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "gemini", "xmpp"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
