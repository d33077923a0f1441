"""What a check finds."""

from typing import NamedTuple

GOOD, WARNING, BROKEN = "good", "warning", "broken"


class Finding(NamedTuple):
    """`check` names the check, for programs. `why` it matters and the `remedy` are empty if all is well."""

    check: str
    state: str
    what: str
    why: str = ""
    remedy: str = ""
