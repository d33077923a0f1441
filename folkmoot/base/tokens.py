"""Finds the URLs, mentions and hashtags in a plain text.

Text without spaces is read as well: `例えばhttps://example.com/a。次の文`. A URL ends before punctuation that is not ASCII,
before an emoji, and where a script without spaces begins (`https://example.com/aを見て`); letters of other languages belong
to it. Scripts in a hashtag are whole words with their combining marks. Linear in the length of the text.
"""

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import regex

from folkmoot.base.text import fold

LONGEST_HASHTAG = 100
_LONGEST_KEY = 4 * LONGEST_HASHTAG  # Hangul has up to three letters in a character, some ligatures more

# Japanese, Chinese, Korean, Thai, Lao, Khmer, Burmese: a URL or a mention may follow without a space.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"
# Scripts whose letters rarely follow Latin ones inside a word. Han and Katakana do: `C言語`, `2020年`, `Tシャツ`.
_ENDING = r"\p{Hiragana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTERS = r"\p{L}\p{M}\p{N}"
_JOINERS = r"\u200c\u200d"
_WORD = rf"[_{_LETTERS}{_JOINERS}--\u20e0\u20e3\ufe0e\ufe0f]"  # without the marks of emoji and keycaps
_HASHTAG = rf"[\p{{L}}\p{{N}}_]{_WORD}*+(?:[·・]{_WORD}++)*+"
_LABEL = rf"[{_LETTERS}{_JOINERS}\p{{So}}_\-]++"  # \p{So}: there are hosts with emoji

_START = re.compile(r"https?://|[@#＃]", re.IGNORECASE)  # finds candidates, in a tenth of the time of the next pattern
_TOKEN: re.Pattern[str] = regex.compile(
    rf"""
    (?<![A-Za-z0-9_])(?P<scheme>https?://)
    | (?:(?<![\w/@.])|(?<=[{_UNSPACED}]))@(?P<name>[A-Za-z0-9_]+(?:[.\-]+[A-Za-z0-9_]+)*)
        (?:@(?P<domain>{_LABEL}(?:\.{_LABEL})*+(?::[0-9]{{1,5}}+)?))?+(?![\w--{_UNSPACED}])
    | (?<![\w/&\#])[\#＃](?P<hashtag>{_HASHTAG})
    """,
    regex.VERBOSE | regex.IGNORECASE | regex.VERSION1,
)
_USER: re.Pattern[str] = regex.compile(r"[\w.~%!$&'()*+,;=:\-]{0,200}+@")
_HOST: re.Pattern[str] = regex.compile(
    rf"(?:\[[0-9a-f:.]+\]|{_LABEL}(?:\.{_LABEL})*+)(?P<port>:[0-9]{{1,5}})?", regex.IGNORECASE | regex.VERSION1
)
_ASCII_LABEL = re.compile(r"[A-Za-z0-9-]+(?=[^\x00-\x7f])")  # at the beginning of a label that goes on otherwise
# Segment by segment: one in ASCII ends the URL before a script without spaces. Some punctuation may stand between letters.
_PATH: re.Pattern[str] = regex.compile(
    rf"""
    (?:(?(ended)(?!))[/?\#&=][!$%'()*+,\-.:;@\[\]_{{|}}~A-Za-z0-9]*+
        (?:(?<=[A-Za-z0-9])(?=[{_ENDING}])(?P<ended>)
        | (?:[!$%'()*+,\-.:;@\[\]_{{|}}~{_LETTERS}{_JOINERS}--\ufe0e\ufe0f]|(?<=[{_LETTERS}])[–·・׳״](?=[{_LETTERS}]))*+))++
    """,
    regex.VERBOSE | regex.VERSION1,
)
_WHOLE_HASHTAG: re.Pattern[str] = regex.compile(_HASHTAG, regex.VERSION1)
_HAS_LETTER: re.Pattern[str] = regex.compile(r"[\p{L}\p{Nl}]")
_TRAILING = ".,:;!?'*_~"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class Kind(Enum):
    URL = 1
    MENTION = 2
    HASHTAG = 3


class Token(NamedTuple):
    """A part of the text. `name`: the URL, the mentioned name, or the hashtag without its sign."""

    kind: Kind
    start: int
    end: int
    name: str
    domain: str = ""


@lru_cache(maxsize=16)
def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a text in order. Mentions are not checked for existence. Kept for the next call, because one new post asks several
    times."""
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while start := _START.search(text, position):
        match = _TOKEN.match(text, start.start())
        token = _token(text, match) if match else None
        position = token.end if token else start.end()
        if token:
            yield token


def hashtags_of(text: str) -> list[str]:
    """The hashtags of a text as written, each once, in order."""
    found: dict[str, str] = {}
    for token in tokens_of(text) if "#" in text or "＃" in text else ():
        if token.kind is Kind.HASHTAG:
            found.setdefault(hashtag_key(token.name), token.name)
    return list(found.values())


def is_hashtag(name: str) -> bool:
    """Whether this is a hashtag without its sign: a word with at least one letter."""
    if len(name) > LONGEST_HASHTAG or not _WHOLE_HASHTAG.fullmatch(name) or not _HAS_LETTER.search(name):
        return False
    key = hashtag_key(name)  # some letters fold into several, or into spaces
    return 0 < len(key) <= _LONGEST_KEY and not re.search(r"\s", key)


def hashtag_key(name: str) -> str:
    """The same for all spellings of a hashtag, with or without its sign."""
    return fold(name.strip().lstrip("#＃"))


def _token(text: str, match: re.Match[str]) -> Token | None:
    """The token that begins with a match, None if it is plain text."""
    start = match.start()
    if match["scheme"]:
        end = _end_of_url(text, match.end())
        return Token(Kind.URL, start, end, text[start:end]) if end else None
    if match["hashtag"]:
        return Token(Kind.HASHTAG, start, match.end(), match["hashtag"]) if is_hashtag(match["hashtag"]) else None
    if match["domain"]:
        end, _ = _end_of_host(text, match.start("domain"))
        return Token(Kind.MENTION, start, end, match["name"], text[match.start("domain") : end])
    return Token(Kind.MENTION, start, match.end(), match["name"])


def _end_of_url(text: str, start: int) -> int:
    """The end of the URL whose host begins at `start`; 0 without a host, and with a user name, which can pretend to be a host."""
    if _USER.match(text, start):
        return 0
    end, is_whole = _end_of_host(text, start)
    path = _PATH.match(text, end) if end and is_whole else None
    return end + len(_trimmed(path[0])) if path else end


def _end_of_host(text: str, start: int) -> tuple[int, bool]:
    """The end of the host and port at `start`, and whether a path may follow.

    A top-level domain is of one script: in `example.comを見て` it is `com`.
    """
    match = _HOST.match(text, start)
    if match is None:
        return 0, False
    end_of_name = match.start("port") if match["port"] else match.end()
    start_of_label = text.rfind(".", start, end_of_name) + 1 or start
    latin = _ASCII_LABEL.match(text, start_of_label, end_of_name)
    return (latin.end(), False) if latin else (match.end(), True)


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
