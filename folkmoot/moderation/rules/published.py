"""The rules of this network: its own from the database, else those that are shipped in this folder.

Every process keeps all versions in memory, and `watching.py` brings them up to date within a second. Signals name rule and
version, so versions are never removed.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from folkmoot.base.errors import NotFound
from folkmoot.moderation.clauses.model import order_of
from folkmoot.moderation.rules.model import PublishedRules, Rule, Switch, Trial
from folkmoot.moderation.rules.rule_file import read_rules

_own: tuple[PublishedRules, ...] = ()  # of this process, oldest first
_switches: tuple[Switch, ...] = ()  # oldest first
_trial: Trial | None = None


@cache
def shipped() -> tuple[PublishedRules, ...]:
    """The versions in this folder, oldest first. Raises ValueError for an incomplete file."""
    folder = files("folkmoot").joinpath("moderation", "rules")
    names = sorted((file.name for file in folder.iterdir() if file.name.endswith(".md")), key=lambda name: order_of(name[:-3]))
    return tuple(_read_shipped(name, folder.joinpath(name).read_text("utf-8")) for name in names)


def _read_shipped(name: str, source: str) -> PublishedRules:
    rules = read_rules(source).rules
    if rules is None or f"{rules.version}.md" != name:
        raise ValueError(f"{name} is not a complete set of rules of that version")
    day = datetime.combine(date.fromisoformat(rules.version[:10]), time(), UTC)
    return PublishedRules(rules=rules, source=source, published_at=day)


def replace_own(published: Sequence[PublishedRules], switches: Sequence[Switch], trial: Trial | None = None) -> None:
    """Sets the network's own versions, which were in force since when, and the newest trial, for this process."""
    global _own, _switches, _trial
    _own, _switches, _trial = tuple(sorted(published, key=lambda one: order_of(one.version))), tuple(switches), trial


def versions() -> tuple[PublishedRules, ...]:
    """All versions, the shipped ones first, each group oldest first."""
    return (*shipped(), *_own)


def find_version(version: str) -> PublishedRules | None:
    return next((one for one in reversed(versions()) if one.version == version), None)


def in_force() -> PublishedRules:
    """The version that was switched on last; the newest shipped one before the first switch, or if that version is unknown here."""
    return (find_version(_switches[-1].version) if _switches else None) or shipped()[-1]


def switches() -> tuple[Switch, ...]:
    """Which of the network's versions was in force since when, oldest first."""
    return _switches


def newest_trial() -> Trial | None:
    """The newest trial, also after its end; None before the first one."""
    return _trial


def on_trial(now: datetime) -> PublishedRules | None:
    """The version that is tried now, beside the one in force."""
    return find_version(_trial.version) if _trial and now < _trial.ends_at else None


class KnownRule(NamedTuple):
    rule: Rule
    version: str
    is_in_force: bool


def known_rule(name: str) -> KnownRule:
    """A rule as it is in force, or as it read last in a version that was in force or tried. Raises NotFound."""
    for one in (in_force(), *reversed(versions())):
        if rule := one.rules.find(name):
            return KnownRule(rule, one.version, one is in_force())
    raise NotFound


def find_rule(name: str, version: str) -> Rule | None:
    """A rule as it was in that version; if that version is unknown, as it is now."""
    published = find_version(version) or in_force()
    return published.rules.find(name)
