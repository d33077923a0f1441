"""Subscribers and jobs of reports. `moderation/assembly.py` registers them."""

from datetime import timedelta

from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job, Timed
from folkmoot.moderation.cases.model import CaseWithdrawn
from folkmoot.moderation.detection.queries import blank_reasons_of_account
from folkmoot.moderation.reports import actions
from folkmoot.moderation.reports.actions import TELL, keep_deleted_post, tell_outcome
from folkmoot.moderation.reports.model import TellOutcome, WeighAgain
from folkmoot.moderation.reports.queries import blank_comments
from folkmoot.moderation.reports.weighing import WEIGH, weigh_again
from folkmoot.network.accounts.model import AccountDeleted
from folkmoot.network.posts.events import PostDeleted


async def tell_further(database: Database, order: TellOutcome) -> None:
    async with database.write() as tx:
        await tell_outcome(tx, order.case_id)


async def weigh_further(database: Database, order: WeighAgain) -> None:
    async with database.write() as tx:
        await weigh_again(tx, order.case_id, order.after)


async def tell_withdrawn(database: Database, event: CaseWithdrawn) -> None:
    async with database.write() as tx:
        await tell_outcome(tx, event.case_id)


async def keep_deleted(database: Database, event: PostDeleted) -> None:
    async with database.write() as tx:
        await keep_deleted_post(tx, event.post_id)


async def forget_words(database: Database, event: AccountDeleted) -> None:
    """Reports and signals stay; the comments of the account and the words of it that were reasons are deleted (decision 0046)."""
    async with database.write() as tx:
        await blank_comments(tx, event.account_id)
        await blank_reasons_of_account(tx, event.account_id)


async def mail_outcomes(database: Database) -> None:
    """Timed. One batch for each run, so that other mails are not delayed."""
    async with database.write() as tx:
        await actions.mail_outcomes(tx)


JOBS = [Job(TELL, TellOutcome, tell_further), Job(WEIGH, WeighAgain, weigh_further)]
TIMED = [Timed("reports.mail_outcomes", timedelta(minutes=1), mail_outcomes)]
