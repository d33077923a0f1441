"""Computes the verdict of a jury again, from nothing but the journal, and compares.

Three things must hold: each recorded count gives its recorded result, byte for byte; the last result is what was decided, in the journal
and in the table of verdicts; and the entries carry the hashes that the chain has for them. The whole chain is checked by
`moot journal verify`.
"""

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.journal.actions import encode_facts
from folkmoot.moderation.journal.model import Entry, Step, has_valid_hash
from folkmoot.moderation.journal.queries import find_hash, list_entries_of
from folkmoot.moderation.juries.counting import Count, Result, conclude, facts_of
from folkmoot.moderation.jury.model import StepKind
from folkmoot.moderation.verdicts.model import Action, DeciderKind, Verdict
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """`differences`: sentences, empty if everything is as recorded; `unsealed`: entries that the chain does not protect yet."""

    case_id: int
    counts: int
    result: Result | None
    probability: float | None
    differences: tuple[str, ...]
    unsealed: int = 0


class _Facts(msgspec.Struct, frozen=True):
    count: Count
    result: Result


class _Reached(msgspec.Struct, frozen=True):
    verdict: int
    decider: str
    action: str
    clause: str


async def replay_case(conn: ReadConn, case_id: int) -> Replay:
    """Without a count in the journal: `counts` 0 and no differences."""
    entries = await list_entries_of(conn, case_id, [Step.JURY_COUNTED, Step.VERDICT_REACHED])
    counted = [entry for entry in entries if entry.kind == Step.JURY_COUNTED]
    differences = [fault for entry in entries if (fault := await _fault_of_hash(conn, entry))]
    result: Result | None = None
    for entry in counted:
        result, fault = _recompute(entry)
        differences += [fault] if fault else []
    if counted and result:
        reached = [entry for entry in entries if entry.kind == Step.VERDICT_REACHED]
        verdict = (await list_verdicts_of_cases(conn, [case_id])).get(case_id)
        differences += _compare(result, reached, verdict)
    return Replay(
        case_id=case_id, counts=len(counted), result=result, probability=None if result is None else round(result.probability, 4),
        differences=tuple(differences), unsealed=sum(entry.position is None for entry in entries),
    )


def _recompute(entry: Entry) -> tuple[Result | None, str]:
    """The result of a recorded count, and how it differs from the recorded one."""
    try:
        facts = msgspec.json.decode(entry.facts, type=_Facts)
    except msgspec.DecodeError as error:
        return None, f"Entry {entry.id} is no count: {error}."
    computed = conclude(facts.count)
    if encode_facts(facts_of(facts.count)) == entry.facts:
        return computed, ""
    pairs = zip(msgspec.structs.asdict(computed).items(), msgspec.structs.asdict(facts.result).values(), strict=True)
    differing = ", ".join(f"{name} {said!s} instead of {is_!s}" for (name, is_), said in pairs if said != is_)
    return computed, f"Entry {entry.id} does not follow from its answers: it says {differing or 'the same in other bytes'}."


def _compare(result: Result, reached: list[Entry], verdict: Verdict | None) -> list[str]:
    """How the verdict differs from the result of the last count."""
    by_jury = [facts for entry in reached if (facts := msgspec.json.decode(entry.facts, type=_Reached)).decider == DeciderKind.JURY]
    if result.step not in (StepKind.BREACH, StepKind.HARMLESS):
        return ["The jury has not decided, but the journal has a verdict of it."] if by_jury else []
    if not by_jury:
        return ["The jury has decided, but the journal has no verdict of it."]
    found = [("journal", by_jury[-1].action, by_jury[-1].clause)]
    if verdict and verdict.id == by_jury[-1].verdict:
        found.append(("table of verdicts", verdict.action, verdict.clause))
    else:
        return ["The verdict of the jury is missing in the table of verdicts."]
    return [
        f"The {where} says {action} ({clause}); the answers give {result.action}{f' ({result.clause})' if result.clause else ''}."
        for where, action, clause in found
        if action != result.action or (result.action != Action.KEEP and clause != result.clause)
    ]


async def _fault_of_hash(conn: ReadConn, entry: Entry) -> str:
    if entry.position is None:
        return ""
    before = await find_hash(conn, entry.position - 1)
    if before is None or not has_valid_hash(before, entry):
        return f"Entry {entry.id} was changed after it was sealed."
    return ""
