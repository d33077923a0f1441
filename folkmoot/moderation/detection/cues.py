"""What a sentence does, as fixed words that pages translate: whom it addresses, what it speaks of, in which frame.

They come from the parts of `structure.py`. Those that raise the score are named first. Then the frames in which violent
words are usually harmless (a quotation, a game), or that there is none: their absence is what a moderator looks for.
"""

from collections.abc import Mapping

_MOST, _MOST_FRAMES = 4, 2
NO_FRAME = "no_frame"
# The cue of each part. Parts without one (endings, plain words) say nothing to a person.
_SPEAKS_FOR = {
    "you": "person", "him": "third_person", "them": "group", "group": "group", "me": "speaker", "future": "future", "will": "future",
    "violence": "violence", "death": "death", "weapon": "weapon", "body": "body", "should": "demand", "wish": "wish", "if": "condition",
    "praise": "praise", "honour": "praise", "slur": "slur", "place": "place", "call": "call", "fetch": "call",
}
_FRAMES = {
    "quote": "quote", "justice": "justice", "past": "past", "game": "game", "sport": "sport", "food": "food", "health": "health",
    "pest": "pest", "fiction": "fiction", "idiom": "idiom", "peace": "peace", "not": "negation", "vote": "politics", "home": "home",
    "tech": "tech",
}
CUES = frozenset(_SPEAKS_FOR.values())
FRAMES = frozenset(f"frame_{frame}" for frame in _FRAMES.values())


def cues_of(contributions: Mapping[str, float]) -> tuple[str, ...]:
    """The cues of a sentence, from what each of its parts adds to the score."""
    raising: dict[str, float] = {}
    lowering: dict[str, float] = {}
    for part, amount in contributions.items():
        if part in _SPEAKS_FOR:
            raising[_SPEAKS_FOR[part]] = raising.get(_SPEAKS_FOR[part], 0.0) + amount
        elif part in _FRAMES:
            lowering[_FRAMES[part]] = lowering.get(_FRAMES[part], 0.0) + amount
    found = [cue for cue, amount in sorted(raising.items(), key=lambda pair: -pair[1]) if amount > 0][:_MOST]
    frames = [f"frame_{frame}" for frame, _ in sorted(lowering.items(), key=lambda pair: pair[1])][:_MOST_FRAMES]
    return (*found, *(frames or [NO_FRAME]))
