"""Drives a move through its steps, on either host: starts it, goes on where it stopped, or undoes it.

Before the promotion every failure undoes what was done. Whether the promotion has happened is never guessed: the new host
is asked to refuse, and its answer decides.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.moving.fencing import OPERATOR
from folkmoot.portability.moving.journal import Journal, What
from folkmoot.portability.moving.model import Decision, HostCondition, MoveProblem, Options, Order, State
from folkmoot.portability.moving.plan import least_skew
from folkmoot.portability.moving.sides import OwnHost, Side
from folkmoot.portability.moving.steps import STEPS, HasPromoted, Move
from folkmoot.portability.moving.table import Step, nothing

_ROUNDS = 3  # how often the driver looks again after a step whose outcome was unknown


def plan_move(own: Side, own_condition: HostCondition, other: Side, other_condition: HostCondition, options: Options) -> Move:
    """Chooses the direction: away from the host that writes, or wrote last. Raises MoveProblem if there is none."""
    sides = [(own, own_condition), (other, other_condition)]
    roles = {condition.role for _, condition in sides}
    if roles == {PRIMARY, STANDBY}:
        leaves = next(index for index, (_, condition) in enumerate(sides) if condition.role == PRIMARY)
    elif FENCED in roles and roles != {FENCED}:
        leaves = next(index for index, (_, condition) in enumerate(sides) if condition.role == FENCED)
    else:
        raise MoveProblem(
            "This host is %(own)s and the other one %(other)s, so there is no planned move between them. Run: moot failover",
            own=own_condition.role, other=other_condition.role,
        )
    (old, at_old), (new, at_new) = sides[leaves], sides[1 - leaves]
    if at_old.role == FENCED and not at_old.move and at_new.role == PRIMARY:
        raise MoveProblem(
            "The fenced host did not hand over: the other one was promoted without it, by a failover. To make it a standby, stop the"
            " network on the fenced host, then run there: moot standby --again"
        )
    unfinished = (at_old.move or at_new.move) if at_old.role == FENCED else ""
    began_at = at_old.database.position if at_old.database else ""
    return Move(unfinished or clock.token(6), old, new, at_old, at_new, options, began_at=began_at)


async def look_at(own: Side, other: Side, options: Options) -> Move:
    """Asks both hosts and chooses the direction."""
    nobody = Order("")
    here, asked_at = await own.condition(nobody), clock.now()
    there, answered_at = await other.condition(nobody), clock.now()
    move, skew = plan_move(own, here, other, there, options), least_skew(asked_at, there.now, answered_at)
    move.skew = skew if move.old is own else -skew
    return move


async def drive(
    move: Move, journal: Journal, on_step: Callable[[Step[Move]], None] = lambda _step: None, steps: Sequence[Step[Move]] = STEPS,
) -> None:
    """Goes through the table until the move is done. Raises MoveProblem, which says what to do next, after undoing everything."""
    for _ in range(_ROUNDS):
        try:
            for number, step in enumerate(steps):
                if not step.is_done(move):
                    on_step(step)
                    await _take(step, steps[:number], move, journal)
            journal.append(move.id, State.DONE, "action", "done", pause=move.pause, took=move.took)
            return
        except HasPromoted:
            await move.look()
    raise MoveProblem("The new host has taken over, but does not finish the move. Run: moot move")


def require_undoable(own: OwnHost) -> HostState:
    """The state of a host that was fenced by a move. Raises MoveProblem if it is not."""
    state = own.this.state
    if state.role != FENCED or not state.move:
        raise MoveProblem("There is no move to undo: this host is not fenced by one.")
    return state


async def undo(own: OwnHost, other: Side, *, is_other_off: bool = False) -> HostCondition:
    """Lets a fenced host write again, if the other one refuses to take over. `is_other_off`: the operator states, instead, that
    the other host does not run and has not taken over; that is written into the journal.

    Raises MoveProblem, and Problem if the other host does not answer.
    """
    state = require_undoable(own)
    if is_other_off:
        return await own.unfence(Decision(state.move, OPERATOR, True))
    decision = await other.refuse(Order(state.move))
    if not decision.is_refused:
        raise MoveProblem("The other host has taken over, so there is nothing to undo. Finish the move with: moot move")
    return await own.unfence(decision)


async def _take(step: Step[Move], before: Sequence[Step[Move]], move: Move, journal: Journal) -> None:
    """One step. If it fails, everything before it is undone, and the reason is raised."""
    began = clock.monotonic()
    try:
        journal.append(move.id, step.state, "action", "started", is_durable=not step.is_urgent)
        await step.act(move)
        move.took[step.state] = round(clock.monotonic() - began, 4)
        if not step.is_done(move):
            raise MoveProblem("%(step)s had no effect.", step=step.sentence.capitalize())
        journal.append(move.id, step.state, "action", "done", is_durable=not step.is_urgent, seconds=move.took[step.state])
    except BaseException as error:  # also Ctrl-C: writes must not stay held, nor the host fenced
        why = _reason(error)
        _note(journal, move, step, "action", "failed", why=why)
        await _undo(step, before, move, journal, why)
        if not isinstance(error, Exception):
            raise
        raise MoveProblem(
            "The move was stopped while %(step)s: %(why)s The old host writes as before. Try again with: moot move",
            step=step.sentence, why=why,
        ) from error


async def _undo(failed: Step[Move], before: Sequence[Step[Move]], move: Move, journal: Journal, why: str) -> None:
    """Undoes the failed step and those before it, last first. Raises HasPromoted, or MoveProblem if it is not possible now."""
    if move.is_promoted:
        raise MoveProblem(
            "The new host has taken over and writes. What is left failed while %(step)s: %(why)s Go on with: moot move",
            step=failed.sentence, why=why,
        )
    for step in reversed([*before, failed]):
        if step.undo is nothing:
            continue
        try:
            await step.undo(move)
        except HasPromoted:
            _note(journal, move, step, "undo", "failed", why="the new host has taken over")
            raise
        except Problem as error:
            _note(journal, move, step, "undo", "failed", why=_reason(error))
            if step.state != State.FENCED:  # a hold ends by itself
                continue
            raise MoveProblem(
                "The move was stopped while %(step)s: %(why)s The new host does not say whether it has taken over, so this host"
                " stays read-only until it does. Connect them again, then run: moot move", step=failed.sentence, why=why,
            ) from error
        _note(journal, move, step, "undo", "done")


def _note(journal: Journal, move: Move, step: Step[Move], what: What, outcome: str, **facts: object) -> None:
    """A line about a failure. It is for people: if it cannot be written, undoing goes on."""
    with suppress(OSError):
        journal.append(move.id, step.state, what, outcome, is_durable=not step.is_urgent, **facts)


def _reason(error: BaseException) -> str:
    """The reason in a sentence. An operator may see the text for the log."""
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return "it was interrupted (Ctrl-C)."
    if not isinstance(error, Problem):
        return f"{type(error).__name__}: {error}."
    sentence = error.message % error.params if error.params else error.message
    return f"{sentence} ({error.log_text})." if error.log_text else sentence
