"""The orders of the queue as SQL. Together with the lane they must equal the expressions of the indexes cases_by_harm,
cases_near_deadline and cases_ordered, so that PostgreSQL reads as many cases as are asked for, however many are open."""

from folkmoot.moderation.cases.model import (
    DOUBLING_TIME,
    HELD_HALVINGS,
    HIDES_FROM,
    MIN_HARM,
    THREAT_SEVERITY,
    Lane,
    Order,
    Share,
    State,
    Subject,
)

# The logarithm of the urgency, without the current time, which is the same for all.
_URGENCY = (
    f"(ln(greatest(c.harm, {MIN_HARM:f})::float8) / ln(2::float8)"
    f" - extract(epoch FROM c.due_at - timestamptz '2020-01-01 00:00:00+00')::float8 / {DOUBLING_TIME.total_seconds():.0f}"
    f" - (CASE WHEN c.interim_at IS NULL THEN 0 ELSE {HELD_HALVINGS} END))"
)
# `Case.lane` as SQL.
LANE = (
    f"(CASE WHEN c.is_demanded THEN {Lane.DEMAND:d} WHEN c.severity >= {THREAT_SEVERITY} THEN {Lane.THREAT:d} ELSE {Lane.OTHER:d} END)"
)
# `Case.hides_at_deadline` as SQL.
HIDES = (
    f"c.is_confirmed AND c.subject = '{Subject.POST}' AND c.appealed_verdict_id IS NULL"
    f" AND (c.is_demanded OR c.probability >= {HIDES_FROM}::float8)"
)
# Which cases an order has, and their order within a lane.
HAS = {
    Order.HARM: f"c.state = '{State.OPEN}'",
    Order.DEADLINE: f"c.state = '{State.OPEN}' AND c.is_confirmed AND c.noted_share >= {Share.LATE:d}",
    Order.ORDERED: f"c.state = '{State.OPEN}' AND c.is_ordered",
}
BY = {
    Order.HARM: f"c.is_confirmed DESC, {_URGENCY} DESC, c.id",
    Order.DEADLINE: f"(CASE WHEN c.interim_at IS NOT NULL THEN 0 WHEN {HIDES} THEN 2 ELSE 1 END), c.due_at, c.id",
    Order.ORDERED: "c.due_at, c.id",
}
