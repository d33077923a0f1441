"""What moderators do about an account as a whole, or the reach of a post, with an app of Mastodon's administrators. Each act is a decision
about a case, with a statement of reasons, as in the room of moderators; what needs two people there needs them here.
"""

from collections.abc import Collection
from enum import StrEnum

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid
from folkmoot.base.i18n import Translator
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.cases.queries import find_open_case
from folkmoot.moderation.proposals.model import Proposal
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.restrictions.queries import list_in_force
from folkmoot.moderation.verdicts.alike import undo_alike
from folkmoot.moderation.verdicts.model import MOST_DAYS, Action, Decider, Decision, Verdict
from folkmoot.moderation.verdicts.queries import get_verdict, list_templates
from folkmoot.moderation.verdicts.reversal import reverse_verdict
from folkmoot.moderation.verdicts.two_people import propose_deletion
from folkmoot.moderation.workspace.reported import decide_cases, get_open_cases
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.sessions.model import Viewer


class Measure(StrEnum):
    """What can be decided about the author in answer to a report."""

    WARN = "warn"
    LIMIT = "limit"
    FREEZE = "freeze"
    SUSPEND = "suspend"

    def decision(self, case: Case, explanation: str, days: int) -> Decision:
        """About a case. A reported post stays, except that of somebody who is suspended."""
        is_beside = case.subject is Subject.POST and self in (Measure.LIMIT, Measure.FREEZE)
        return Decision(
            action=Action.WARN if is_beside else Action(self.value), also=(self.value,) if is_beside else (), clause=case.clause,
            explanation=explanation, days=days,
        )


async def restrict_account(
    tx: WriteTx, moderator: Viewer, account_id: int, measure: Measure, *, report_id: int | None = None, explanation: str = "",
    template_id: int | None = None, days: int = MOST_DAYS,
) -> Verdict:
    """Decides the open cases of a report, or without one the open case about the account, with a measure on its author, under the rule that
    is suspected to be broken. The author gets a statement of reasons; `explanation` follows the ready sentence `template_id`.

    Moderators. Raises Conflict when there is no open case: who finds something without one reports it, and somebody else decides. Raises
    Invalid, Concerned, NotFound, and Conflict when somebody else holds a case.
    """
    require_moderator(moderator)
    await get_account(tx, account_id)
    if report_id:
        cases = await get_open_cases(tx, moderator, report_id)
        if cases[0].account_id != account_id:
            raise Invalid(FieldError("report_id", "inclusion", "This report is about somebody else."))
    else:
        case = await find_open_case(tx, Subject.ACCOUNT, account_id)
        if case is None:
            raise Conflict("Nobody has reported this account. Please report what you have found; somebody else decides about it.")
        cases = [case]
    text = "\n\n".join(filter(None, [await _ready_sentence(tx, template_id), explanation]))
    return await decide_cases(tx, moderator, cases, measure.decision(cases[0], text, days))


async def lift_measures(
    tx: WriteTx, moderator: Viewer, account_id: int, kinds: Collection[Kind], reason: str, translator: Translator
) -> int:
    """Ends the measures of these kinds on an account; returns how many decisions that reverses. Apps do not ask for the reason.

    Moderators. A decision of one's own is undone in its first half minute; a settled one is reversed with everything it did, and everybody
    is told. Raises NotFound, and what `undo_verdict` and `reverse_verdict` raise.
    """
    require_moderator(moderator)
    await get_account(tx, account_id)
    return await _lift(tx, moderator, (Subject.ACCOUNT, account_id), kinds, reason, translator)


async def limit_reach(tx: WriteTx, moderator: Viewer, post_id: int) -> Verdict:
    """Decides the open case about a post: its reach is limited, so that it is in no trends, under the rule that is suspected to be broken.
    The author gets a statement of reasons (DSA Art. 17(1)(a): to show less of something is a restriction).

    Moderators. Raises NotFound, Concerned, and Conflict when there is no open case, or somebody else holds it.
    """
    require_moderator(moderator)
    await get_post_view(tx, post_id, moderator.id)
    case = await find_open_case(tx, Subject.POST, post_id)
    if case is None:
        raise Conflict("Nobody has reported this post. Please report what you have found; somebody else decides about it.")
    return await decide_cases(tx, moderator, [case], Decision(action=Action.LIMIT, clause=case.clause, days=MOST_DAYS))


async def restore_reach(tx: WriteTx, moderator: Viewer, post_id: int, translator: Translator) -> int:
    """Ends the limits on the reach of a post, like `lift_measures`. Moderators. Raises NotFound too."""
    require_moderator(moderator)
    await get_post_view(tx, post_id, moderator.id)
    return await _lift(tx, moderator, (Subject.POST, post_id), [Kind.LIMIT_POST], "", translator)


async def _lift(
    tx: WriteTx, moderator: Viewer, about: tuple[Subject, int], kinds: Collection[Kind], reason: str, translator: Translator
) -> int:
    reason = reason or translator.sentence("A moderator has ended it with an app, without further words.")
    standing = [one for one in await list_in_force(tx, *about) if one.kind in kinds]
    verdict_ids = dict.fromkeys(one.verdict_id for one in standing if one.verdict_id)
    for verdict_id in verdict_ids:
        verdict = await get_verdict(tx, verdict_id)
        if verdict.settled_at is None and verdict.decider == Decider.person(moderator.id) and clock.now() <= verdict.undo_until:
            await undo_alike(tx, moderator, verdict.batch_id or verdict.id)
        elif verdict.overturned_by_id is None:
            await reverse_verdict(tx, moderator, verdict.id, reason)
    return len(verdict_ids)


async def propose_to_delete(tx: WriteTx, moderator: Viewer, account_id: int, reason: str = "") -> Proposal:
    """Proposes to delete a suspended account: see `propose_deletion`. Without a reason, the words of the suspension are the reason. Raises
    NotFound, Conflict for an account that no decision has suspended."""
    require_moderator(moderator)
    await get_account(tx, account_id)
    standing = [one for one in await list_in_force(tx, Subject.ACCOUNT, account_id) if one.kind is Kind.SUSPEND and one.verdict_id]
    if not standing or standing[-1].verdict_id is None:
        raise Conflict("This account is not suspended.")
    verdict = await get_verdict(tx, standing[-1].verdict_id)
    return await propose_deletion(tx, moderator, verdict.id, reason or verdict.explanation)


async def _ready_sentence(tx: WriteTx, template_id: int | None) -> str:
    if template_id is None:
        return ""
    for template in await list_templates(tx):
        if template.id == template_id:
            return template.text
    raise Invalid(FieldError("warning_preset_id", "inclusion", "There is no such ready sentence."))
