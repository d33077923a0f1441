"""Error rates per kind of text: which threats a detector misses, and which harmless texts it takes for threats.

The authors of the training data named the kind of each row in their own words; here these become a few kinds with a sentence
each. All rates are measured on authors that the scoring model was not trained on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.detection.model import Example, Thresholds

Floats = npt.NDArray[np.float64]
_FEWEST = 20  # rows of a kind, until its rate is reported
_DISGUISED = "-ev"  # the ending of kinds whose words are disguised
THREATS = {
    "plain threat": "direct explicit threat bully gamer road neighbour landlord debt work ex teen football reply thread typo caps"
                    " nonnative youth",
    "condition": "conditional",
    "veiled threat": "veiled stalk stalking locate doxx polite polite-menace",
    "call to violence": "incite gallows civilwar second-amendment politician politics rant",
    "“they deserve it”": "norm someone-should someone group dehumanise dehuman dehum",
    "praise of violence": "praise glorify",
    "wish of harm": "wish",
    "disguised": "evasion evasive leet spaced emoji ironic",
}
HARMLESS = {
    "everyday": "everyday everyday-violent-word hobby tech work job school",
    "furious politics": "harsh politics rant politician election insult civilwar_talk complaint",
    "negation, counter-speech": "negation counter",
    "quotation, report": "quote report news journalist court history thread",
    "victim, domestic violence": "victim domestic selfdef selfdefence advice relationship warning",
    "game, sport, fiction": "gaming game sport fiction film book song satire",
    "joke, idiom": "idiom joke hyperbole slang ironic",
    "kitchen, garden, medicine": "cooking food garden gardening pest medical hunting fishing animals traffic",
}
_KIND = {
    1: {word: kind for kind, words in THREATS.items() for word in words.split()},
    0: {word: kind for kind, words in HARMLESS.items() for word in words.split()},
}


def kind_of(row: Example) -> str:
    """The kind of a row; empty if its author named none that is reported."""
    name = str(row.labels.get("kind", ""))
    if row.threat and name.endswith(_DISGUISED):
        return "disguised"
    return _KIND[row.threat or 0].get(name.removesuffix(_DISGUISED), "")


def measure_kinds(rows: Sequence[Example], scores: Floats, limits: dict[str, Thresholds]) -> list[dict[str, Any]]:
    """The share of rows over the thresholds, per language and kind, for the card. Threats first."""
    found = []
    kinds = np.array([kind_of(row) if "kind" in row.labels else "" for row in rows])
    threat = np.array([row.threat == 1 for row in rows], bool)
    langs = np.array([row.lang or "" for row in rows])
    for lang in sorted(set(langs[kinds != ""])):
        limit = limits.get(lang, limits[""])
        for is_threat, names in ((True, THREATS), (False, HARMLESS)):
            for kind in names:
                mask = (langs == lang) & (kinds == kind) & (threat == is_threat)
                if mask.sum() >= _FEWEST:
                    found.append({
                        "lang": str(lang), "kind": kind, "is_threat": is_threat, "rows": int(mask.sum()),
                        "queued": round(float((scores[mask] >= limit.queue).mean()), 4),
                        "hidden": round(float((scores[mask] >= limit.hide).mean()), 4),
                    })
    return found
