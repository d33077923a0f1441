"""Ready sentences for explanations. Blanks in braces, such as {what}, must be filled in before an explanation can be sent."""

import re

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Invalid, NotFound
from folkmoot.base.text import clean, clean_line, count_characters
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.verdicts import queries
from folkmoot.moderation.verdicts.model import LONGEST_EXPLANATION, Template
from folkmoot.network.sessions.model import Viewer

LONGEST_TITLE = 80
_BLANK = re.compile(r"\{[^{}\n]{0,80}\}")


def find_blank(text: str) -> str:
    """The first blank that was not filled in; "" without one."""
    found = _BLANK.search(text)
    return found[0] if found else ""


async def add_template(tx: WriteTx, moderator: Viewer, title: str, text: str) -> Template:
    """Adds a ready sentence for all moderators. Moderators. Raises Invalid."""
    require_moderator(moderator)
    title, text = clean_line(title), clean(text)
    errors = []
    for field, value, longest in (("title", title, LONGEST_TITLE), ("text", text, LONGEST_EXPLANATION)):
        if not value:
            errors.append(FieldError(field, "blank", "Please write something here."))
        elif count_characters(value) > longest:
            errors.append(FieldError(field, "too_long", TEXT_TOO_LONG, {"limit": longest}))
    if errors:
        raise Invalid(*errors)
    template = Template(id=ids.make_id(ids.shard_of(moderator.id)), title=title, text=text)
    await queries.insert_template(tx, template, moderator.id, clock.now())
    return template


async def delete_template(tx: WriteTx, moderator: Viewer, template_id: int) -> None:
    """Deletes a ready sentence. Moderators. Raises NotFound."""
    require_moderator(moderator)
    if not await queries.delete_template(tx, template_id):
        raise NotFound
