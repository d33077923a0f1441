"""Characters that look like Latin letters, and characters that show nothing, from the tables of Unicode (UTS 39).

The tables are in `look_alikes.txt`, which `bin/unicode_tables.py` generates; they are read at the first use. Whether a
text is meant to deceive is decided elsewhere: a Cyrillic word consists of such letters too.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that show a blank


class LookAlikes(NamedTuple):
    """For each character, the letters that it can stand for, the likeliest first. `latin`: variants of Latin letters, such
    as small capitals. `foreign`: letters and symbols that only look like Latin letters; `ignorable` matches
    what shows nothing. `in_latin_blocks`: those of all three that stand among the letters of European languages, before U+0180."""

    latin: dict[str, str]
    foreign: dict[str, str]
    ignorable: re.Pattern[str]
    in_latin_blocks: frozenset[str]

    def has_foreign(self, text: str) -> bool:
        return not self.foreign.keys().isdisjoint(text)

    def letters(self, character: str) -> str:
        return self.latin.get(character) or self.foreign.get(character, "")


@lru_cache(1)
def tables() -> LookAlikes:
    found: dict[str, dict[str, str]] = {"latin": {}, "foreign": {}}
    ignorable = ""
    for line in Path(__file__).with_name("look_alikes.txt").read_text("utf-8").splitlines():
        section, _, rest = line.partition(" ")
        if section == "ignorable":
            ignorable = "".join("-".join(rf"\U{code:0>8}" for code in span.split("-")) for span in rest.split())
        elif section in found:
            letters, _, characters = rest.partition(" ")
            found[section] |= dict.fromkeys(characters, letters)
    hidden = re.compile(f"(?![{BLANKS}])[{ignorable}]")
    both = found["latin"] | found["foreign"]
    in_latin_blocks = frozenset(one for one in map(chr, range(0x80, 0x180)) if one in both or hidden.match(one))
    return LookAlikes(found["latin"], found["foreign"], hidden, in_latin_blocks)


def skeleton(text: str) -> str:
    """The text in the plain letters a to z that it looks like: `Аdmіn` with Cyrillic letters becomes `admin`.

    Characters that look like no letter stay, without case and marks; what shows nothing is removed.
    """
    known = tables()
    plain = unicodedata.normalize("NFKD", known.ignorable.sub("", text))
    bare = "".join(character for character in plain if unicodedata.category(character)[0] != "M")
    return "".join((known.letters(character) or known.letters(character.lower()))[:1] or character for character in bare).casefold()
