"""Applies the rules to new and edited posts, remembers their texts and hosts, and forgets old ones.

`moderation/assembly.py` registers these jobs. Posts that arrive together are handled together: a batch costs two statements (what is
remembered, the facts), whatever the number of posts and rules; the detector has read their texts. Only what a rule meets costs more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.base.gathering import Gathering
from folkmoot.base.queue.model import Job, Timed
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.detection.texts import NewTexts, Wanted
from folkmoot.moderation.hash_lists.model import normal_address
from folkmoot.moderation.rules.actions import author_key, raise_met
from folkmoot.moderation.rules.attributes import Dear
from folkmoot.moderation.rules.evaluating import Evaluator, Met
from folkmoot.moderation.rules.material import Material, material_of
from folkmoot.moderation.rules.model import About, Facts, Rule, RuleSet
from folkmoot.moderation.rules.published import in_force, on_trial
from folkmoot.moderation.rules.queries.facts import facts_of_text, list_facts_unscoped
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


class Applied:
    """The rules of one version, applied to one batch of posts."""

    def __init__(self, evaluator: Evaluator, now: datetime) -> None:
        self._evaluator, self._day = evaluator, now.date()
        self._open: list[tuple[Material, list[Rule]]] = []
        self.version = evaluator.rules.version

    def open(self, material: Material, is_of_use: Callable[[Material, Rule], bool] = lambda _material, _rule: True) -> list[Dear]:
        """What the rules ask for that a post may meet, by its text alone. `is_of_use`: whether anything would follow."""
        rules = self._evaluator.open_rules(facts_of_text(material), material.words, self._day)
        rules = [rule for rule in rules if is_of_use(material, rule)]
        self._open.append((material, rules))
        return [self._evaluator.dear[rule.name] for rule in rules]

    def met(self, found: Mapping[int, tuple[Facts, str | None]]) -> Iterator[tuple[Material, Met]]:
        for material, rules in self._open:
            if rules and material.post_id in found:
                facts, removed_clause = found[material.post_id]
                for met in self._evaluator.evaluate(facts, material.words, self._day, removed_clause, rules):
                    yield material, met


class RuleReader:
    """Applies the rules in force, and counts what those on trial meet. `own_host`: that of this network, whose links are no sign of
    anything. `texts`: shared with others who examine posts."""

    def __init__(self, own_host: str, texts: NewTexts | None = None) -> None:
        self._texts = texts or NewTexts()
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
            await self._gathering.add(database, Wanted(event.post_id))

    async def read_edited(self, database: Database, event: PostEdited) -> None:
        await self._gathering.add(database, Wanted(event.post_id, is_edited=True))

    async def _read(self, database: Database, wanted: list[Wanted]) -> None:
        async with database.read() as conn:
            materials = self._materials(await self._texts.read(conn, wanted))
        if any(one.text_key is not None or one.hosts or one.text.edited_at for one in materials):
            async with database.write(is_durable=False) as tx:
                await remember(tx, materials)
        await self._apply(database, materials, clock.now())

    async def _apply(self, database: Database, materials: Sequence[Material], now: datetime) -> None:
        """Counts facts only for posts that a rule could still meet, and only those that such rules ask for."""
        trial = on_trial(now)
        applied = Applied(self._prepared(in_force().rules), now)
        tried = Applied(self._prepared(trial.rules), now) if trial else None
        asked: list[tuple[Material, Dear]] = []
        for material in materials:
            dear = [*applied.open(material, self._is_new), *(tried.open(material) if tried else ())]
            if dear:
                asked.append((material, reduce(or_, dear)))
        if not asked:
            return
        async with database.read() as conn:
            found = await list_facts_unscoped(conn, [material for material, _ in asked], [dear for _, dear in asked])
        for material, met in applied.met(found):
            if self._is_new(material, met.rule):  # by an earlier post of the batch
                async with database.write() as tx:
                    await raise_met(tx, material, met, applied.version)
                self._note_raised(material, met.rule)
        met_on_trial = [(met.rule.name, material.post_id) for material, met in tried.met(found)] if tried else []
        if tried and met_on_trial:
            async with database.write(is_durable=False) as tx:
                await insert_tried(tx, tried.version, met_on_trial, now)

    def _prepared(self, rules: RuleSet) -> Evaluator:
        """The evaluator of the rules in force or on trial, prepared once for each version."""
        known = next((one for one in self._evaluators if one.rules is rules), None) or Evaluator(rules)
        self._evaluators = [known, *(one for one in self._evaluators if one is not known)][:2]
        return known

    def _materials(self, texts: Sequence[ExaminedText]) -> list[Material]:
        return [material_of(text, self._own_host) for text in texts]

    def _is_new(self, material: Material, rule: Rule) -> bool:
        """False for what this process has raised about the author today. What another one has raised is stored once in any case."""
        return rule.about is About.POST or (material.text.account_id, author_key(material, rule)) not in self._raised

    def _note_raised(self, material: Material, rule: Rule) -> None:
        if rule.about is About.AUTHOR:
            self._raised[material.text.account_id, author_key(material, rule)] = None
            if len(self._raised) > _MOST_RAISED:
                del self._raised[next(iter(self._raised))]

    async def remember_earlier(self, database: Database, order: Remember) -> None:
        """Remembers the texts of the last 30 days, and all hosts, from the newest post to the oldest. Continues as a new job after
        each part."""
        async with database.read() as conn:
            post_ids = await list_post_ids_before(conn, order.below, 0, _AT_ONCE)
            texts = await list_post_texts_unscoped(conn, post_ids) if post_ids else []
        if not post_ids:
            return
        oldest = ids.first_id(clock.now() - KEPT)
        materials = [
            one if one.post_id > oldest else msgspec.structs.replace(one, text_key=None)
            for one in self._materials(texts)
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
