"""Puts together the background work of moderation: the subscribers of events, the jobs and the timed jobs. `app.py` adds them to
those of the network."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from folkmoot.base.file_store import FileStore
from folkmoot.base.queue.model import Job, Timed
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.config import Settings
from folkmoot.moderation.answers.jobs import Answerer
from folkmoot.moderation.appeals import jobs as appeals
from folkmoot.moderation.cases import jobs as cases
from folkmoot.moderation.cases.calls import CALL_WEBHOOK, Call, Callees
from folkmoot.moderation.cases.model import CaseWithdrawn
from folkmoot.moderation.detection.asking import Asking
from folkmoot.moderation.detection.current import detector_of
from folkmoot.moderation.detection.jobs import Examiner
from folkmoot.moderation.detection.pauses import BEATS_EVERY, Watch
from folkmoot.moderation.detection.signals import SignalRaised
from folkmoot.moderation.detection.texts import NewTexts
from folkmoot.moderation.evidence import jobs as evidence
from folkmoot.moderation.hash_lists.actions import SCAN_JOB
from folkmoot.moderation.hash_lists.jobs import Matcher, Scan
from folkmoot.moderation.journal.actions import anchor, seal
from folkmoot.moderation.juries.jobs import Juries
from folkmoot.moderation.jurors.jobs import forget_left
from folkmoot.moderation.learning import jobs as learning
from folkmoot.moderation.measurement.jobs import Measuring
from folkmoot.moderation.notices import jobs as notices
from folkmoot.moderation.notices.model import NoticeReceived, NoticeVerified
from folkmoot.moderation.reports import jobs as reports
from folkmoot.moderation.restrictions import jobs as restrictions
from folkmoot.moderation.reviewing import jobs as reviewing
from folkmoot.moderation.rules import jobs as rules
from folkmoot.moderation.statements import jobs as statements
from folkmoot.moderation.transparency.jobs import publish_months
from folkmoot.moderation.verdicts import jobs as verdicts
from folkmoot.moderation.verdicts.actions import SETTLE
from folkmoot.moderation.verdicts.model import Repeat, Settle, VerdictSettled
from folkmoot.moderation.verdicts.two_people import REPEAT
from folkmoot.network.accounts.model import AccountDeleted
from folkmoot.network.posts.events import PostDeleted


class Moderation:
    """The background work of moderation. `pictures`: where it reads uploaded files; `journal_end`: the file with the end of the journal."""

    def __init__(self, settings: Settings, pictures: FileStore, journal_end: Path) -> None:
        self._settings = settings
        self._journal_end = journal_end
        self._texts = NewTexts()
        self._matcher = Matcher(pictures, self._texts)
        self._rule_reader = rules.RuleReader(settings.domain, self._texts)
        self._answerer = Answerer(settings, journal_end)
        self._callees = Callees.of(settings)
        self._asking = Asking(settings.detector)
        self._juries = Juries(settings)
        self._sampling = reviewing.Sampling(settings.moderation, self._juries.halves)

    def subscribe(self, heard: Subscriptions) -> None:
        """The subscribers of each event."""
        detector = detector_of(self._settings.data)
        Examiner(detector, detector.refresh, self._asking, self._texts).subscribe(heard)
        self._matcher.subscribe(heard)
        self._rule_reader.subscribe(heard)
        heard.on(AccountDeleted, cases.withdraw_of_deleted_account)
        for forget in (reports.forget_words, statements.forget_words, appeals.forget_words, evidence.forget_words):
            heard.on(AccountDeleted, forget)
        heard.on(PostDeleted, reports.keep_deleted)
        heard.on(NoticeReceived, notices.alarm_of_received)
        heard.on(NoticeVerified, notices.alarm_of_verified)
        heard.on(SignalRaised, restrictions.Hiding(self._settings.moderation.hidden_per_author).hide_pending_review)
        for end in (restrictions.lift_withdrawn, reports.tell_withdrawn, appeals.close_withdrawn):
            heard.on(CaseWithdrawn, end)
        heard.on(VerdictSettled, appeals.close_settled)
        self._answerer.subscribe(heard)
        self._juries.subscribe(heard)

    def jobs(self) -> list[Job]:
        return [
            Job(SETTLE, Settle, verdicts.settle), Job(REPEAT, Repeat, verdicts.repeat),
            Job(CALL_WEBHOOK, Call, partial(cases.call_webhook, self._callees)), Job(SCAN_JOB, Scan, self._matcher.scan),
            *reports.JOBS, self._answerer.anchor_job, *self._rule_reader.jobs(), *self._juries.jobs(), *self._sampling.jobs(),
        ]

    def timed_jobs(self) -> list[Timed]:
        settings = self._settings
        measuring = Measuring(settings, detector_of)
        from_mailbox = [Timed("notices.fetch_mails", timedelta(minutes=1), partial(notices.fetch_mails, settings=settings))]
        return [
            Timed("journal.seal", timedelta(seconds=1), partial(seal, secret=settings.secret, end_file=self._journal_end)),
            Timed("journal.anchor", timedelta(minutes=10), partial(anchor, daily=True)),
            Timed("cases.watch_deadlines", timedelta(seconds=15), cases.watch_deadlines),
            Timed("cases.call_people", timedelta(seconds=15), partial(cases.call_people, callees=self._callees)),
            Timed("restrictions.hide_overdue", timedelta(seconds=15), restrictions.hide_overdue),
            Timed("restrictions.lift", timedelta(seconds=5), restrictions.lift_expired),
            Timed("restrictions.repair_reach", timedelta(minutes=10), restrictions.repair_reach),
            Timed("notices.watch_deadlines", timedelta(seconds=15), notices.watch_deadlines),
            Timed("notices.forget_senders", timedelta(days=1), notices.forget_senders, is_cleaning=True),
            *(from_mailbox if settings.notices.mailbox_host else []), *rules.TIMED, *reports.TIMED, *statements.TIMED,
            Timed("detection.watch", BEATS_EVERY, Watch(has_reader=bool(settings.detector.reader_url))),
            Timed("detection.ask_reader", timedelta(seconds=5), self._asking.ask_waiting),
            Timed("learning.draw_samples", timedelta(days=1), learning.Drawing(settings, detector_of)),
            *self._juries.timed_jobs(),
            Timed("jurors.forget_left", timedelta(days=1), forget_left, is_cleaning=True),
            Timed("reviewing.call_jurors", timedelta(minutes=1), reviewing.call_jurors),
            Timed("reviewing.offer_sample", timedelta(minutes=1), self._sampling.offer),
            Timed("reviewing.choose_gold", timedelta(days=1), reviewing.choose_gold),
            Timed("evidence.clear", timedelta(hours=1), appeals.clear_evidence, is_cleaning=True),
            Timed("posts.clear_removed", timedelta(hours=1), appeals.clear_removed, is_cleaning=True),
            Timed("transparency.publish_months", timedelta(hours=1), partial(publish_months, settings=settings)),
            Timed("proposals.expire", timedelta(minutes=1), verdicts.expire),
            Timed("measurement.draw", timedelta(hours=1), measuring.draw),
            Timed("measurement.compute", timedelta(days=1), measuring.compute),
        ]
