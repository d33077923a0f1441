"""What a rule is. No input or output.

A rule names conditions on a post and its author. What meets them gets a case, in which people decide; until then the rule
may cover the post, limit its reach or hold it. `attributes.py` lists what conditions can be about.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from math import sqrt

import msgspec

from folkmoot.moderation.clauses.model import Texts

DETECTOR = "rule "  # before the name of the rule, as the detector of its signals; their version is that of the set
AS_REMOVED = "as removed"  # instead of a clause: the one that the removed post broke
MOST_RULES = 100
MOST_TRIED = 10_000  # posts that are counted for a rule on trial
Facts = Mapping[str, int | float | bool | str]  # by attribute


class About(StrEnum):
    """Whose case it is. A rule about the author opens one case for a whole flood, not one for each post."""

    POST = "post"
    AUTHOR = "author"


class Measure(StrEnum):
    """What happens to the post until people have decided. Values of `restrictions.model.Kind`."""

    LABEL = "label"  # covered, with the number of the clause
    LIMIT = "limit_post"
    HOLD = "hide"


class Quantifier(StrEnum):
    ALL = "all"
    ANY = "any"
    NONE = "none"


class Condition(msgspec.Struct, frozen=True):
    """`number`: with a sign, the other side; a time is in seconds. `choices`: of an attribute with words."""

    attribute: str
    sign: str = ""
    number: float = 0
    choices: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True):
    quantifier: Quantifier
    conditions: tuple[Condition, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Met if all of its groups are. `clause`: a key, the family of a report, or AS_REMOVED. `title` and `text` by language: for
    moderators, and the reason that the author reads. The days are in UTC."""

    name: str
    about: About
    clause: str
    probability: float
    measures: tuple[Measure, ...]
    groups: tuple[Group, ...]
    title: Texts
    text: Texts
    valid_from: date | None = None
    valid_until: date | None = None

    def is_valid(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day <= self.valid_until)


class RuleSet(msgspec.Struct, frozen=True):
    """All rules of one version, which is named by a date, with `.2` and so on for further versions of a day."""

    version: str
    rules: tuple[Rule, ...]

    def find(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)


class PublishedRules(msgspec.Struct, frozen=True, kw_only=True):
    """A version with the file that the operator wrote."""

    rules: RuleSet
    source: str
    published_at: datetime

    @property
    def version(self) -> str:
        return self.rules.version


class Switch(msgspec.Struct, frozen=True):
    """From this time on this version was in force."""

    version: str
    at: datetime


class Trial(msgspec.Struct, frozen=True):
    """Until it ends, these rules are applied to new posts without any effect: what they meet is only counted."""

    version: str
    started_at: datetime
    ends_at: datetime


class Record(msgspec.Struct, frozen=True):
    """What came of the cases of a rule: how many, how many are decided, and how many of these broke a clause."""

    met: int = 0
    decided: int = 0
    violations: int = 0

    @property
    def precision(self) -> tuple[float, float, float] | None:
        """The share of decided cases in which people found a violation, with its 95 % interval; None without any."""
        return (self.violations / self.decided, *wilson(self.violations, self.decided)) if self.decided else None


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule on trial has met. `record`: of posts, counted up to `MOST_TRIED`; `post_ids`: the newest ones."""

    record: Record
    authors: int
    post_ids: tuple[int, ...]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score interval), which is sensible for small numbers too."""
    z = 1.96
    middle = (hits + z * z / 2) / (of + z * z)
    half = z * sqrt(hits * (of - hits) / of + z * z / 4) / (of + z * z)
    return max(0.0, middle - half), min(1.0, middle + half)


def rule_of_detector(detector: str) -> str | None:
    """The name of the rule that raised a signal; None for another detector."""
    return detector.removeprefix(DETECTOR) if detector.startswith(DETECTOR) else None
