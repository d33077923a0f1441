"""The time at which a post is to be published: from the composer, which has no time zone, to a moment, and back.

The script of the composer sends the time zone of the browser; without it the time is in that of the network, as the form says.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from folkmoot.base.errors import FieldError, Invalid
from folkmoot.http.params import Params


class DueTime(NamedTuple):
    """What the composer shows. `text` as browsers write local times; `moment` lets the script convert it to its own zone."""

    text: str
    zone: str
    moment: str = ""


def chosen_time(form: Params) -> DueTime | None:
    """The time that the form names; None if it is to be published at once."""
    return DueTime(form.text("due_at"), form.text("time_zone")) if form.flag("with_due_at") else None


def moment_of(chosen: DueTime, network_zone: str) -> datetime:
    """Raises Invalid."""
    try:
        local = datetime.fromisoformat(chosen.text)
        return local.replace(tzinfo=local.tzinfo or _zone(chosen.zone) or ZoneInfo(network_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(FieldError("due_at", "invalid", "Please choose a day and a time.")) from None


def due_time_of(moment: datetime, network_zone: str) -> DueTime:
    return DueTime(moment.astimezone(ZoneInfo(network_zone)).strftime("%Y-%m-%dT%H:%M"), network_zone, moment.isoformat())


def _zone(name: str) -> ZoneInfo | None:
    """None for a zone that this machine does not know."""
    try:
        return ZoneInfo(name) if 0 < len(name) < 100 else None
    except (KeyError, ValueError, OSError):  # no such zone, no name of one, a folder of zones
        return None
