"""Whose fault a failure is: the job's own, which counts as a try, or that of a database that was away."""

import asyncpg

from folkmoot.base.errors import Unavailable, WritesPaused

_AWAY = (
    asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError, asyncpg.InternalClientError,
)


def is_of_database(error: BaseException) -> bool:
    """Whether the database was away, or writes are paused. A statement that took too long is the job's own fault, and so
    are arguments that PostgreSQL does not take, although the driver speaks of its interface."""
    if isinstance(error, WritesPaused):
        return True
    if isinstance(error, Unavailable):
        cause = error.__cause__
        return isinstance(cause, OSError) or (cause is not None and is_of_database(cause))
    return isinstance(error, _AWAY) or (type(error) is asyncpg.InterfaceError and "closed" in str(error))


def in_words(error: BaseException) -> str:
    """One line for the operator, without the rows that PostgreSQL adds."""
    text = f"{type(error).__name__}: {str(error).partition(chr(10) + 'DETAIL:')[0]}"
    return "".join(letter if letter.isprintable() else " " for letter in text[:1000])
