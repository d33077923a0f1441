"""Only names that say nothing but "the network" or "its team" are refused."""

import pytest

from folkmoot.network.accounts.actions import username_errors
from folkmoot.network.accounts.names import looks_official


@pytest.mark.parametrize("name", [
    "Support Ukraine", "Admin Ajna", "Moderátorka knih", "Systém a řád", "Porota filmového festivalu", "Rooted",
    "Root Beer", "Týmová hra",
    "Staffordshire", "Jury Nováková", "Správce kotelny", "Podpora včelám", "modern", "Team Valor", "Юра",
    "Адміністрація Києва", "",
    "🌻", "Administrativní omyl", "Mod Revival", "Supporters of Slavia", "Sys Adminová", "Kniha moderátora",
])
def test_names_of_people_and_things_are_free(name: str) -> None:
    assert not looks_official(name)


@pytest.mark.parametrize("name", [
    "Admin", "ADMIN", "admin_", "_admin", "Správce", "M0DERATOR", "P o r o t a", "Support", "Support Team", "The Admins",
    "Аdmin", "аdмin", "ᴀᴅᴍɪɴ",
    "𝐀𝐝𝐦𝐢𝐧", "ＡＤＭＩＮ", "Ad\u200bmin", "A\u0336d\u0336m\u0336i\u0336n\u0336", "Folkmoot", "Folkmoot Official",
    "Moderátor Folkmoot", "adm1n", "Admin 🛡", "Tým podpory",
    "Official Support", "Operator 5", "ⓢⓤⓟⓟⓞⓡⓣ",
])
def test_names_that_claim_to_be_the_team_are_refused(name: str) -> None:
    assert looks_official(name)


@pytest.mark.parametrize(("name", "code"), [
    ("support_ukraine", None), ("admin_ajna", None), ("moderatorka", None), ("rooted", None), ("porotkyne_eva", None),
    ("mod_revival", None),
    ("support", "reserved"), ("Admin", "reserved"), ("adm1n", "reserved"), ("_admin_", "reserved"), ("root", "reserved"),
    ("everyone", "reserved"),
    ("support_team", "reserved"), ("settings", "reserved"), ("moderator", "reserved"), ("m0derator", "reserved"),
])
def test_user_names_follow_the_same_rule(name: str, code: str | None) -> None:
    assert [error.code for error in username_errors(name)] == ([code] if code else [])
    assert not username_errors(name, is_staff=True)
