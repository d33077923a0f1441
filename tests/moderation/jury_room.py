"""A test network with jurors. Its methods form juries, answer and count through the same actions as jobs and pages."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions import reviewing
from folkmoot.moderation.juries.jobs import Juries
from folkmoot.moderation.juries.model import Item, Jury, Review, Seat, SeatState, Severity
from folkmoot.moderation.jurors.model import Finding
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.model import PostView
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.sessions.queries import get_login
from tests.moderation.court import Court

Answer = Callable[[Seat], str | None]  # the clause that this seat finds broken, "" for none, None for "can't say"


class JuryRoom:
    """The accounts of `Court`, and jurors: juror0, juror1 … in two camps in turn. Nobody signed up together."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.village = court.village
        self.database = court.database
        self.juries = Juries(court.village.settings)

    async def open(self, jurors: int = 24) -> "JuryRoom":
        """Copies a member once for each juror: as many calls of the actions would take longer than the tests."""
        await self.village.settle("juror")
        people = self.village.people
        template = people.pop("juror")
        columns = {table: await self._columns(table) for table in ("accounts", "logins", "account_counts")}
        async with self.database.write() as tx:
            for number in range(jurors):
                id_, name = template.id + 1 + number, f"juror{number}"
                values = {"id": str(id_), "account_id": str(id_), "username": f"'{name}'", "username_key": f"'{name}'",
                          "display_name": f"'{name}'", "email": f"'{name}@example.org'", "email_key": f"'{name}@example.org'"}
                for table, names in columns.items():
                    key = "id" if table == "accounts" else "account_id"
                    await tx.execute(
                        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values.get(one, one) for one in names)}"
                        f" FROM {table} WHERE {key} = $1", template.id,
                    )
                people[name] = msgspec.structs.replace(template, id=id_, username=name)
            now = clock.now()
            await tx.executemany("UPDATE accounts SET created_at = $2 WHERE id = $1", [
                (one.id, now - timedelta(days=30 + number)) for number, one in enumerate(people.values())
            ])
            await tx.execute(
                "INSERT INTO jurors (account_id, state, changed_at, languages, counted_from, passed_at)"
                " SELECT id, 'juror', $1, '{en,cs}', $1, $1 FROM unnest($2::bigint[]) AS one (id)", now, self.ids,
            )
            await tx.execute(
                "INSERT INTO camp_positions SELECT id, CASE WHEN place % 2 = 0 THEN 1 ELSE -1 END"
                " FROM unnest($1::bigint[]) WITH ORDINALITY AS one (id, place)", self.ids,
            )
        return self

    @property
    def ids(self) -> list[int]:
        return [one.id for name, one in self.village.people.items() if name.startswith("juror")]

    async def _columns(self, table: str) -> list[str]:
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
                " AND attgenerated = ''", table,
            )
        return [row["attname"] for row in rows]

    async def case(self, text: str = "Svolám na něj lidi", **draft: object) -> tuple[PostView, Case]:
        """A reported post, and its case."""
        post = await self.village.write("author", text, **draft)
        await self.court.report("reporter", post, clauses=("violence",))
        return post, next(case for case in await self.court.queue() if case.subject_id == post.post.id)

    async def form(self) -> int:
        return await self.juries.form(self.database)

    async def watch(self) -> int:
        return await self.juries.watch(self.database)

    async def jury(self, case: Case) -> Jury:
        async with self.database.read() as conn:
            jury = await queries.find_jury(conn, case.id)
        assert jury
        return jury

    async def seats(self, case: Case, *states: SeatState) -> list[Seat]:
        async with self.database.read() as conn:
            seats = await queries.list_seats(conn, case.id)
        return [seat for seat in seats if not states or seat.state in states]

    async def viewer(self, account_id: int) -> Viewer:
        async with self.database.read() as conn:
            return Viewer(account=await get_account(conn, account_id), login=await get_login(conn, account_id))

    async def next_item(self, account_id: int) -> Item | None:
        viewer = await self.viewer(account_id)
        async with self.database.write() as tx:
            return await reviewing.next_item(tx, viewer, clock.now())

    async def answer(self, account_id: int, item: Item, clause: str | None, severity: Severity | None = None) -> None:
        viewer = await self.viewer(account_id)
        async with self.database.write() as tx:
            await reviewing.answer_item(
                tx, viewer, item.id, Review(finding=Finding(clause=clause), severity=severity, seen_key=item.seen_key)
            )

    async def skip(self, account_id: int, item: Item) -> None:
        viewer = await self.viewer(account_id)
        async with self.database.write() as tx:
            await reviewing.skip_item(tx, viewer, item.id)

    async def answer_all(self, case: Case, answer: Answer | str | None, severity: Severity | None = Severity.CLEAR) -> list[Seat]:
        """Everybody who is asked answers, until the jury has ended; returns the seats that answered."""
        while waiting := await self.seats(case, SeatState.OFFERED, SeatState.OPENED):
            for seat in waiting:
                await self.answer_one(seat, answer, severity)
            await self.watch()
        return await self.seats(case, SeatState.ANSWERED)

    async def answer_one(self, seat: Seat, answer: Answer | str | None, severity: Severity | None = Severity.CLEAR) -> None:
        item = await self.next_item(seat.account_id)
        assert item
        assert (item.id, item.case.id) == (seat.id, seat.case_id)
        found = answer(seat) if callable(answer) else answer
        await self.answer(seat.account_id, item, found, severity if found else None)

    async def journal(self, case: Case, kind: str) -> Sequence[str]:
        async with self.database.read() as conn:
            rows = await conn.fetch("SELECT facts FROM journal WHERE case_id = $1 AND kind = $2 ORDER BY id", case.id, kind)
        return [row["facts"] for row in rows]
