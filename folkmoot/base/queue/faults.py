"""The cause of a failure: the job itself, which counts as a try, or an unavailable database, which does not."""

import asyncpg

from folkmoot.base.errors import Unavailable, WritesPaused

_AWAY = (
    asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError, asyncpg.InternalClientError,
)


def is_database_fault(error: BaseException) -> bool:
    """Whether the database was unavailable, or writes are paused. A statement timeout is the fault of the job, and so are
    arguments that PostgreSQL refuses, although the driver raises InterfaceError for them."""
    if isinstance(error, WritesPaused):
        return True
    if isinstance(error, Unavailable):
        cause = error.__cause__
        return isinstance(cause, OSError) or (cause is not None and is_database_fault(cause))
    return isinstance(error, _AWAY) or (type(error) is asyncpg.InterfaceError and "closed" in str(error))


def error_line(error: BaseException) -> str:
    """The error in one line for operators, without the row that PostgreSQL adds."""
    text = f"{type(error).__name__}: {str(error).partition(chr(10) + 'DETAIL:')[0]}"
    return "".join(letter if letter.isprintable() else " " for letter in text[:1000])
