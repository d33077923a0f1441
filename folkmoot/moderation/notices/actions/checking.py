"""Checks the input of a notice: what DSA Art. 16(2) asks for."""

import msgspec

from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Invalid, NotFound
from folkmoot.base.text import clean, clean_line, count_characters
from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.clauses.published import clause_of, current, policy_of
from folkmoot.moderation.contacts.model import Kind
from folkmoot.moderation.notices.addresses import OwnAddresses, refanged
from folkmoot.moderation.notices.model import (
    CHILD_SAFETY,
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_REFERENCE,
    MOST_PLACES,
    MOST_PLACES_OF_MAIL,
    TOO_MANY_PLACES,
    UNLAWFUL,
    Door,
    NoticeDraft,
)
from folkmoot.network.sessions.addresses import email_errors, tidy_email


def checked(draft: NoticeDraft, own: OwnAddresses) -> NoticeDraft:
    """The draft as it is stored. Of a mail nothing is refused: what is too long or unknown is cut or left out. Raises Invalid."""
    tidy = msgspec.structs.replace(
        draft, addresses=tuple(dict.fromkeys(one for address in draft.addresses if (one := refanged(clean_line(address))))),
        reason=clean(draft.reason), name=clean_line(draft.name), email=tidy_email(draft.email) if draft.email.strip() else "",
        clause=draft.clause or _unlawful(), claims=draft.claims if draft.claims in list(Kind) else "",
    )
    if draft.door is Door.MAIL:
        return _cut(tidy)
    errors = [*_address_errors(tidy, own), *_text_errors(tidy), *_sender_errors(draft, tidy)]
    if errors:
        raise Invalid(*errors)
    return tidy


def _cut(draft: NoticeDraft) -> NoticeDraft:
    is_address = draft.email and not email_errors(draft.email)
    return msgspec.structs.replace(
        draft, addresses=draft.addresses[:MOST_PLACES_OF_MAIL], reason=draft.reason[:LONGEST_REASON], name=draft.name[:LONGEST_NAME],
        email=draft.email if is_address else "", clause=draft.clause if _is_clause(draft.clause) else _unlawful(),
        reference=draft.reference[:LONGEST_REFERENCE] if draft.reference else None,
    )


def _address_errors(draft: NoticeDraft, own: OwnAddresses) -> list[FieldError]:
    if not draft.addresses:
        return [FieldError("addresses", "blank", "Please give the exact address of each post or account.")]
    if len(draft.addresses) > MOST_PLACES:
        return [FieldError("addresses", "too_many", TOO_MANY_PLACES, {"limit": MOST_PLACES})]
    if not any(map(own.is_own, draft.addresses)):
        return [FieldError("addresses", "invalid", "None of these addresses belongs to this network.")]
    return []


def _text_errors(draft: NoticeDraft) -> list[FieldError]:
    errors = []
    if not draft.reason:
        errors.append(FieldError("reason", "blank", "Please explain why it is illegal."))
    for field, text, limit in (("reason", draft.reason, LONGEST_REASON), ("name", draft.name, LONGEST_NAME)):
        if count_characters(text) > limit:
            errors.append(FieldError(field, "too_long", TEXT_TOO_LONG, {"limit": limit}))
    if not _is_clause(draft.clause):
        errors.append(FieldError("clause", "inclusion", "There is no such rule."))
    if draft.reference is not None and not draft.reference:
        errors.append(FieldError("reference", "blank", "Please give your own reference."))
    elif draft.reference and len(draft.reference) > LONGEST_REFERENCE:
        errors.append(FieldError("reference", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REFERENCE}))
    return errors


def _sender_errors(sent: NoticeDraft, draft: NoticeDraft) -> list[FieldError]:
    """Name and address are not needed for offences against children (DSA Art. 16(2)(c)), and not with a signature."""
    errors = []
    is_needed = not _is_about_children(draft.clause) and draft.door is Door.FORM
    if sent.claims and not draft.claims:
        errors.append(FieldError("claims", "inclusion", "Please choose who you are."))
    if is_needed and not draft.name:
        errors.append(FieldError("name", "blank", "Please give your name."))
    if is_needed or draft.email:
        errors += email_errors(draft.email)
    if not draft.in_good_faith:
        errors.append(FieldError("in_good_faith", "inclusion", "Please confirm that what you say is correct and complete."))
    return errors


def _unlawful() -> str:
    """The clause for what is against the law. A network's own policy may lack the one that is shipped."""
    policy = current()
    return (policy.find(UNLAWFUL) or policy.of_family(Family.RULES)).key


def _is_clause(key: str) -> bool:
    """Whether a version of the policy has this clause, also if it was dropped since."""
    try:
        return bool(policy_of(key))
    except NotFound:
        return False


def _is_about_children(key: str) -> bool:
    """Whether name and address are not needed. A policy of one's own has its own key for that rule."""
    return key == CHILD_SAFETY or (_is_clause(key) and Family.CHILDREN in clause_of(key).families)
