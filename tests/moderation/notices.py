"""Sends notices in tests, through the same action as the form, the mailbox and the API."""

from collections.abc import Sequence
from typing import Any

from folkmoot.moderation.contacts.actions import register_contact
from folkmoot.moderation.contacts.model import Contact, ContactDraft
from folkmoot.moderation.notices.actions import confirm_address, receive_notice
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import Door, Notice, NoticeDraft, Outcome
from folkmoot.moderation.notices.queries import get_notice, list_outcomes
from folkmoot.network.posts.model import PostView
from tests.village import Village


class Desk:
    """Where notices come in."""

    def __init__(self, village: Village) -> None:
        self.database = village.database
        self.intake = Intake.of(village.settings)

    def address(self, view: PostView, path: str = "posts") -> str:
        return f"{self.intake.base_url}/{path}/{view.post.id}"

    async def register(self, kind: str = "provider", **draft: Any) -> Contact:
        usual: dict[str, Any] = {"name": "Hosting s.r.o.", "senders": ("hosting.example",)}
        async with self.database.write() as tx:
            return await register_contact(tx, ContactDraft(kind=kind, **{**usual, **draft}))

    async def receive(self, *places: PostView | str, contact: Contact | None = None, **draft: Any) -> Notice:
        usual: dict[str, Any] = {
            "door": Door.FORM, "reason": "It is a threat.", "name": "Alena", "email": "alena@example.org", "in_good_faith": True,
            "addresses": tuple(one if isinstance(one, str) else self.address(one) for one in places),
        }
        if contact:
            usual |= {"door": Door.API, "name": "", "email": ""}
        async with self.database.write() as tx:
            return await receive_notice(tx, self.intake, NoticeDraft(**{**usual, **draft}), contact=contact)

    async def confirm(self, notice: Notice) -> Notice:
        async with self.database.write() as tx:
            return await confirm_address(tx, self.intake, notice.number, self.intake.receipts.code(notice.number, notice.email))

    async def again(self, notice: Notice) -> Notice:
        async with self.database.read() as conn:
            return await get_notice(conn, notice.id)

    async def outcomes(self, notice: Notice) -> list[Outcome]:
        async with self.database.read() as conn:
            return await list_outcomes(conn, notice.id)

    async def journal(self, kinds: Sequence[str] = ("notice.",)) -> list[str]:
        async with self.database.read() as conn:
            rows = await conn.fetch("SELECT kind FROM journal ORDER BY id")
        return [row["kind"] for row in rows if row["kind"].startswith(tuple(kinds))]
