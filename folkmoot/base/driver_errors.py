"""Translates errors of the database driver into Problems, in the same way for reading, writing and caches.

A lost or refused connection is `Unavailable` wherever it happens; so are a lock and an answer that did not come in time,
each with its own text. Errors that only a bug can cause (an argument of a wrong type, a syntax error, a missing right)
are not translated: they must be visible as failures.
"""

import asyncpg

from folkmoot.base import write_gate
from folkmoot.base.errors import Conflict, NotFound, Problem, Unavailable
from folkmoot.base.shortage import shortage_problem

# The connection was lost: for code that then tries again, such as a loop.
LOST = (
    OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# All errors that can occur while a session is opened. None of them is caused by the caller.
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def problem_of(error: BaseException, *, is_closed: bool = False) -> Problem | None:
    """The Problem for an error inside a write transaction; None if it is one already, or is caused by a bug.

    `is_closed`: whether the session is closed.
    """
    if isinstance(error, asyncpg.PostgresError):
        if paused := write_gate.refusal(error, at_gate=False):
            return paused
        if isinstance(error, asyncpg.ForeignKeyViolationError):
            return NotFound(log_text=f"deleted in the meantime: {error.constraint_name}")
        if isinstance(error, asyncpg.UniqueViolationError | asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
            return Conflict(log_text=f"concurrent change: {type(error).__name__} {error.constraint_name or ''}")
    return unavailable_of(error, is_closed=is_closed)


def unavailable_of(error: BaseException, *, is_closed: bool = False) -> Unavailable | None:
    """The Unavailable for an error inside any use of a session; None if the database is not the cause."""
    if short := shortage_problem(error):
        return short
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        why = "a statement took too long" if isinstance(error, asyncpg.QueryCanceledError) else "a row stayed locked"
        return Unavailable("There is a lot going on here right now. Please try again in a moment.", log_text=f"{why}: {error}")
    return lost(error) if _is_lost(error, is_closed) else None


def lost(error: BaseException) -> Unavailable:
    return Unavailable(log_text=f"database: {error!r}")


def _is_lost(error: BaseException, is_closed: bool) -> bool:
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return False  # an argument of a wrong type
    if isinstance(error, OSError):  # other OSErrors come from the block that used the session
        return is_closed or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, LOST) or (is_closed and isinstance(error, asyncpg.PostgresError))
