"""The course of a simulated network: each two hours cases come, jurors answer, jobs run, moderators decide what is left to them.

Everything that matters for a verdict is done by the code of a network, at the times of a clock of its own: reports and signals open
the cases, `Juries` draws, counts and fits, `reviewing` serves the items with gold questions among them, the journal is sealed (it
seeds the draws), deadlines are noted, verdicts are settled. Left out is what changes no verdict: notifications, mails, timelines. Weights
are fitted every six hours instead of every hour. A juror is absent for whole days, and on other days looks in every two hours.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config import Settings
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import find_open_case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.journal.actions import seal
from folkmoot.moderation.juries.actions.fit import fit_camps
from folkmoot.moderation.juries.jobs import Juries
from folkmoot.moderation.juries.model import Review, Severity
from folkmoot.moderation.jurors import model as jurors
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.jury.synthetic import SyntheticCase, World
from folkmoot.moderation.jury.trial import Outcome
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.moderation.reviewing.actions import answer_item, read_desk, take_next
from folkmoot.moderation.reviewing.jobs import choose_gold
from folkmoot.moderation.reviewing.model import ItemView
from folkmoot.moderation.reviewing.pairs import asked_questions
from folkmoot.moderation.reviewing.queries import list_waiting_jurors
from folkmoot.moderation.simulation.answers import Answers
from folkmoot.moderation.simulation.heads import synthetic_network
from folkmoot.moderation.simulation.people import LANGUAGE, Cast, settle
from folkmoot.moderation.simulation.queries import Ending, list_endings
from folkmoot.moderation.simulation.results import Played
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.jobs import settle as settle_verdict
from folkmoot.moderation.verdicts.model import Action, Decision, Settle
from folkmoot.network.posts.actions import PostLimits, create_post
from folkmoot.network.posts.model import PostDraft

BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
CASES_A_DAY = 60
CLAUSE = "violence"
STEP = timedelta(hours=2)
STEPS_A_DAY = 12
_FIT_EVERY = 3  # steps
_LONGEST_REST = 24  # steps, for the juries that sit when no case comes any more
_DETECTOR_SCORE = 0.9
Tell = Callable[[int], None]  # hears how many cases are decided


class Course:
    def __init__(self, database: Database, settings: Settings, world: World, seed: int, tell: Tell = lambda _: None) -> None:
        self._database, self._settings, self._world, self._tell = database, settings, world, tell
        self._people, self._coming = synthetic_network(world, seed)
        self._answers = Answers(world, seed)
        self._juries = Juries(settings)
        self._cases: dict[str, SyntheticCase] = {}  # by their words, which are all that a juror sees
        self._open: dict[int, SyntheticCase] = {}  # by the id of the case in the database
        self._truths: dict[str, tuple[str, str, str]] = {}  # of questions by their words: key, broken rule, topic
        self._outcomes: list[Outcome] = []
        self._drawn = 0
        self._reasons: Counter[str] = Counter()
        self._seconds: dict[int, float] = {}  # of work, by account

    async def run(self) -> Played:
        """Plays until all cases are decided."""
        self._cast: Cast = await settle(self._database, self._people, self._answers, BEGINS)
        await self._read_questions()
        await self._fit(BEGINS, camps=True)
        step, filed = 0, 0
        while filed < self._world.cases or (self._open and step < self._steps + _LONGEST_REST):
            now = BEGINS + STEP * step
            if step and step % STEPS_A_DAY == 0:
                await self._fit(now, camps=True)
            elif step % _FIT_EVERY == 0:
                await self._fit(now)
            due = min(self._world.cases, (step + 1) * CASES_A_DAY // STEPS_A_DAY)
            for number in range(filed + 1, due + 1):
                await self._file(number, now)
            filed = due
            await self._play(now, step // STEPS_A_DAY)
            self._tell(len(self._outcomes))
            step += 1
        return Played(
            outcomes=self._outcomes, reasons=dict(self._reasons), seconds=[self._seconds.get(one, 0.0) for one in self._cast.jurors],
            drawn=self._drawn, jurors=len(self._cast.jurors),
        )

    @property
    def _steps(self) -> int:
        return self._world.cases * STEPS_A_DAY // CASES_A_DAY

    async def _read_questions(self) -> None:
        async with self._database.read() as conn:
            for key, one in (await asked_questions(conn)).items():
                for wording in one.wordings.values():
                    self._truths[wording.text] = (key, one.breaks, one.topic)

    async def _fit(self, now: datetime, *, camps: bool = False) -> None:
        with clock.stopped_at(now):
            if camps:
                await fit_camps(self._database)
                await choose_gold(self._database)
            await self._juries.fit_weights(self._database)

    def _clause_of(self, _case: SyntheticCase) -> str:
        """The rule that a case is about."""
        return CLAUSE

    async def _file(self, number: int, now: datetime) -> None:
        """A post is written, and reported a minute later; where detector and reports agree, the detector has found it, too."""
        case = next(self._coming)
        clause = self._clause_of(case)
        author, text = self._cast.authors[case.author_id], f"Words number {number}, which somebody has to judge."
        reporter = self._cast.reporters[self._answers.reporter(case, len(self._cast.reporters))]
        self._cases[text] = case
        with clock.stopped_at(now):
            async with self._database.write() as tx:
                post = (await create_post(
                    tx, author, PostDraft(text=text, language=LANGUAGE), PostLimits(base_url=self._settings.base_url)
                )).post
                if self._answers.detector(case) is Answer.BREACH:
                    examined = ExaminedText(subject=Subject.POST, subject_id=post.id, account_id=author.id, language=LANGUAGE, text=text)
                    found = Finding(_DETECTOR_SCORE, queue=True, hide=False, reasons=(), detector="simulation", version="1")
                    await raise_signal(tx, examined, found, current().clause(clause))
                await file_report(tx, reporter, ReportDraft(account_id=author.id, post_ids=(post.id,), clauses=(clause,)))
                opened = await find_open_case(tx, Subject.POST, post.id)
        assert opened
        self._open[opened.id] = case

    async def _play(self, now: datetime, day: int) -> None:
        """Two hours: the timed jobs, the jurors, the moderators."""
        with clock.stopped_at(now + timedelta(minutes=1)):
            await seal(self._database, secret=self._settings.secret, end_file=self._settings.data / "journal-end")
            await watch_deadlines(self._database)
            await self._juries.form(self._database)
        come = now + timedelta(minutes=5)
        async with self._database.read() as conn:
            waiting = await list_waiting_jurors(conn, come)
        for account_id in waiting:
            if not self._answers.is_absent(self._cast.jurors[account_id], day):
                await self._sit(account_id, come)
        with clock.stopped_at(now + STEP - timedelta(minutes=1)):
            await self._juries.watch(self._database)
            await self._end()

    async def _sit(self, account_id: int, come: datetime) -> int:
        """A juror answers everything that waits, until a break is due, at the own speed; returns how many items."""
        juror, viewer, at, items = self._cast.jurors[account_id], self._cast.viewers[account_id], come, 0
        while True:
            with clock.stopped_at(at):
                async with self._database.write() as tx:
                    if not await take_next(tx, viewer):
                        return items
                async with self._database.read() as conn:
                    item = (await read_desk(conn, viewer)).item
            at += timedelta(seconds=juror.seconds)
            self._seconds[account_id] = self._seconds.get(account_id, 0.0) + juror.seconds
            if item is None:
                return items
            items += 1
            with clock.stopped_at(at):
                async with self._database.write() as tx:
                    await answer_item(tx, viewer, item.id, self._review(account_id, item))

    def _review(self, account_id: int, item: ItemView) -> Review:
        """What the juror says about the words on the screen."""
        juror = self._cast.jurors[account_id]
        case = self._cases.get(item.version.text)
        if case:
            answer, breaks, topic = self._answers.to_case(juror, case), self._clause_of(case), self._clause_of(case)
        else:
            key, breaks, topic = self._truths[item.version.text]
            answer = self._answers.training(juror, key, Answer.BREACH if breaks else Answer.HARMLESS)
        clause = None if answer is Answer.UNSURE else (breaks or topic) if answer is Answer.BREACH else ""
        return Review(finding=jurors.Finding(clause=clause), severity=Severity.CLEAR if clause else None, seen_key=item.seen_key)

    async def _end(self) -> None:
        """Moderators decide what is left to them, and the verdicts are settled."""
        async with self._database.read() as conn:
            ended = await list_endings(conn, list(self._open))
        for ending in ended:
            case = self._open[ending.case_id]
            staff = None
            if ending.is_breach is None:
                staff = self._answers.staff(case)
                await self._decide(ending.case_id, staff)
            del self._open[ending.case_id]
            self._note(ending, case, staff)
        async with self._database.read() as conn:
            decided = await list_endings(conn, [ending.case_id for ending in ended])
        for ending in decided:
            if ending.verdict_id is not None:
                await settle_verdict(self._database, Settle(ending.verdict_id))

    async def _decide(self, case_id: int, answer: Answer) -> None:
        is_breach, clause = answer is Answer.BREACH, self._clause_of(self._open[case_id])
        async with self._database.write() as tx:
            await claim_case(tx, self._cast.moderator, case_id)
            decision = Decision(action=Action.REMOVE if is_breach else Action.KEEP, clause=clause if is_breach else "")
            await decide_case(tx, self._cast.moderator, case_id, decision)

    def _note(self, ending: Ending, case: SyntheticCase, staff: Answer | None) -> None:
        finding = None if ending.is_breach is None else Answer(int(ending.is_breach))
        self._outcomes.append(Outcome(case.truth, case.side, finding, staff, ending.votes))
        self._drawn += ending.drawn
        if finding is None:
            self._reasons[ending.reason] += 1

