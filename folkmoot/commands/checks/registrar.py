"""Who has registered a domain, from the answer of its registry (RDAP, RFC 9083).

Registries differ: most name the registrar in a jCard, CZ.NIC only by its handle, DENIC not at all.
"""

import json
from typing import Any, NamedTuple


class Registration(NamedTuple):
    """`registrar` is "" if the registry does not publish it; `ends`, a date, likewise."""

    registrar: str
    ends: str


def domains_of(name: str) -> list[str]:
    """The name and those above it: a registry knows one of them."""
    labels = name.strip(".").split(".")
    return [".".join(labels[number:]) for number in range(max(1, len(labels) - 1))]


def read_registration(body: bytes) -> Registration | None:
    """None if the answer is not about a domain."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict) or answer.get("objectClassName") != "domain":
        return None
    found = (_name_of(entity) for entity in _entities(answer) if "registrar" in _listed(entity, "roles"))
    return Registration(next(filter(None, found), ""), _end_of(answer))


def _entities(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """All entities, those of others too."""
    own = [entity for entity in _listed(answer, "entities") if isinstance(entity, dict)]
    return [*own, *(inner for entity in own for inner in _entities(entity))]


def _name_of(entity: dict[str, Any]) -> str:
    """The name in the jCard (RFC 7095), else the organisation there, else the handle."""
    card = _listed(entity, "vcardArray")
    fields = card[1] if len(card) > 1 and isinstance(card[1], list) else []
    values = {field[0]: field[3] for field in fields if isinstance(field, list) and len(field) > 3}
    for value in (values.get("fn"), values.get("org"), entity.get("handle")):
        text = " ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(text, str) and text.strip():
            return text.strip()
    return ""


def _end_of(answer: dict[str, Any]) -> str:
    dates = {event.get("eventAction"): event.get("eventDate") for event in _listed(answer, "events") if isinstance(event, dict)}
    return str(dates.get("expiration") or dates.get("registrar expiration") or "")[:10]


def _listed(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []
