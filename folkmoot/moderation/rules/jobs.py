"""Applies the rules to new and edited posts, remembers their texts and hosts, and forgets old ones.

`moderation/assembly.py` registers these jobs. Posts that arrive together are handled together: a batch costs three statements
(their texts, what is remembered, the facts), whatever the number of posts and rules. Only what a rule meets costs more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.base.gathering import Gathering
from folkmoot.base.queue.model import Job, Timed
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.hash_lists.model import normal_address
from folkmoot.moderation.rules.actions import author_key, raise_met
from folkmoot.moderation.rules.evaluating import Evaluator
from folkmoot.moderation.rules.material import Material, material_of
from folkmoot.moderation.rules.model import About, Facts, Rule, RuleSet
from folkmoot.moderation.rules.published import in_force, on_trial
from folkmoot.moderation.rules.queries.facts import list_facts_unscoped
from folkmoot.moderation.rules.queries.memory import delete_traces, list_post_ids_before, remember
from folkmoot.moderation.rules.queries.trials import delete_tried, insert_tried
from folkmoot.network.posts.events import PostCreated, PostEdited

REMEMBER_JOB = "rules.remember_earlier"
KEPT = timedelta(days=30)  # the text of a post is remembered
TRIED_KEPT = timedelta(days=90)  # what a trial has met, after its end
_AT_ONCE = 200
_MOST_RAISED = 10_000


class Remember(msgspec.Struct, frozen=True):
    """The payload of the job that remembers posts older than `below`, a part at a time."""

    below: int = ids.MAX_ID


class RuleReader:
    """Applies the rules in force, and counts what those on trial meet. `own_host`: that of this network, whose links are no sign of
    anything."""

    def __init__(self, own_host: str) -> None:
        self._own_host = normal_address(own_host) or ""
        self._gathering = Gathering(self._read)
        self._evaluators: list[Evaluator] = []  # used last first
        self._raised: dict[tuple[int, str], None] = {}  # about authors, oldest first: a flood is not written down post by post

    def subscribe(self, heard: Subscriptions) -> None:
        heard.on(PostCreated, self.read_created)
        heard.on(PostEdited, self.read_edited)

    def jobs(self) -> list[Job]:
        return [Job(REMEMBER_JOB, Remember, self.remember_earlier)]

    async def read_created(self, database: Database, event: PostCreated) -> None:
        if event.boost_of_id is None:
            await self._gathering.add(database, event.post_id)

    async def read_edited(self, database: Database, event: PostEdited) -> None:
        await self._gathering.add(database, event.post_id)

    async def _read(self, database: Database, post_ids: list[int]) -> None:
        materials = await self._materials(database, post_ids)
        if any(one.text_key is not None or one.hosts or one.text.edited_at for one in materials):
            async with database.write(is_durable=False) as tx:
                await remember(tx, materials)
        now = clock.now()
        evaluator, trial = self._prepared(in_force().rules), on_trial(now)
        if not materials or not (evaluator.rules.rules or trial):
            return
        async with database.read() as conn:
            found = await list_facts_unscoped(conn, materials)
        for material in materials:
            if material.post_id in found:
                facts, removed_clause = found[material.post_id]
                for met in evaluator.evaluate(facts, material.words, now.date(), removed_clause):
                    if self._is_new(material, met.rule):
                        async with database.write() as tx:
                            await raise_met(tx, material, met, evaluator.rules.version)
        if trial:
            await self._try(database, self._prepared(trial.rules), materials, found, now)

    async def _try(
        self, database: Database, evaluator: Evaluator, materials: Sequence[Material], found: Mapping[int, tuple[Facts, str | None]],
        now: datetime,
    ) -> None:
        """Counts what the rules on trial meet."""
        met = [
            (one.rule.name, material.post_id) for material in materials if material.post_id in found
            for one in evaluator.evaluate(found[material.post_id][0], material.words, now.date(), found[material.post_id][1])
        ]
        if met:
            async with database.write(is_durable=False) as tx:
                await insert_tried(tx, evaluator.rules.version, met, now)

    def _prepared(self, rules: RuleSet) -> Evaluator:
        """The evaluator of the rules in force or on trial, prepared once for each version."""
        known = next((one for one in self._evaluators if one.rules is rules), None) or Evaluator(rules)
        self._evaluators = [known, *(one for one in self._evaluators if one is not known)][:2]
        return known

    async def _materials(self, database: Database, post_ids: list[int]) -> list[Material]:
        """Private messages are never examined."""
        async with database.read() as conn:
            return [material_of(text, self._own_host) for text in await list_post_texts_unscoped(conn, post_ids)]

    def _is_new(self, material: Material, rule: Rule) -> bool:
        """False for what this process has raised about the author today. What another one has raised is stored once in any case."""
        key = material.text.account_id, author_key(material, rule)
        if rule.about is About.POST:
            return True
        is_new = key not in self._raised
        self._raised[key] = None
        if len(self._raised) > _MOST_RAISED:
            del self._raised[next(iter(self._raised))]
        return is_new

    async def remember_earlier(self, database: Database, order: Remember) -> None:
        """Remembers the texts of the last 30 days, and all hosts, from the newest post to the oldest. Continues as a new job after
        each part."""
        async with database.read() as conn:
            post_ids = await list_post_ids_before(conn, order.below, 0, _AT_ONCE)
        if not post_ids:
            return
        oldest = ids.first_id(clock.now() - KEPT)
        materials = [
            one if one.post_id > oldest else msgspec.structs.replace(one, text_key=None)
            for one in await self._materials(database, post_ids)
        ]
        async with database.write() as tx:
            await remember(tx, materials)
            tx.enqueue(REMEMBER_JOB, Remember(below=post_ids[-1]))


async def forget_traces(database: Database) -> None:
    """Forgets the texts of posts that are older than 30 days, and what earlier trials have met. Timed."""
    now = clock.now()
    below = ids.first_id(now - KEPT)
    while True:
        async with database.write() as tx:
            if not await delete_traces(tx, below) + await delete_tried(tx, now - TRIED_KEPT):
                return


TIMED = [Timed("rules.forget_traces", timedelta(days=1), forget_traces, is_cleaning=True)]
