"""Two hundred colluding reporters among honest ones, over ten simulated days, twice: with them and without.

Simulated are people only: when they report, and what they think. Reports, priorities, queue, claims, decisions, deadlines, appeals
and settlement are those of the network. 300 honest members report 500 posts, of which half break a rule. The colluders
report 200 harmless posts of 40 authors as violence, ten of them each post. A moderator decides rightly with a probability of 0.95;
in both runs the same lot falls to the same post. Authors of harmless posts appeal against every measure, three in ten of the others
too; one colluder appeals against every first decision to keep a post. Compared is which posts can be seen at the end.
"""

import functools
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.harness import Row
from benchmarks.moderating.days import Days, Judge
from benchmarks.moderating.town import Town, spread, town
from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import PostEffect

HONEST_POSTS = 500
TARGETED_POSTS = 200
COLLUDERS = 200
ACCURACY = 0.95
DAYS = 10
MODERATORS = 6
_HONEST = 300
_AUTHORS = 80
_TARGETED_AUTHORS = 40
_COLLUDERS_PER_POST = 10
_APPEALS_AFTER = timedelta(hours=1)
_APPEALING = 0.3  # authors whose posts did break a rule


@dataclass(frozen=True)
class Outcome:
    """`hidden`: the names of the posts that cannot be seen at the end; `once_hidden`: of those that could not be seen for a time.
    `hidden_undecided`: posts hidden at a deadline."""

    hidden: set[str]
    once_hidden: set[str]
    hidden_undecided: int
    decided: int


class _People:
    """Everybody in one run."""

    def __init__(self, place: Town) -> None:
        self.place = place

    async def settle(self) -> None:
        await self.place.appoint(MODERATORS)
        self.authors = await self.place.members("author", _AUTHORS)
        self.targeted = await self.place.members("targeted", _TARGETED_AUTHORS)
        self.honest = await self.place.members("honest", _HONEST)
        self.colluders = await self.place.members("colluder", COLLUDERS)
        self.by_id = {account.id: account for account in itertools.chain(self.authors, self.targeted)}
        self.objectors: dict[int, Account] = {}  # the colluder who appeals if nothing is done about a post


async def run_days(honest_posts: int, targeted_posts: int, *, are_attacked: bool) -> Outcome:
    async with town() as place:
        people = _People(place)
        await people.settle()
        start = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        times = spread(start, timedelta(days=DAYS - 4), honest_posts), spread(start, timedelta(days=DAYS - 4), targeted_posts)
        posts = await place.post(people.authors, times[0]), await place.post(people.targeted, times[1])
        names = {id_: f"{kind} {number}" for kind, ids in zip(("honest", "targeted"), posts, strict=True) for number, id_ in enumerate(ids)}
        run = Days(place, start, Judge(frozenset(posts[0][::2]), ACCURACY, names))
        for number, (post_id, moment) in enumerate(zip(posts[0], times[0], strict=True)):
            reporters = [people.honest[number * step % _HONEST] for step in (1, 7)[: 1 + number % 2]]
            _add_report(run, people.authors[number % _AUTHORS], post_id, moment, reporters, "harassment")
        if are_attacked:
            for number, (post_id, moment) in enumerate(zip(posts[1], times[1], strict=True)):
                reporters = random.Random(f"ring {number}").sample(people.colluders, _COLLUDERS_PER_POST)
                people.objectors[post_id] = reporters[0]
                _add_report(run, people.targeted[number % _TARGETED_AUTHORS], post_id, moment, reporters, "violence")
        run.on_decided = functools.partial(_consider_appeal, run, people)
        run.add_shifts(DAYS, cases_per_day=40, minutes_each=2.5)
        await run.play(start + timedelta(days=DAYS))
        return await _outcome(run, names)


def _add_report(run: Days, author: Account, post_id: int, moment: datetime, reporters: Sequence[Account], clause: str) -> None:
    draft = ReportDraft(account_id=author.id, post_ids=(post_id,), clauses=(clause,))
    run.add_reports(moment + timedelta(minutes=10), [(reporter, draft) for reporter in reporters])


def _consider_appeal(run: Days, people: _People, case: Case, verdict: Verdict) -> None:
    """Lodges an appeal an hour later: of the author against a measure, of a colluder, once for each post, against none."""
    post_id, appellant = case.subject_id, None
    if verdict.action is not Action.KEEP:
        is_harmless = post_id not in run.judge.breaches
        if is_harmless or random.Random(f"appeal {run.judge.names[post_id]}").random() < _APPEALING:
            appellant = people.by_id[case.account_id]
    elif not case.is_appeal:
        appellant = people.objectors.get(post_id)
    if appellant:
        run.at(verdict.made_at + _APPEALS_AFTER, functools.partial(_lodge, run.town, appellant, verdict))


async def _lodge(place: Town, appellant: Account, verdict: Verdict) -> None:
    async with place.database.write() as tx:
        await lodge_appeal(tx, appellant, verdict.id, "Prosím, přečtěte si to znovu.")


async def _outcome(run: Days, names: dict[int, str]) -> Outcome:
    async with run.town.database.read() as conn:
        hidden = await conn.fetch(f"SELECT id FROM posts WHERE effect >= {PostEffect.HIDDEN:d}")
        undecided = await conn.fetchval("SELECT count(*) FROM statements WHERE is_after_deadline")
        once = await conn.fetch(f"SELECT DISTINCT subject_id FROM restrictions WHERE subject = '{Subject.POST}'")
    return Outcome({names[row["id"]] for row in hidden}, {names[row["subject_id"]] for row in once}, undecided, run.decided)


async def measure() -> list[Row]:
    calm = await run_days(HONEST_POSTS, TARGETED_POSTS, are_attacked=False)
    attacked = await run_days(HONEST_POSTS, TARGETED_POSTS, are_attacked=True)
    whole = HONEST_POSTS + TARGETED_POSTS
    changed = calm.hidden ^ attacked.hidden
    share = 100 * len(changed) / whole
    targeted = len([name for name in changed if name.startswith("targeted")])
    return [
        Row(f"colluders: outcomes that {COLLUDERS} of them changed", share, "%", "<= 2", share <= 2),
        Row("colluders: posts compared", whole, ""),
        Row("colluders: harmless posts that they have hidden", targeted, ""),
        Row("colluders: harmless posts that they have hidden for a time",
            len([name for name in attacked.once_hidden if name.startswith("targeted")]), ""),
        Row("colluders: other posts with another outcome", len(changed) - targeted, ""),
        Row("colluders: posts hidden at a deadline, with them", attacked.hidden_undecided, ""),
        Row("colluders: posts hidden at a deadline, without them", calm.hidden_undecided, ""),
        Row(f"colluders: decisions of {MODERATORS} moderators, with them", attacked.decided, ""),
        Row(f"colluders: decisions of {MODERATORS} moderators, without them", calm.decided, ""),
    ]
