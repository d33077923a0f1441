"""The HTTP status of each Problem, for both entry points."""

from folkmoot.base.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    StorageFull,
    TooMany,
    Unauthorized,
    Unavailable,
    WritesPaused,
)
from folkmoot.http.bodies import TooLarge

REFUSAL = "folkmoot.refusal"  # a Problem in the scope: the applications answer with it instead of running the handler


class WrongMethod(Problem):
    """The path exists, but not with this method."""

    code = "wrong_method"
    message = "This address does not take %(method)s."


_STATUS: dict[type[Problem], int] = {
    NotFound: 404, Unauthorized: 401, Forbidden: 403, Malformed: 400, Invalid: 422, Conflict: 409, TooMany: 429,
    WritesPaused: 503, StorageFull: 507, Unavailable: 503, TooLarge: 413, WrongMethod: 405,
}


def status_of(problem: Problem) -> int:
    """The status of the class of the problem or of its base class; 500 for an unknown one."""
    return next((status for kind, status in _STATUS.items() if isinstance(problem, kind)), 500)
