"""Which HTTP status a problem becomes, at both entry points."""

from folkmoot.base.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    TooMany,
    Unauthorized,
    Unavailable,
    WritesPaused,
)
from folkmoot.http.bodies import TooLarge


class WrongMethod(Problem):
    """The address is there, but takes other verbs."""

    code = "wrong_method"
    message = "This address does not take %(method)s."


_STATUS: dict[type[Problem], int] = {
    NotFound: 404, Unauthorized: 401, Forbidden: 403, Malformed: 400, Invalid: 422, Conflict: 409, TooMany: 429,
    WritesPaused: 503, Unavailable: 503, TooLarge: 413, WrongMethod: 405,
}


def status_of(problem: Problem) -> int:
    """Of the kind of the problem, or of the kind that it is a case of; 500 for one that is none of ours."""
    return next((status for kind, status in _STATUS.items() if isinstance(problem, kind)), 500)
