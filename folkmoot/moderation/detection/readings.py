"""The ways in which a person can read a text: as it stands, and with the disguises of whole texts removed.

Letters of another alphabet, reversed and upside-down text, words without spaces and broken words can also be harmless: an
honest language, a hashtag, a list. So these readings do not replace the text. They are scored beside it, the highest score
counts, and a reading counts only if most of it is known words.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from folkmoot.base.look_alikes import tables
from folkmoot.moderation.detection import folding
from folkmoot.moderation.detection.folding import Folded
from folkmoot.moderation.detection.vocabulary import vocabulary

REVERSED = "reversed text"
JOINED = "words without spaces"
BROKEN = "broken words"
IN_ADDRESS = "words in an address"
IN_MENTIONS = "words as mentions"

_SHARE_KNOWN = 0.5  # of the letters of a reading must be in known words
_SHARE_BACKWARDS = 0.3  # if more is known when read backwards, and more than as it stands, the text is read backwards
_BRACKETED = 0.4  # the share of tokens between words from which they are left out
_LONGEST_PIECE = 4  # letters of a piece that is no word
_MOST_PIECES = 12  # tokens of one broken word
_LONGEST_BROKEN = 24  # letters
_SHORTEST_JOINED = 8
_FEWEST_JOINED = 4  # words in one, unless most of the text is joined
_RUN = re.compile(r"[^\s\x21-\x40\x5b-\x60\x7b-\x7f]+")
_MENTIONED_WORD = re.compile(r"(?<![\w@.])@(\w+)(?![\w@])")
_FEWEST_MENTIONS = 3
_DIGIT_BETWEEN = re.compile(r"(?<!\w)[^\W\d_](\d)[^\W\d_](?:\1[^\W\d_])*\1?(?!\w)")  # `k1i1l1l`
_ADDRESS = re.compile(r"(?:https?://|www\.|@)(\S{8,})")
_EMOJI_BETWEEN = re.compile(rf"(?<=\S)(?:{folding.EMOJI.pattern}|[\ufe0f\u200d])+(?=\S)")
_FEWEST_SIGNS = 2  # emoji between words
_CODED = re.compile(r"[A-Za-z][0-9@$!|€]+[A-Za-z]|(?<![A-Za-z0-9@$])[0-9@$€]+[A-Za-z]")  # letters with digits or signs for letters
_SIGN = re.compile(r"[@$|€]|!\w")
_CODED_WORD = re.compile(r"[a-z0-9@$!|€]+")
_DOUBLED = re.compile(r"^[a-z]*?([a-z])\1[a-z]*?([a-z])\2")
_OVERRIDE = re.compile("\u202e([^\u202c\n]*)\u202c?")  # right-to-left override: shows the text reversed
_CAPITAL_I = re.compile(r"(?<=[a-z])I(?=[a-zI])|(?<=[a-z]I)I")
# Letters that a turned letter shows; the tables of Unicode know the other turned letters.
_TURNED = frozenset("ɐɔǝɟƃᵷɥᴉɾʞɯɹʇʌʍʎ")
_ROTATED = str.maketrans("nubqdpɔɟƃɾſʃןʌʍɯ", "unqbpdcfgjjllvwm")


def readings(text: str) -> list[Folded]:
    """The text as it stands, and its other readings. Most texts have one."""
    text = _OVERRIDE.sub(lambda match: match[1][::-1], text) if "\u202e" in text else text
    plain = folding.unmask(text)
    found = {plain.text: plain}
    for other in _others(text, plain):
        found.setdefault(other.text, other)
    return list(found.values())


def _others(text: str, plain: Folded) -> Iterator[Folded]:
    words = plain.text.split(" ")
    known = vocabulary().share_known(words)
    latin = text
    yield from _repaired(plain, words)
    if not text.isascii():
        if len(_EMOJI_BETWEEN.findall(text)) >= _FEWEST_SIGNS:
            yield from _if_known(_EMOJI_BETWEEN.sub(" ", text), folding.SPLIT)
        if tables().has_foreign(text):
            latin = _RUN.sub(_in_latin, text)
            words = folding.unmask(latin).text.split(" ")
            yield from _if_known(latin, folding.LOOK_ALIKES)
    if ("0" in plain.text or _SIGN.search(text)) and len(_CODED.findall(text)) > 1:  # something is left to decode
        yield from _if_known(_CODED_WORD.sub(_decoded, text.lower()), folding.LEETSPEAK)
    if len(_DIGIT_BETWEEN.findall(text)) > 1:
        yield from _if_known(_DIGIT_BETWEEN.sub(lambda match: match[0].replace(match[1], ""), text), folding.SPLIT)
    if _CAPITAL_I.search(text):
        yield from _if_known(_CAPITAL_I.sub("l", text), folding.LOOK_ALIKES)
    if known < _SHARE_KNOWN:
        is_turned = len(_TURNED.intersection(text)) > 1
        if is_turned or vocabulary().share_known([word[::-1] for word in words]) > max(_SHARE_BACKWARDS, known):
            yield from _if_known((text.lower().translate(_ROTATED) if is_turned else latin)[::-1], REVERSED)
    if text.count("@") >= _FEWEST_MENTIONS and len(_MENTIONED_WORD.findall(text)) >= _FEWEST_MENTIONS:
        yield from _if_known(_MENTIONED_WORD.sub(r"\1", text), IN_MENTIONS)
    if "@" in text or "www." in text or "://" in text:
        for address in _ADDRESS.findall(text):
            yield from _if_known(re.sub(r"[^a-z]+|%[0-9a-f]{2}", " ", address.lower()), IN_ADDRESS)


def _decoded(match: re.Match[str]) -> str:
    word = match[0]
    return word if word.isalpha() or (word.isdigit() and len(word) > 3) else folding.decode_leetspeak(word) or word


def _in_latin(match: re.Match[str]) -> str:
    return folding.decode(match[0]) if tables().has_foreign(match[0]) else match[0]


def _if_known(text: str, disguise: str) -> Iterator[Folded]:
    """The readings of a changed text, if most of it is known words."""
    folded = folding.unmask(text)
    words = folded.text.split(" ")
    for reading in (folded, *_repaired(folded, words)):
        if vocabulary().share_known(reading.text.split(" ")) >= _SHARE_KNOWN:
            yield Folded(reading.text, (disguise, *reading.disguises))


def _repaired(folded: Folded, tokens: list[str]) -> Iterator[Folded]:
    """The text with broken words mended, joined words divided, and symbols between words left out."""
    known = vocabulary().costs
    words = tokens
    disguises = dict.fromkeys(folded.disguises)

    def change(changed: list[str], disguise: str) -> None:
        nonlocal words
        if changed != words:
            words, disguises[disguise] = changed, None

    unknown = [word for word in words if word not in known]
    spelled = [word for word in words if word.isalpha()]
    if len(spelled) < (1 - _BRACKETED) * len(words):
        change(spelled, folding.SPLIT)
    if any(len(word) <= _LONGEST_PIECE and word.isalpha() for word in unknown):
        change(_mended(words), BROKEN)
    if any(_DOUBLED.search(word) for word in unknown):
        change([(_DOUBLED.search(word) and word not in known and folding.shortened(word)) or word for word in words], folding.STRETCHED)
    if any(len(word) >= _SHORTEST_JOINED for word in unknown):
        joined = sum(len(word) for word in words if len(word) >= _SHORTEST_JOINED and word not in known)
        fewest = 2 if 2 * joined > sum(map(len, words)) else _FEWEST_JOINED
        change([part for word in words for part in _divided(word, fewest)], JOINED)
    if words is not tokens:
        yield Folded(" ".join(words), tuple(disguises))


def _mended(words: list[str]) -> list[str]:
    """Puts the pieces of broken words together: at least one piece is no word, and the whole is one."""
    known = vocabulary()
    pieces = [at for at, word in enumerate(words) if len(word) <= _LONGEST_PIECE and word.isalpha() and word not in known]
    found: list[str] = []
    at = 0
    for piece in pieces:
        first = max(at, piece - _MOST_PIECES + 1)
        found += words[at:first]
        at = first
        while at <= piece:
            whole, end = _whole_word(words, at)
            found.append(whole)
            at = end
    return found + words[at:]


def _whole_word(words: list[str], at: int) -> tuple[str, int]:
    """The longest known word that begins with this piece, and where the pieces end; else the piece alone."""
    known = vocabulary()
    found, whole, is_broken = (words[at], at + 1), "", False
    for end in range(at, min(at + _MOST_PIECES, len(words))):
        if words[end].isalpha():
            whole += words[end]
            is_broken = is_broken or words[end] not in known
            if len(whole) > _LONGEST_BROKEN:
                break
            if end > at and is_broken and len(whole) > _LONGEST_PIECE - 1 and whole in known:
                found = whole, end + 1
        elif end == at:
            break
    return found


def _divided(word: str, fewest: int) -> list[str]:
    if len(word) < _SHORTEST_JOINED or word in vocabulary() or not word.isalpha():
        return [word]
    parts = _segments(word)
    return parts if parts and len(parts) >= fewest else [word]


@lru_cache(5000)
def _segments(word: str) -> list[str] | None:
    return vocabulary().segment(word)
