"""Subscribers and jobs of answers. `moderation/assembly.py` registers them."""

from pathlib import Path

from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.config import Settings
from folkmoot.moderation.answers.actions import answer_notice, answer_notices, answer_objections
from folkmoot.moderation.answers.model import ANCHOR_JOB, AnchorAnswer
from folkmoot.moderation.appeals.model import AppealClosed
from folkmoot.moderation.cases.model import CaseWithdrawn
from folkmoot.moderation.journal.actions import anchor, seal
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import NoticeDecidedBefore
from folkmoot.moderation.verdicts.model import VerdictSettled


class Answerer:
    """Answers notices, with the addresses and the secret of the network. `end_file`: that of the journal."""

    def __init__(self, settings: Settings, end_file: Path) -> None:
        self._intake = Intake.of(settings)
        self._secret = settings.secret
        self._end_file = end_file

    @property
    def anchor_job(self) -> Job:
        return Job(ANCHOR_JOB, AnchorAnswer, self.anchor_answer)

    def subscribe(self, heard: Subscriptions) -> None:
        heard.on(VerdictSettled, self.answer_settled)
        heard.on(CaseWithdrawn, self.answer_withdrawn)
        heard.on(AppealClosed, self.answer_closed)
        heard.on(NoticeDecidedBefore, self.answer_decided_before)

    async def answer_settled(self, database: Database, event: VerdictSettled) -> None:
        async with database.write() as tx:
            await answer_notices(tx, self._intake, event.case_id)

    async def answer_withdrawn(self, database: Database, event: CaseWithdrawn) -> None:
        async with database.write() as tx:
            await answer_notices(tx, self._intake, event.case_id)

    async def answer_decided_before(self, database: Database, event: NoticeDecidedBefore) -> None:
        async with database.write() as tx:
            await answer_notice(tx, self._intake, event.notice_id)

    async def answer_closed(self, database: Database, event: AppealClosed) -> None:
        async with database.write() as tx:
            await answer_objections(tx, self._intake, event.case_id)

    async def anchor_answer(self, database: Database, _order: AnchorAnswer) -> None:
        """Seals the answer and anchors the journal, so that the evidence package can prove it."""
        await seal(database, self._secret, self._end_file)
        await anchor(database)
