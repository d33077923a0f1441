"""`moot contacts`: the register of verified senders of notices."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import NUMBER, data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.moderation.contacts.model import Contact


@click.group(cls=Group)
def contacts() -> None:
    """Register hosting providers, authorities and trusted flaggers, whose notices get a short deadline."""


@contacts.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """List the registered contacts."""

    async def work() -> "list[Contact]":
        from folkmoot.moderation.contacts.queries import list_contacts

        async with open_database(settings_of(data)) as database, database.read() as conn:
            return await list_contacts(conn)

    found = [_described(contact) for contact in run(work())]
    lines = []
    for one in found:
        country = f" ({one['country']})" if one["country"] else ""
        key = f"  with the key {one['key'][:8]}…" if one["key"] else ""
        lines.append(f"  {one['id']}  {one['kind']:15}  {one['name']}{country}  {' '.join(one['senders'])}{key}")
    show({"contacts": found}, as_json, "\n".join(lines) or "No contact is registered. The first should be your hosting provider.")


@contacts.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["provider", "authority", "trusted_flagger"]), required=True, help="Who it is.")
@click.option("--sender", "senders", multiple=True, help="Mail domain or complete address; can be repeated.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with an Ed25519 public key, PEM or Base64.")
@click.option("--country", default="", help="Member State of an authority, in two letters such as CZ, for transparency reports.")
@data_option
@json_option
def add(name: str, kind: str, senders: tuple[str, ...], key: Path | None, country: str, data: Path, as_json: bool) -> None:
    """Register a contact. It is recognised by its key, or when it confirms an address."""

    async def work() -> "Contact":
        from folkmoot.moderation.contacts.actions import register_contact
        from folkmoot.moderation.contacts.model import ContactDraft

        draft = ContactDraft(kind=kind, name=name, senders=senders, key=key_text, country=country)
        async with open_database(settings_of(data)) as database, database.write() as tx:
            return await register_contact(tx, draft)

    key_text = key.read_text("utf-8", "replace") if key else ""
    if key and not key_text.strip():
        raise Problem("%(file)s is empty. Put the public key of the contact into it, in PEM or Base64.", file=key)
    contact = run(work())
    show(_described(contact), as_json, f"Registered {contact.name} with the number {contact.id}.")


@contacts.command()
@click.argument("number", type=NUMBER)
@data_option
@json_option
def end(number: int, data: Path, as_json: bool) -> None:
    """End a registration. NUMBER as in `moot contacts list`."""

    async def work() -> None:
        from folkmoot.base.errors import NotFound
        from folkmoot.moderation.contacts.actions import end_contact

        async with open_database(settings_of(data)) as database, database.write() as tx:
            try:
                await end_contact(tx, number)
            except NotFound as problem:
                raise NotFound("No contact with the number %(number)s is registered.", number=number) from problem

    run(work())
    show({"ended": str(number)}, as_json, f"Contact {number} is no longer registered.")


def _described(contact: "Contact") -> dict[str, Any]:
    return {
        "id": str(contact.id), "kind": contact.kind, "name": contact.name, "senders": list(contact.senders), "key": contact.key_text,
        "country": contact.country,
        "registered_at": contact.registered_at,
    }
