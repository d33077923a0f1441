"""What operators do: exclude somebody from the jury, readmit them, and replace the questions of the training.

Careless answers lower the weight of a juror and exclude nobody; this is for collusion and the like. Any member can be excluded, juror
or not, so that nobody learns from it who is one. The journal records that it happened and by whom, not about whom.
"""

import hashlib

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Forbidden, Invalid
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.jurors import queries
from folkmoot.moderation.jurors.actions import get_locked, step
from folkmoot.moderation.jurors.gold_file import GoldFile, read_gold
from folkmoot.moderation.jurors.model import LIFECYCLE, LONGEST_REASON, Choices, Juror, State
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import get_login


async def exclude(tx: WriteTx, operator: Viewer, account_id: int, reason: str) -> None:
    """Excludes a member from the jury. They read the reason on the page of the jury, and are mailed.

    Operators. Writes juror.excluded to the journal, without the member. Raises Forbidden, Invalid for a missing or too long reason,
    NotFound for an account without a log-in, Conflict for somebody who is excluded already.
    """
    _require_operator(operator)
    text = clean(reason)
    if not text:
        raise Invalid(FieldError("reason", "blank", "Please say why."))
    if count_characters(text) > LONGEST_REASON:
        raise Invalid(FieldError("reason", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REASON}))
    login = await get_login(tx, account_id)
    now = clock.now()
    await queries.insert_juror(
        tx, Juror(account_id=account_id, state=LIFECYCLE.first, changed_at=now, choices=Choices(), counted_from=now)
    )
    juror = await get_locked(tx, account_id)
    if juror.state is State.EXCLUDED:
        raise Conflict("This member is excluded already.")
    await queries.delete_answers(tx, account_id)
    await step(tx, juror, State.EXCLUDED, choices=Choices(), passed_at=None, reason=text, excluded_by_id=operator.id)
    await record_step(tx, Step.JUROR_EXCLUDED, case_id=None, actor_id=operator.id)
    send_mail(tx, Mail("excluded_from_jury", login.email, login.language, "/jury"))


async def readmit(tx: WriteTx, operator: Viewer, account_id: int) -> None:
    """Ends an exclusion: the member can apply again. Operators. Writes juror.readmitted to the journal. Raises Forbidden, Conflict."""
    _require_operator(operator)
    juror = await queries.lock_juror(tx, account_id)
    if juror is None or juror.state is not State.EXCLUDED:
        raise Conflict("This member is not excluded from the jury.")
    await step(tx, juror, State.LEFT, reason="", excluded_by_id=None)
    await record_step(tx, Step.JUROR_READMITTED, case_id=None, actor_id=operator.id)


async def publish_gold(tx: WriteTx, source: str) -> GoldFile:
    """Replaces the questions of the training. Changes nothing if there are faults.

    Operators, on the command line. Writes gold.published to the journal.
    """
    read = read_gold(source, [clause.key for clause in current().clauses])
    if not read.faults:
        await queries.insert_gold_file(tx, source, clock.now())
        await record_step(
            tx, Step.GOLD_PUBLISHED, case_id=None, questions=len(read.questions), sha256=hashlib.sha256(source.encode()).hexdigest()
        )
    return read


def _require_operator(viewer: Viewer) -> None:
    if not viewer.holds(Role.OPERATOR):
        raise Forbidden
