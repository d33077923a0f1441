"""Applies rules to stored posts without any effect: what each would have met, and what people decided about it.

It reads backwards from the newest post, 500 posts at a time, each batch in a transaction of its own. Neither the time nor the
memory depends on the size of the network: both are bounded by the limits that the caller sets.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.rules.evaluating import Evaluator
from folkmoot.moderation.rules.material import Material, material_of
from folkmoot.moderation.rules.model import Facts, Record, RuleSet
from folkmoot.moderation.rules.queries.facts import list_facts_unscoped
from folkmoot.moderation.rules.queries.memory import find_oldest_trace, list_post_ids_before
from folkmoot.moderation.rules.queries.outcomes import list_outcomes_unscoped

_BATCH = 500
_MOST_AUTHORS = 10_000  # that are told apart for one rule
_LONGEST_EXAMPLE = 160
_MASKS = (
    (re.compile(r"https?://([^\s/]+)\S*"), r"[link to \1]"),
    (re.compile(r"(?<![\w.+-])@\w[\w.@-]*"), "@[name]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(r"\d[\d ./-]{4,}\d"), "[number]"),
)


class Limits(msgspec.Struct, frozen=True):
    """Where a backtest ends, whatever comes first."""

    days: int = 30
    posts: int = 100_000
    seconds: float = 600


class RuleResult(msgspec.Struct):
    """What one rule met. `authors` are counted up to 10,000. `examples`: texts without names, links and numbers."""

    met: int = 0
    decided: int = 0
    violations: int = 0
    authors: set[int] = msgspec.field(default_factory=set)
    examples: list[str] = msgspec.field(default_factory=list)

    @property
    def record(self) -> Record:
        return Record(self.met, self.decided, self.violations)


class Result(msgspec.Struct):
    """`met`: posts that any rule met. `texts_since`: copies of earlier posts are not recognised; None if nothing is remembered."""

    rules: dict[str, RuleResult]
    posts: int = 0
    met: int = 0
    newest_at: datetime | None = None
    oldest_at: datetime | None = None
    texts_since: datetime | None = None
    ended_by: str = "days"

    @property
    def days(self) -> float:
        """The time between the first and the last post, at least an hour: for rates."""
        if self.newest_at is None or self.oldest_at is None:
            return 0
        return max((self.newest_at - self.oldest_at) / timedelta(days=1), 1 / 24)


class Backtest:
    """One run over stored posts."""

    def __init__(self, database: Database, rules: RuleSet, own_host: str, *, examples: int = 3) -> None:
        self._database = database
        self._evaluator = Evaluator(rules)
        self._own_host = own_host
        self._examples = examples
        self._result = Result(rules={rule.name: RuleResult() for rule in rules.rules})

    async def run(self, limits: Limits, progress: Callable[[int], None] = lambda _posts: None) -> Result:
        """`progress` gets the number of posts so far after each batch."""
        result, started = self._result, clock.monotonic()
        above = ids.first_id(clock.now() - timedelta(days=limits.days))
        below = ids.MAX_ID
        async with self._database.read() as conn:
            oldest = await find_oldest_trace(conn)
        result.texts_since = ids.time_of(oldest) if oldest else None
        while True:
            if result.posts >= limits.posts or clock.monotonic() - started > limits.seconds:
                result.ended_by = "posts" if result.posts >= limits.posts else "time"
                return result
            async with self._database.read() as conn:
                post_ids = await list_post_ids_before(conn, below, above, min(_BATCH, limits.posts - result.posts))
            if not post_ids:
                return result
            await self._read(post_ids)
            below = post_ids[-1]
            progress(result.posts)

    async def _read(self, post_ids: list[int]) -> None:
        result = self._result
        result.newest_at = result.newest_at or ids.time_of(post_ids[0])
        result.oldest_at = ids.time_of(post_ids[-1])
        async with self._database.read() as conn:
            materials = [material_of(text, self._own_host) for text in await list_post_texts_unscoped(conn, post_ids)]
            facts = await list_facts_unscoped(conn, materials)
            met = {
                one.post_id: names for one in materials
                if one.post_id in facts and (names := self._evaluate(one, *facts[one.post_id]))
            }
            outcomes = await list_outcomes_unscoped(conn, list(met)) if met else {}
        result.posts += len(post_ids)
        result.met += len(met)
        for material in materials:
            for name in met.get(material.post_id, ()):
                self._note(result.rules[name], material, outcomes.get(material.post_id))

    def _evaluate(self, material: Material, facts: Facts, removed_clause: str | None) -> list[str]:
        return [met.rule.name for met in self._evaluator.evaluate(facts, material.words, material.at.date(), removed_clause)]

    def _note(self, result: RuleResult, material: Material, is_violation: bool | None) -> None:
        result.met += 1
        result.decided += is_violation is not None
        result.violations += bool(is_violation)
        if len(result.authors) < _MOST_AUTHORS:
            result.authors.add(material.text.account_id)
        if len(result.examples) < self._examples:
            result.examples.append(masked(material.text.text))


def masked(text: str) -> str:
    """The beginning of a text in one line, without names, addresses, links and long numbers."""
    line = " ".join(text.split())
    for pattern, by in _MASKS:
        line = pattern.sub(by, line)
    return line if len(line) <= _LONGEST_EXAMPLE else line[:_LONGEST_EXAMPLE].rstrip() + "…"
