"""Health checks: `/livez` (the process runs), `/readyz` (it can serve requests) and `/metrics` (for Prometheus).

`/readyz` answers 503 with the reasons if this process should get no requests; texts of errors go to the log only.
`warnings` are for the operator and do not affect readiness: parked jobs, failing timed jobs, a detector that pauses. `/metrics` answers
only requests from this machine that did not pass a proxy.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import asyncpg
import msgspec

from folkmoot.base import clock, metrics
from folkmoot.base.database_facts import get_schema_number
from folkmoot.base.errors import Unavailable
from folkmoot.base.migrate import newest_number
from folkmoot.base.queue.model import QueueState, Timed, TimedState
from folkmoot.base.queue.queries import count_parked, count_unknown, measure_queue
from folkmoot.base.queue.timed_queries import list_timed
from folkmoot.http.context import Context
from folkmoot.http.replies import Reply
from folkmoot.moderation.cases.queries import count_open
from folkmoot.moderation.detection.pauses import list_recent
from folkmoot.moderation.journal.queries import find_state
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover import alarm
from folkmoot.portability.failover.model import FailoverState
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, Host
from folkmoot.portability.logical.standby import is_logical
from folkmoot.portability.offsite.chain import State, read_state
from folkmoot.portability.offsite.coming import Coming, read_coming
from folkmoot.portability.queries import last_runs
from folkmoot.portability.runs import Last
from folkmoot.portability.standby.following import find_following
from folkmoot.portability.standby.following import warnings as following_warnings
from folkmoot.portability.standby.model import CONNECTED, Following, Stage
from folkmoot.portability.synchronous import Mode

_log = logging.getLogger(__name__)
_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_LOCAL = frozenset(["127.0.0.1", "::1"])
WORKER_SILENT = 30.0  # seconds without a timed job after which no worker seems to run


class Health(NamedTuple):
    """`reasons`: why this process should get no requests. `warnings`: for the operator."""

    reasons: list[str]
    warnings: list[str]


class HealthApplication:
    """Answers `/livez`, `/readyz` and `/metrics`."""

    def __init__(self, context: Context, timed: Sequence[Timed], jobs: Iterable[str]) -> None:
        self._context = context
        self._timed = timed
        self._jobs = frozenset(jobs)
        self._newest = newest_number()
        self._logged: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/livez":
            reply = Reply(b'{"alive":true}')
        elif path == "/readyz":
            health = await self.check()
            answer = {"ready": not health.reasons, **health._asdict()}
            reply = Reply(msgspec.json.encode(answer), 503 if health.reasons else 200)
        elif _is_local(scope):
            data = self._context.settings.data
            following = (_following_metrics(find_following(data)) + _alarm_metrics(alarm.find_suspicion(DataDirectory(data)))).encode()
            reply = Reply(metrics.report() + await self._database_metrics() + following, media_type=_TEXT)
        else:
            reply = Reply(b"", 404, _TEXT)
        reply.headers.append((b"cache-control", b"no-store"))
        await reply(scope, receive, send)

    async def check(self) -> Health:
        """Checks the disk, the database, the connection for live messages, the timed jobs and the journal. Logs each change once."""
        health = await self._check_database()
        if short := await self._context.disk.shortage():
            health.reasons.insert(0, short)
        if short := self._context.database.recent_shortage():  # of the disk of PostgreSQL, which may be another one
            health.reasons.append(f"PostgreSQL cannot write: {short}")
        if health.reasons != self._logged:
            self._logged = health.reasons
            _log.log(*((logging.WARNING, "not ready: %s", "; ".join(health.reasons)) if health.reasons else (logging.INFO, "ready")))
        return health

    async def _check_database(self) -> Health:
        role = Host(self._context.settings.data).role
        try:
            async with self._context.database.read() as conn:
                newest = await get_schema_number(conn)
                if newest is None or newest < self._newest:  # a newer schema is fine: migrations work with the previous release
                    reason = f"the schema is at {newest}, this code needs {self._newest}"
                    is_answered_elsewhere = conn.is_standby or role == FENCED
                    return Health([], [f"{reason}: upgrade the primary"]) if is_answered_elsewhere else Health([reason], [])
                timed = await list_timed(conn)
                parked = await count_parked(conn)
                unknown = await count_unknown(conn, self._jobs)
                journal = await find_state(conn)
                pauses = await list_recent(conn, clock.now(), clock.now()) if role == PRIMARY else []
                is_standby = conn.is_standby or is_logical(DataDirectory(self._context.settings.data))
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.debug("the database does not answer: %s", error)
            return Health(["the database does not answer"], [])
        reasons = []
        if not self._context.database.live.is_connected:
            reasons.append("the connection for live messages is lost; reconnecting")
        if not is_standby and role == PRIMARY:  # on other hosts no job runs
            reasons += overdue_reasons(self._timed, timed)
        if journal.is_stopped:
            reasons.append(journal.reason)
        warnings = [*parked_warnings(parked), *unknown_warnings(unknown), *failure_warnings(timed), *(what for _, what in pauses)]
        if journal.reason and not journal.is_stopped:
            warnings.append(journal.reason)
        if role in (RETURNING, FENCED):
            warnings.append(f"this host is {role}: it writes nothing, and waits for the other one")
        warnings += following_warnings(find_following(self._context.settings.data))
        warnings += alarm.warnings(alarm.find_suspicion(DataDirectory(self._context.settings.data)))
        return Health(reasons, warnings)

    async def _database_metrics(self) -> bytes:
        """The metrics from the database. If it does not answer, the other metrics are still served."""
        try:
            text, is_up = await self._read_metrics(), 1
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.debug("metrics without those of the database, which does not answer: %s", error)  # /readyz logs it once
            text, is_up = b"", 0
        return text + (
            "# HELP folkmoot_database_up Whether the database answers\n# TYPE folkmoot_database_up gauge\n"
            f"folkmoot_database_up {is_up}\n"
        ).encode()

    async def _read_metrics(self) -> bytes:
        async with self._context.database.read() as conn:
            queue = await measure_queue(conn)
            runs = await last_runs(conn)
            cases = await count_open(conn, clock.now())
            unknown = await count_unknown(conn, self._jobs)
        ages = "".join(map(_run_metrics, runs.values())) + _offsite_metrics(read_state(self._context.settings.data))
        ages += _pictures_metrics(read_coming(self._context.settings.data))
        return (
            f"{_queue_metrics(queue)}"
            "# HELP folkmoot_jobs_unknown Jobs that wait because no worker of this release knows their name\n"
            f"# TYPE folkmoot_jobs_unknown gauge\nfolkmoot_jobs_unknown {sum(unknown.values())}\n"
            "# HELP folkmoot_cases_open Cases that wait for a decision\n# TYPE folkmoot_cases_open gauge\n"
            f"folkmoot_cases_open {cases.open}\n"
            "# HELP folkmoot_cases_overdue Open cases whose deadline has passed\n# TYPE folkmoot_cases_overdue gauge\n"
            f"folkmoot_cases_overdue {cases.overdue}\n{ages}"
        ).encode()


def overdue_reasons(timed: Sequence[Timed], states: dict[str, TimedState]) -> list[str]:
    """Sentences about timed jobs that are overdue. Cleaning jobs may be delayed by an hour and are left out."""
    states = {one.name: states[one.name] for one in timed if one.name in states}
    if all(state.age > WORKER_SILENT or state.age < -WORKER_SILENT for state in states.values()):
        return ["no worker has run for half a minute: posts do not reach timelines"]
    late = [
        one.name for one in timed
        if not one.is_cleaning
        and (one.name not in states or not -WORKER_SILENT < states[one.name].age < 2 * one.every.total_seconds() + WORKER_SILENT)
    ]
    return [f"timed jobs are overdue: {', '.join(late)}"] if late else []


def parked_warnings(parked: dict[str, int]) -> list[str]:
    return [f"{number} jobs {name} failed and are parked: moot jobs list" for name, number in parked.items()]


def unknown_warnings(unknown: dict[str, int]) -> list[str]:
    return [f"{number} jobs {name} wait because no worker of this release knows them" for name, number in unknown.items()]


def failure_warnings(timed: dict[str, TimedState]) -> list[str]:
    """Without the errors, because `/readyz` is public."""
    return [f"timed job {one.name} failed {one.failures} times in a row" for one in timed.values() if one.failures]


def _queue_metrics(queue: QueueState) -> str:
    rows = (
        ("waiting", "Jobs that wait for a worker", queue.waiting),
        ("running", "Jobs that run now", queue.running),
        ("parked", "Failed jobs that wait for an operator", queue.parked),
        ("oldest_seconds", "Seconds since the first waiting job became due", f"{max(0.0, queue.oldest):.3f}"),
    )
    return "".join(
        f"# HELP folkmoot_jobs_{name} {says}\n# TYPE folkmoot_jobs_{name} gauge\nfolkmoot_jobs_{name} {value}\n"
        for name, says, value in rows
    )


def _run_metrics(last: Last) -> str:
    """Of backups or drills: whether the last one succeeded, and the age and the duration of the last successful one."""
    rows = [("good", "Whether the last run succeeded", int(last.good_age is not None and not last.failed))]
    if last.good_age is not None and last.seconds is not None:
        rows += [
            ("age_seconds", "Seconds since the last successful run", round(last.good_age)),
            ("seconds", "Duration of the last successful run in seconds", round(last.seconds)),
        ]
    return "".join(
        f"# HELP folkmoot_{last.kind}_{name} {says}\n# TYPE folkmoot_{last.kind}_{name} gauge\nfolkmoot_{last.kind}_{name} {value}\n"
        for name, says, value in rows
    )


def _alarm_metrics(state: FailoverState | None) -> str:
    """On a standby: whether its primary is lost."""
    if state is None:
        return ""
    name, says = "folkmoot_primary_lost", "Whether the primary is lost: 0 no, 1 it does not answer, 2 its log does not arrive either"
    number = {FailoverState.SUSPECT: 1, FailoverState.ALARM: 2}.get(state, 0)
    return f"# HELP {name} {says}\n# TYPE {name} gauge\n{name} {number}\n"


def _following_metrics(state: Following | None) -> str:
    """On both hosts of a pair; nothing without a standby."""
    if state is None or state.stage is Stage.NONE:
        return ""
    rows = (
        ("replication_lag_seconds", "Age of the oldest write that the standby has not confirmed", state.lag_seconds),
        ("replication_lag_bytes", "Bytes of WAL that the standby has not confirmed", state.lag_bytes),
        ("replication_connected", "Whether the standby is connected to its primary", int(state.stage in CONNECTED)),
        ("replication_synchronous", "Which writes wait for the standby: 0 none, 1 chosen ones, 2 all", list(Mode).index(state.active)),
        ("replication_synchronous_wanted", "Which writes should wait for it", list(Mode).index(state.wanted)),
        ("media_missing", "Files of pictures that this host still has to copy", state.media_missing),
    )
    return "".join(f"# HELP folkmoot_{name} {says}\n# TYPE folkmoot_{name} gauge\nfolkmoot_{name} {value}\n" for name, says, value in rows)


def _offsite_metrics(state: State | None) -> str:
    """How far the continuous copy is behind, if there is one."""
    if state is None or state.behind is None:
        return ""
    rows = (
        ("behind_seconds", "Seconds since the moment before which everything is off-site", round(state.behind)),
        ("good", "Whether the last push succeeded", int(not state.said)),
        ("spool_bytes", "Size of the write-ahead log that is kept on this host for pushes", state.spool_bytes),
    )
    return "".join(
        f"# HELP folkmoot_offsite_{name} {says}\n# TYPE folkmoot_offsite_{name} gauge\nfolkmoot_offsite_{name} {value}\n"
        for name, says, value in rows
    )


def _pictures_metrics(coming: Coming | None) -> str:
    """What a restored network still has to fetch; zeros if nothing is to come, so that an alert can end."""
    rows = (
        ("files", "Pictures that are still to come from the restored copy", coming.left_files if coming else 0),
        ("bytes", "Size of the pictures that are still to come", coming.left_bytes if coming else 0),
        ("stopped", "Whether fetching them does not go on", int(bool(coming and coming.said))),
    )
    return "".join(
        f"# HELP folkmoot_pictures_to_come_{name} {says}\n# TYPE folkmoot_pictures_to_come_{name} gauge\n"
        f"folkmoot_pictures_to_come_{name} {value}\n" for name, says, value in rows
    )


def _is_local(scope: Any) -> bool:
    passed_proxy = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    return bool(scope.get("client")) and scope["client"][0] in _LOCAL and not passed_proxy
