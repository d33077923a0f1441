"""Each answer to `moot install` is checked at once, and refused with one sentence."""

import pytest

from folkmoot.portability.install.answers import (
    InvalidAnswer,
    Smtp,
    read_domain,
    read_email,
    read_language,
    read_registration,
    read_smtp,
)


@pytest.mark.parametrize(("text", "domain"), [
    ("moot.example.org", "moot.example.org"),
    (" https://Moot.Example.org/ ", "moot.example.org"), ("moot.example.org.", "moot.example.org"),
    ("Náves.example.cz", "xn--nves-5na.example.cz"),
])
def test_a_domain_is_reduced_to_its_name(text: str, domain: str) -> None:
    assert read_domain(text) == domain


@pytest.mark.parametrize(("text", "says"), [
    ("", "A domain is needed"), ("localhost", "must have a dot"), ("192.0.2.1", "is an address"), ("[2001:db8::1]", "is an address"),
    ("moot.local", "no certificate exists for names in .local"), ("moot..org", "is not a domain"), ("moot example.org", "is not a domain"),
    ("moot.example.org:8420", "is not a domain"), ("moot.example.org/a", "is not a domain"), ("a" * 64 + ".org", "is not a domain"),
    ("{$HOME}.example.org", "is not a domain"), ("-.example.org", "is not a domain"), (".".join(["abcdefgh"] * 30) + ".org", "is not a"),
])
def test_a_wrong_domain_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        read_domain(text)
    assert says in refused.value.message % refused.value.params


@pytest.mark.parametrize(("text", "address"), [
    ("hana@example.org", "hana@example.org"),
    (" Hana+moot@Example.org ", "Hana+moot@example.org"), ("hana@náves.cz", "hana@xn--nves-5na.cz"),
])
def test_an_email_address_is_accepted(text: str, address: str) -> None:
    assert read_email(text) == address


@pytest.mark.parametrize("text", [
    "", "hana", "hana@", "@example.org", "hana@localhost", "a b@example.org", "a@b@c.org", "{env.X}@example.org", "hana@exa mple.org",
    "hana\n@example.org",
])
def test_a_wrong_email_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAnswer, match="e-mail address"):
        read_email(text)


@pytest.mark.parametrize(("text", "smtp", "security"), [
    ("mail.example.org", Smtp("mail.example.org", 587, ""), "starttls"),
    ("hana@Mail.example.org:465", Smtp("mail.example.org", 465, "hana"), "tls"),
    ("hana@example.org@mail.example.org", Smtp("mail.example.org", 587, "hana@example.org"), "starttls"),
    ("192.0.2.7:2525", Smtp("192.0.2.7", 2525, ""), "starttls"),
])
def test_a_mail_server_is_read(text: str, smtp: Smtp, security: str) -> None:
    assert (read_smtp(text), smtp.security) == (smtp, security)
    assert read_smtp(str(smtp)) == smtp


def test_mail_can_wait() -> None:
    assert read_smtp(" Later ") is None


@pytest.mark.parametrize("text", [
    "", "hana@", "mail.example.org:", "mail.example.org:smtp", "mail.example.org:0", "mail.example.org:70000", "a b",
])
def test_a_wrong_mail_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidAnswer, match="mail server"):
        read_smtp(text)


def test_languages_and_registrations_are_those_of_the_settings() -> None:
    assert [read_language(text) for text in ("cs", " EN ")] == ["cs", "en"]
    known = ["open", "approval", "invitation", "closed"]
    assert [read_registration(text.title()) for text in known] == known
    with pytest.raises(InvalidAnswer) as refused:
        read_language("de")
    assert refused.value.message % refused.value.params == "de is not a known language. It must be one of: cs, en."
    with pytest.raises(InvalidAnswer, match="answer"):
        read_registration("everybody")
