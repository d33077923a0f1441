"""`moot policy` and `moot hashes` against a real database, in this process."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from folkmoot import cli
from folkmoot.moderation.clauses.published import replace_own, shipped
from tests.moderation.policies import edited
from tests.moderation.test_hash_values import drawing, encoded

Moot = Callable[..., tuple[int, str, str]]


@pytest.fixture
def moot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str, tmp_path: Path) -> Iterator[Moot]:
    """Runs a command; returns (exit code, standard output, standard error)."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("FOLKMOOT_DATABASE_URL", dsn)
    monkeypatch.setenv("FOLKMOOT_SECRETS_NETWORK", "x" * 48)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["moot", *arguments, "--data", str(tmp_path / "data")])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return int(code or 0), *capsys.readouterr()

    yield run
    replace_own(())


def test_an_operator_publishes_rules_that_they_have_edited(moot: Moot, tmp_path: Path) -> None:
    code, shown, error = moot("policy", "show")
    assert (code, shown) == (0, shipped()[-1].source), error
    file = tmp_path / "rules.md"
    file.write_text(edited("2030-01-10", ("Severity: 0.9", "Severity: much")))
    code, faults, _ = moot("policy", "check", str(file))
    assert code == 1
    line = file.read_text().splitlines().index("Severity: much") + 1
    assert f"{file}, line {line}: severity is a number" in faults
    assert moot("policy", "publish", str(file), "--yes")[0] == 1

    file.write_text(edited("2030-01-10", ("Do not hound people", "Let people be")))
    code, text, _ = moot("policy", "check", str(file))
    assert code == 0, text
    assert "changed: harassment" in text
    code, text, _ = moot("policy", "publish", str(file), "--yes", "--json")
    assert code == 0, text
    assert json.loads(text)["changes"] == {"harassment": "changed"}
    assert json.loads(moot("policy", "list", "--json")[1])[0]["version"] == "2030-01-10"
    assert moot("policy", "show")[1] == file.read_text()
    assert moot("policy", "show", "2026-11-29")[1].startswith("# Rules")
    assert moot("policy", "show", "1999-01-01")[0] == 1
    assert "exists" in moot("policy", "publish", str(file), "--yes")[1]


def test_a_file_that_is_not_utf_8_names_the_line(moot: Moot, tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    file.write_bytes("# Rules\n\nVersion: 2030-01-10\nPříliš\n".encode("cp1250"))
    code, _, error = moot("policy", "check", str(file))
    assert code == 1
    assert "line 4" in error


def test_an_operator_imports_searches_and_exports_a_list(moot: Moot, tmp_path: Path) -> None:
    assert "moot hashes create" in moot("hashes", "list")[1]
    assert moot("hashes", "create", "spam-domains", "--effect", "hold", "--about", "Ours")[0] == 0
    file = tmp_path / "domains.txt"
    file.write_text("bad.example\n0.0.0.0 worse.example\nnot an address\n")
    code, text, _ = moot("hashes", "import", "spam-domains", str(file), "--kind", "address", "--clause", "7", "--json")
    assert code == 0, text
    assert json.loads(text) == {
        "added": 2, "known": 0, "skipped": 1, "first_skipped": [{"line": 3, "why": "'not an address' is no address"}],
    }
    again = moot("hashes", "import", "spam-domains", str(file), "--kind", "address", "--clause", "spam", "--json")[1]
    assert json.loads(again)["known"] == 2
    assert moot("hashes", "import", "spam-domains", str(file), "--clause", "77")[0] == 1
    assert "no hash list other" in moot("hashes", "import", "other", str(file), "--kind", "address", "--clause", "7")[2]
    (tmp_path / "empty").touch()
    assert "empty is empty" in moot("hashes", "import", "spam-domains", str(tmp_path / "empty"), "--kind", "text", "--clause", "7")[2]
    (tmp_path / "none").write_text("md5\n")
    for command in (("import", "other", str(tmp_path / "none"), "--kind", "file", "--clause", "7"), ("remove", "other", "bad.example")):
        assert "no hash list other" in moot("hashes", *command)[2], command
    (tmp_path / "post.txt").write_text("Podívejte se na https://shop.bad.example/koupit")
    assert "spam-domains: address, rule spam, exact" in moot("hashes", "check", str(tmp_path / "post.txt"))[1]
    exported = moot("hashes", "export", "spam-domains")[1]
    assert exported.splitlines() == ["kind,value,clause,note", "address,bad.example,spam,", "address,worse.example,spam,"]
    assert len(json.loads(moot("hashes", "export", "spam-domains", "--format", "json")[1])["entries"]) == 2
    assert moot("hashes", "remove", "spam-domains", "bad.example")[0] == 0
    assert "no entry" in moot("hashes", "remove", "spam-domains", "bad.example")[2]
    assert json.loads(moot("hashes", "list", "--json")[1])[0]["kinds"] == {"address": 1}
    assert moot("hashes", "scan")[0] == 0
    assert moot("hashes", "remove", "spam-domains", "--all")[0] == 0
    assert json.loads(moot("hashes", "list", "--json")[1]) == []


def test_a_picture_is_compared_with_the_lists(moot: Moot, tmp_path: Path) -> None:
    from folkmoot.moderation.hash_lists.pdq import hash_picture

    moot("hashes", "create", "pictures", "--effect", "signal")
    (tmp_path / "list.csv").write_text(f"pdq\n{hash_picture(encoded(drawing()))[0]:064x}\n")
    assert moot("hashes", "import", "pictures", str(tmp_path / "list.csv"), "--clause", "privacy")[0] == 0
    (tmp_path / "copy.jpg").write_bytes(encoded(drawing(extra=True).resize((450, 300)), "JPEG", quality=60))
    (tmp_path / "other.png").write_bytes(encoded(drawing(seed=2)))
    found = json.loads(moot("hashes", "check", str(tmp_path / "copy.jpg"), "--json")[1])
    assert [(one["list"], one["kind"]) for one in found] == [("pictures", "picture")]
    assert 0 <= found[0]["distance"] <= 31
    assert json.loads(moot("hashes", "check", str(tmp_path / "other.png"), "--json")[1]) == []
