"""The parameters of a change of a profile, and their conversion for actions."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from folkmoot.api.parameters import Parameters, about
from folkmoot.api.words import QUOTE_POLICY_OF, VISIBILITY_OF, DefaultQuotePolicy, DefaultVisibility
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.base.handles import domain_of
from folkmoot.base.languages import language_of
from folkmoot.http.params import File
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.media.model import Purpose
from folkmoot.network.sessions.model import Preferences

_MOST_DOMAINS = 100


class ProfileRow(Parameters, frozen=True, kw_only=True):
    name: Annotated[str, about(maxLength=accounts.LONGEST_FIELD)] = ""
    value: Annotated[str, about(maxLength=accounts.LONGEST_FIELD)] = ""


class PostDefaults(Parameters, frozen=True, kw_only=True):
    privacy: DefaultVisibility | None = None
    sensitive: bool | None = None
    language: Annotated[str | None, about("ISO 639; empty for none. An unknown language leaves it.")] = None
    quote_policy: Annotated[DefaultQuotePolicy | None, about("Who may quote new posts.")] = None


class ProfileChange(Parameters, frozen=True, kw_only=True):
    """Absent fields stay as they are; an empty text clears a field."""

    display_name: Annotated[str | None, about(maxLength=accounts.LONGEST_NAME)] = None
    note: Annotated[str | None, about("The biography.", maxLength=accounts.LONGEST_BIO)] = None
    avatar: Annotated[File | UnsetType | None, about("A picture; an empty file or null removes it.")] = UNSET
    header: Annotated[File | UnsetType | None, about("A picture; an empty file or null removes it.")] = UNSET
    locked: Annotated[bool | None, about("Whether followers must be accepted.")] = None
    bot: bool | None = None
    discoverable: bool | None = None
    indexable: Annotated[bool | None, about("Whether search finds public posts.")] = None
    hide_collections: Annotated[bool | None, about("Whether the lists of followers and followed accounts are hidden.")] = None
    fields_attributes: Annotated[tuple[ProfileRow, ...] | None, about("Rows of the profile.", maxItems=accounts.MOST_FIELDS)] = None
    attribution_domains: Annotated[
        tuple[str, ...] | None, about("Domains whose pages may name the member as their author.", maxItems=_MOST_DOMAINS)
    ] = None
    source: Annotated[PostDefaults | None, about("Defaults for new posts.")] = None
    report_mails: Annotated[bool | None, about("Whether outcomes of one's reports are mailed, once a day at most. Of this network.")] = None

    def draft(self) -> accounts.ProfileDraft:
        rows = self.fields_attributes
        return accounts.ProfileDraft(
            display_name=self.display_name, bio=self.note, fields=None if rows is None else [(row.name, row.value) for row in rows],
            is_locked=self.locked, is_bot=self.bot, is_discoverable=self.discoverable, is_indexable=self.indexable,
            hides_collections=self.hide_collections,
        )

    def pictures(self) -> dict[Purpose, File | None]:
        sent = {Purpose.AVATAR: self.avatar, Purpose.HEADER: self.header}
        return {purpose: file for purpose, file in sent.items() if file is not UNSET}

    def preferences(self, own: Preferences) -> Preferences:
        """The defaults for new posts and the other choices after the change. Raises Invalid for an attribution domain that is none."""
        source = self.source or PostDefaults()
        return msgspec.structs.replace(
            own,
            visibility=own.visibility if source.privacy is None else int(VISIBILITY_OF[source.privacy]),
            is_sensitive=own.is_sensitive if source.sensitive is None else source.sensitive,
            quote_policy=int(QUOTE_POLICY_OF.get(source.quote_policy or "", own.quote_policy)),
            post_language=_language(source.language, own.post_language),
            attribution_domains=own.attribution_domains if self.attribution_domains is None else _domains(self.attribution_domains),
            outcome_mails=own.outcome_mails if self.report_mails is None else self.report_mails,
        )


def _domains(given: tuple[str, ...]) -> tuple[str, ...]:
    found = [domain_of(text) for text in given if text.strip()]
    if not all(found):
        raise Invalid(FieldError("attribution_domains", "invalid", "One of the domains is none. Write them like example.org."))
    return tuple(dict.fromkeys(filter(None, found)))


def _language(given: str | None, own: str) -> str:
    return own if given is None else (language_of(given) or own) if given else ""
