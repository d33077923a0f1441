"""Counts the answers of a jury, and does what follows: asks more jurors, decides, or leaves the case to moderators."""

from collections.abc import Sequence

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.bench import Bench, end, pass_on
from folkmoot.moderation.juries.counting import Ballot, Count, Result, conclude, facts_of
from folkmoot.moderation.juries.model import UNFITTED, Docket, Jury, Reason, Seat, State
from folkmoot.moderation.juries.wording import explain
from folkmoot.moderation.jury.model import StepKind
from folkmoot.moderation.verdicts.actions import reach_verdict
from folkmoot.moderation.verdicts.model import Decider, DeciderKind, Decision
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.queries import find_login


async def count_answers(
    tx: WriteTx, bench: Bench, jury: Jury, case: Case, docket: Docket, answered: Sequence[Seat], version: Version
) -> Jury:
    """Counts, with the newest weights, and acts on the result. Writes jury.counted to the journal: everything that the result depends
    on, by the numbers of the seats."""
    count = await _read_count(tx, jury, docket, answered)
    result = conclude(count)
    await record_step(tx, Step.JURY_COUNTED, case_id=case.id, **facts_of(count))
    if result.step is StepKind.ASK:
        more = msgspec.structs.replace(jury, wanted=result.reviews + result.seats)
        await queries.update_jury(tx, more)
        return more
    now = clock.now()
    if result.step is StepKind.STAFF:
        return await pass_on(tx, jury, Reason(result.reason), now)
    if result.clause and current().find(result.clause) is None:
        return await pass_on(tx, jury, Reason.RULES, now)
    await reach_verdict(tx, Decider(DeciderKind.JURY, case.id), case, await _decision(tx, bench, case, count, result, version))
    return await end(tx, jury, State.DECIDED, now)


async def _read_count(tx: WriteTx, jury: Jury, docket: Docket, answered: Sequence[Seat]) -> Count:
    fit = await queries.find_fit(tx) or UNFITTED
    weights = await queries.list_weights(tx, [one.account_id for one in answered])
    return Count(
        ballots=tuple(
            Ballot(one.number, one.camp, one.answer, one.clause, one.severity, weights.get(one.account_id, fit.newcomer))
            for one in answered if one.answer is not None
        ),
        base=fit.base, fit=fit.version, side=jury.side, is_agreed=jury.is_agreed, policy=current().version, suspected=docket.clause,
        usual={clause: clause_of(clause).usual for clause in sorted({one.clause for one in answered if one.clause})},
        at_most=docket.at_most,
    )


async def _decision(tx: WriteTx, bench: Bench, case: Case, count: Count, result: Result, version: Version) -> Decision:
    login = await find_login(tx, case.account_id)
    translator = bench.translators.get(login.language if login else "") or bench.translators[bench.language]
    return Decision(
        action=result.action, clause=result.clause, seen_words=version.key,
        seen_edited_at=version.edited_at if isinstance(version, PostVersion) else None,
        explanation=explain(translator, count, clause_of(result.clause) if result.clause else None),
    )
