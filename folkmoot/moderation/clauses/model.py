"""What a policy is. No input or output.

A clause is one numbered rule. Its key and its number never change and are never given to another clause, so that decisions,
links and apps that name one stay right in every later version.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from folkmoot.base.errors import NotFound

Texts = dict[str, str]  # by language

MAX_NUMBER = 99
# What a clause can name as its usual measures: the values of `restrictions.model.Kind`, mildest first.
MEASURES = ("warn", "label", "limit_post", "limit", "hide", "remove", "freeze", "suspend")
# Categories of statements of reasons in the EC's Transparency Database (DSA Art. 24(5)), without STATEMENT_CATEGORY_.
CATEGORIES = (
    "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE", "CYBER_VIOLENCE_AGAINST_WOMEN",
    "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS", "ILLEGAL_OR_HARMFUL_SPEECH", "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS", "OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY",
    "SCAMS_AND_FRAUD", "SELF_HARM", "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
)


class Family(StrEnum):
    """The eight families of reasons for a report. Stored. Each leads to the clauses that name it."""

    VIOLENCE = "violence"
    SEXUAL = "sexual"
    CHILDREN = "children"
    HARASSMENT = "harassment"
    MISLEADING = "misleading"
    RULES = "rules"
    SELF_HARM = "self-harm"
    CIVIC = "civic"


class Clause(msgspec.Struct, frozen=True):
    """One rule. `severity` of a clear breach, 0 to 1; `hours` until it must be decided; `category` as in statements of reasons
    under DSA Art. 17 and 24(5). `usual`: measures, a hint for moderators and members. `families`: the reasons for a report that
    lead here; versions from before 2026-11-30 have none."""

    number: int
    key: str
    severity: float
    hours: int
    category: str
    title: Texts
    text: Texts
    breaks: dict[str, list[str]]
    keeps: dict[str, list[str]]
    usual: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """All clauses of one version, which is named by a date, with `.2` and so on for further versions of a day. `changes`: what
    is new, in words for members; empty where the author of the file wrote nothing."""

    version: str
    clauses: tuple[Clause, ...]
    changes: Texts = {}

    @property
    def date(self) -> date:
        return date.fromisoformat(self.version[:10])

    def clause(self, key: str) -> Clause:
        """Raises NotFound."""
        found = self.find(key)
        if found is None:
            raise NotFound
        return found

    def find(self, key: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.key == key), None)

    def numbered(self, number: int) -> Clause | None:
        return next((clause for clause in self.clauses if clause.number == number), None)

    def of_family(self, family: Family) -> Clause:
        """The clause that stands for a family: the first that names it, or the last of a version without families."""
        return next((clause for clause in self.clauses if family in clause.families), self.clauses[-1])


class PublishedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A version with the time from which it is in force, and the file that the operator wrote (empty for shipped versions)."""

    policy: Policy
    in_force_at: datetime
    published_at: datetime
    source: str = ""

    @property
    def version(self) -> str:
        return self.policy.version


class Change(StrEnum):
    """How a clause differs from the version before."""

    ADDED = "added"
    CHANGED = "changed"
    DROPPED = "dropped"


def compare(earlier: Policy, later: Policy) -> Mapping[str, Change]:
    """The changes by the keys of clauses. Only what members read counts, not severity, deadline or category."""
    before, after = ({clause.key: clause for clause in policy.clauses} for policy in (earlier, later))
    found = {key: Change.ADDED for key in after if key not in before}
    found |= {key: Change.CHANGED for key, clause in after.items() if key in before and _words(clause) != _words(before[key])}
    return found | {key: Change.DROPPED for key in before if key not in after}


PUBLISHED_TOPIC = "policies.published"  # live; the message is the version
MOST_EMOJIS = 8  # different ones at one announcement
REACTIONS_TOPIC = "policies.reactions"  # live; the message is a `ReactionCounted`


class Reaction(msgspec.Struct, frozen=True):
    """How many members have reacted to the announcement of a version with an emoji; whether the viewer is one of them."""

    emoji: str
    count: int
    is_own: bool


class ReactionCounted(msgspec.Struct, frozen=True):
    version: str
    emoji: str
    count: int


def order_of(version: str) -> tuple[str, int]:
    """The key by which versions are sorted: 2026-12-01 comes before 2026-12-01.2, and that before 2026-12-01.10."""
    day, _, number = version.partition(".")
    return day, int(number or 1)


def _words(clause: Clause) -> object:
    return clause.title, clause.text, clause.breaks, clause.keeps
