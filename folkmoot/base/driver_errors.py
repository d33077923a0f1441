"""What an error of the database driver means for whoever asked: one place for reading, writing and caches.

A lost or refused connection is `Unavailable` wherever it happens, a lock or an answer that did not come in time too,
each with a text of its own. What only a mistake of ours can cause (an argument of a wrong type, a syntax error, a
missing right) is left as it is: it is a failure and must be seen as one.
"""

import errno

import asyncpg

from folkmoot.base import write_gate
from folkmoot.base.errors import Conflict, NotFound, Problem, Unavailable

# For code that only needs to know that the database went away, such as a loop that then tries again.
LOST = (
    OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# Everything that can happen while a session is being opened. None of it is the fault of whoever asked.
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def problem_of(error: BaseException, *, is_closed: bool = False) -> Problem | None:
    """What an error inside a write transaction means; None for what is a problem already, or a failure of ours.

    `is_closed`: the session ended with it.
    """
    if isinstance(error, asyncpg.PostgresError):
        if paused := write_gate.refusal(error, at_gate=False):
            return paused
        if isinstance(error, asyncpg.ForeignKeyViolationError):
            return NotFound(log_text=f"gone in the meantime: {error.constraint_name}")
        if isinstance(error, asyncpg.UniqueViolationError | asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
            return Conflict(log_text=f"two at once: {type(error).__name__} {error.constraint_name or ''}")
    return unavailable_of(error, is_closed=is_closed)


def unavailable_of(error: BaseException, *, is_closed: bool = False) -> Unavailable | None:
    """What an error inside any use of a session means; None for what is no sign of a database that does not answer."""
    if isinstance(error, asyncpg.DiskFullError) or (isinstance(error, OSError) and error.errno in _FULL):
        return Unavailable(log_text=f"the disk is full: {error}")
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        why = "a statement took too long" if isinstance(error, asyncpg.QueryCanceledError) else "a row stayed locked"
        return Unavailable("There is a lot going on here right now. Please try again in a moment.", log_text=f"{why}: {error}")
    return lost(error) if _is_lost(error, is_closed) else None


def lost(error: BaseException) -> Unavailable:
    return Unavailable(log_text=f"database: {error!r}")


def _is_lost(error: BaseException, is_closed: bool) -> bool:
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return False  # an argument that does not fit its type
    if isinstance(error, OSError):  # of other kinds than these, the block that used the session has its own
        return is_closed or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, LOST) or (is_closed and isinstance(error, asyncpg.PostgresError))
