"""The expected errors, with one text for people and one for the log.

    Problem
    ├── NotFound          does not exist, or the viewer may not see it: the same answer
    ├── Unauthorized      no session, or the token is not valid
    ├── Forbidden         the caller is known and may not do this
    ├── Malformed         a request that cannot be parsed: missing parameter, invalid number, invalid JSON
    ├── Invalid           input that cannot be used: a list of fields, each with a code and a sentence
    ├── Conflict          a concurrent change, or the state is already as requested
    ├── TooMany           a limit was reached: says when to retry
    ├── WritesPaused      the write gate refuses: the host is moving, fenced or a standby; reading continues
    └── Unavailable       a component that we need does not answer, or not in time
        ├── Unconfirmed   a write may have been stored: it is not known whether it is safe, or whether the standby has it
        ├── StorageFull   nothing can be stored: the disk is full, over its quota or read-only; reading may continue
        ├── NotHereYet    a file of a restored network that is still being fetched: says when to retry
        └── Overloaded    more requests than this process can answer in time: says when to retry

Each has a machine code, a sentence for people (an English msgid, translated by the entry point) and a separate text for
the log. People never see the log text. Each entry point (web, api) turns problems into responses in one place.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


class Plural(str):
    """A sentence with a counted parameter, in singular and plural. It is a string, the plural; `%` chooses the form."""

    one: str
    counted: str

    def __new__(cls, one: str, many: str, counted: str) -> "Plural":
        self = super().__new__(cls, many)
        self.one, self.counted = one, counted
        return self

    def __mod__(self, params: Mapping[str, Any]) -> str:
        return (self.one if params[self.counted] == 1 else str(self)) % params


TEXT_TOO_LONG = Plural("This text has at most %(limit)d character.", "This text has at most %(limit)d characters.", "limit")


class Problem(Exception):
    """Base class. Raising one rolls the transaction back."""

    code = "problem"
    message = "Something is wrong on our side."

    def __init__(self, message: str | None = None, *, log_text: str = "", **params: Any) -> None:
        self.message = message or type(self).message
        self.params = params
        self.log_text = log_text
        super().__init__(log_text or self.message)

    def __str__(self) -> str:
        """For the log."""
        return self.log_text or (self.message % self.params if self.params else self.message)


class NotFound(Problem):
    code = "not_found"
    message = "There is nothing here, or it is not for you to see."


class Unauthorized(Problem):
    code = "unauthorized"
    message = "Please log in first."


class Forbidden(Problem):
    code = "forbidden"
    message = "You are not allowed to do this."


class Malformed(Problem):
    code = "malformed"
    message = "This request cannot be read."


@dataclasses.dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field. `code` as in the client API: blank, too_long, taken, invalid, inclusion ...

    A message with a number is a `Plural`.
    """

    field: str
    code: str
    message: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


class Invalid(Problem):
    code = "invalid"
    message = "Something needs your attention."

    def __init__(self, *errors: FieldError, message: str | None = None, log_text: str = "") -> None:
        super().__init__(message or (errors[0].message if len(errors) == 1 else None), log_text=log_text)
        self.errors = errors
        if len(errors) == 1:
            self.params = errors[0].params


class Conflict(Problem):
    code = "conflict"
    message = "This has changed in the meantime. Please look again."


class TooMany(Problem):
    code = "too_many"
    message = "That was a lot in a short time. Please wait a little."

    def __init__(self, message: str | None = None, *, retry_after: float, log_text: str = "", **params: Any) -> None:
        super().__init__(message, log_text=log_text, **params)
        self.retry_after = retry_after


class WritesPaused(Problem):
    code = "writes_paused"
    message = "We are moving. Reading goes on; writing waits about a second."

    def __init__(self, message: str | None = None, *, retry_after: float = 1, log_text: str = "", **params: Any) -> None:
        super().__init__(message, log_text=log_text, **params)
        self.retry_after = retry_after


class Unavailable(Problem):
    code = "unavailable"
    message = "One of our services is not answering. Please try again in a minute."


class Unconfirmed(Unavailable):
    code = "unconfirmed"
    message = "We could not make sure that this was saved. Please look whether it is there before you send it again."


class StorageFull(Unavailable):
    code = "storage_full"
    message = "There is no room left on our server, so nothing new can be saved at the moment. Please try again later."


class NotHereYet(Unavailable):
    code = "not_here_yet"
    message = "This picture is still on its way to us. Please look again in a moment."
    retry_after = 10.0


class Overloaded(Unavailable):
    code = "overloaded"
    message = "There is more to do here at the moment than we can manage. Please try again in a moment."

    def __init__(self, *, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after
