"""Registers verified contacts, and ends their registration."""

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Invalid, NotFound
from folkmoot.base.text import clean_line, count_characters
from folkmoot.moderation.contacts import queries
from folkmoot.moderation.contacts.model import (
    LONGEST_NAME,
    MOST_SENDERS,
    OPEN_DOMAINS,
    STATES,
    Contact,
    ContactDraft,
    Kind,
    key_bytes,
    sender_key,
)
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.sessions.addresses import email_errors


async def register_contact(tx: WriteTx, draft: ContactDraft, operator_id: int | None = None) -> Contact:
    """Registers a contact. Its notices get their deadline once they are signed with its key, or sent from a confirmed address.

    Operators; without an id, by the command line. Writes contact.registered to the journal. Raises Invalid, and Conflict if
    another contact has this key.
    """
    kind, senders, key = _checked(draft)
    contact = Contact(
        id=ids.make_id(ids.draw_shard()), kind=kind, name=clean_line(draft.name), senders=senders, key=key, registered_at=clock.now(),
        country=draft.country.strip().upper(),
    )
    if not await queries.insert_contact(tx, contact):
        raise Conflict("Another contact has this key.")
    await record_step(tx, Step.CONTACT_REGISTERED, case_id=None, actor_id=operator_id, contact=contact.id, what=kind)
    return contact


async def end_contact(tx: WriteTx, contact_id: int, operator_id: int | None = None) -> None:
    """Ends a registration: the key and the addresses verify nobody any more. Its earlier notices stay as they are.

    Operators. Writes contact.ended to the journal. Raises NotFound.
    """
    if not await queries.update_ended(tx, contact_id, clock.now()):
        raise NotFound
    await record_step(tx, Step.CONTACT_ENDED, case_id=None, actor_id=operator_id, contact=contact_id)


def _checked(draft: ContactDraft) -> tuple[Kind, tuple[str, ...], bytes | None]:
    errors = []
    senders = tuple(dict.fromkeys(sender_key(sender) for sender in draft.senders if sender.strip()))
    key = key_bytes(draft.key) if draft.key.strip() else None
    name = clean_line(draft.name)
    if draft.kind not in list(Kind):
        errors.append(FieldError("kind", "inclusion", "Please choose who this is."))
    if not name:
        errors.append(FieldError("name", "blank", "Please give a name."))
    elif count_characters(name) > LONGEST_NAME:
        errors.append(FieldError("name", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_NAME}))
    if len(senders) > MOST_SENDERS:
        errors.append(FieldError("senders", "too_many", "These are too many domains and addresses."))
    elif wrong := [sender for sender in senders if not _is_sender(sender)]:
        errors.append(
            FieldError("senders", "invalid", "“%(sender)s” is neither a domain nor a complete address.", {"sender": wrong[0][:80]})
        )
    elif domains := [sender for sender in senders if sender in OPEN_DOMAINS]:
        errors.append(FieldError(
            "senders", "invalid", "Anybody can have an address at %(domain)s. Please give the complete address.", {"domain": domains[0]}
        ))
    if "PRIVATE KEY" in draft.key:
        errors.append(FieldError("key", "invalid", "This is a private key, which only its owner may have. Please ask for the public one."))
    elif draft.key.strip() and key is None:
        errors.append(FieldError("key", "invalid", "This is not an Ed25519 public key in PEM or Base64."))
    if not senders and not draft.key.strip():
        errors.append(FieldError("senders", "blank", "Please give a domain, an address or a key: how else can we know their notices?"))
    if draft.country.strip() and (draft.country.strip().upper() not in STATES or draft.kind != Kind.AUTHORITY):
        errors.append(FieldError("country", "inclusion", "An authority has the two letters of an EU Member State, others have none."))
    if errors:
        raise Invalid(*errors)
    return Kind(draft.kind), senders, key


def _is_sender(sender: str) -> bool:
    """A complete address, or a domain of at least two labels: a top-level domain would verify everybody in it."""
    domain = sender.rpartition("@")[2]
    return "." in domain.strip(".") and not email_errors(sender if "@" in sender else f"x@{sender}")
