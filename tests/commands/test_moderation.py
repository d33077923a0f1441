"""`moot journal` and `moot cases` on a running network, with an intact and a damaged journal."""

import base64
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from folkmoot.base import clock
from tests.network_up import NetworkUp, moot


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _reasons(network: NetworkUp) -> list[str]:
    """The reasons why the network is not ready."""
    try:
        with urllib.request.urlopen(f"{network.url}/readyz", timeout=60) as answer:
            return list(json.load(answer)["reasons"])
    except urllib.error.HTTPError as refusal:
        return list(json.load(refusal)["reasons"])


def test_a_damaged_end_of_the_journal_is_reported_by_each_command_and_can_be_accepted(running: NetworkUp) -> None:
    end = running.data / "journal.end"
    _wait_until(end.exists)
    intact = moot("journal", "verify", data=running.data)
    assert intact.returncode == 0, intact.stdout
    assert "none altered" in intact.stdout

    reason = "the moderation journal is not sealed: the file journal.end is damaged, or belongs to another network"

    def is_reported() -> bool:
        if reason in _reasons(running):
            return True
        end.write_bytes(end.read_bytes()[:50])  # damage it again: a seal that was being written replaces the file
        return False

    _wait_until(is_reported)
    doctor = moot("doctor", data=running.data)
    assert doctor.returncode == 1
    assert re.search(rf"broken +{re.escape(reason)}", doctor.stdout, re.IGNORECASE)
    verified = moot("journal", "verify", data=running.data)
    assert verified.returncode == 1
    assert "is damaged, or belongs to another network" in verified.stdout
    assert f"moot journal accept --data {running.data}" in verified.stdout
    assert "Traceback" not in verified.stdout + verified.stderr

    accepted = moot("journal", "accept", "--yes", data=running.data)
    assert accepted.returncode == 0, accepted.stderr
    _wait_until(lambda: not _reasons(running))
    assert moot("doctor", data=running.data).stdout.count("the moderation journal is sealed") == 1
    intact = moot("journal", "verify", data=running.data)
    assert intact.returncode == 0, intact.stdout
    assert "Note: an operator accepted damage" in intact.stdout
    assert "nothing to accept" in moot("journal", "accept", "--yes", data=running.data).stdout


def test_cases_are_listed_with_the_used_part_of_their_time(running: NetworkUp) -> None:
    answer = json.loads(moot("cases", "--json", data=running.data).stdout)
    assert answer["open"] >= len(answer["cases"]) > 0
    assert all(0 <= case["used_percent"] <= 100 for case in answer["cases"])
    text = moot("cases", data=running.data).stdout
    assert text.startswith(f"{answer['open']} open cases: 0 overdue")
    assert ("cannot be decided" in text) == (answer["stuck"] > 0)


def test_contacts_are_registered_and_ended(running: NetworkUp, tmp_path: Path) -> None:
    added = json.loads(moot("contacts", "add", "Hosting s.r.o.", "--kind", "provider", "--sender", "hosting.example", "--json",
                            data=running.data).stdout)
    assert added["senders"] == ["hosting.example"]
    assert added["id"] in moot("contacts", "list", data=running.data).stdout
    assert moot("contacts", "end", added["id"], data=running.data).returncode == 0
    again = moot("contacts", "end", added["id"], data=running.data)
    assert again.returncode == 1
    assert "is registered" in again.stderr
    wrong = moot("contacts", "add", "X", "--kind", "authority", "--sender", "com", data=running.data)
    assert wrong.returncode == 1
    assert "neither a domain nor a complete address" in wrong.stderr
    everybody = moot("contacts", "add", "Court", "--kind", "authority", "--sender", "Gmail.com", data=running.data)
    assert "complete address" in everybody.stderr
    private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n"
    for content, words in ((private, "the public one"), ("", "key.pem is empty")):
        (tmp_path / "key.pem").write_text(content)
        wrong = moot("contacts", "add", "X", "--kind", "provider", "--key", str(tmp_path / "key.pem"), data=running.data)
        assert words in wrong.stderr
    (tmp_path / "key.pem").write_text(base64.b64encode(bytes([1]) * 32).decode())
    added = json.loads(moot("contacts", "add", "Y", "--kind", "provider", "--key", str(tmp_path / "key.pem"), "--json",
                            data=running.data).stdout)
    line = next(line for line in moot("contacts", "list", data=running.data).stdout.splitlines() if added["id"] in line)
    assert line.endswith("with the key AQEBAQEB…"), "so that two registrations are told apart while a key is exchanged"
    assert moot("contacts", "end", added["id"], data=running.data).returncode == 0


def test_evidence_of_a_case_is_exported_and_checked_elsewhere(running: NetworkUp, tmp_path: Path) -> None:
    """Also: the public heads of the journal, kept by somebody, are compared with it."""
    case = json.loads(moot("cases", "--json", data=running.data).stdout)["cases"][0]["id"]
    file, heads = tmp_path / "case.zip", tmp_path / "heads"
    exported = moot("evidence", "export", case, "--to", str(file), data=running.data)
    assert exported.returncode == 0, exported.stderr
    with urllib.request.urlopen(f"{running.url}/journal/heads", timeout=60) as answer:
        heads.write_bytes(answer.read())
    checked = moot("evidence", "verify", str(file), "--heads", str(heads), "--json")
    assert checked.returncode == 0, checked.stdout
    found = json.loads(checked.stdout)
    assert found["proven"] > 0
    assert found["network"] == running.url
    file.write_bytes(file.read_bytes()[:-30] + bytes(30))
    assert moot("evidence", "verify", str(file)).returncode == 1
    verified = moot("log", "verify", "--heads", str(heads), "--json", data=running.data)  # the earlier name is still accepted
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["compared"] > 0
    heads.write_text(heads.read_text("utf-8").replace("key ", "key x"), "utf-8")
    assert moot("journal", "verify", "--heads", str(heads), data=running.data).returncode == 1
    assert moot("evidence", "export", "1", "--to", str(file), data=running.data).returncode == 1


def test_a_transparency_report_is_exported_into_an_empty_folder(running: NetworkUp, tmp_path: Path) -> None:
    def export(folder: str, *more: str, last: str = "2026-06-30") -> subprocess.CompletedProcess[str]:
        return moot("transparency", "export", "--from", "2026-01-01", "--to", last, "--to-folder", str(tmp_path / folder), *more,
                    data=running.data)

    planned = export("one", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert not (tmp_path / "one").exists()
    written = export("one", "--published", "2026-08-20", "--previous", "2026-02-20", "--provider", "Náves z. s.")
    assert written.returncode == 0, written.stderr
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert len([name for name in names if name.endswith(".csv")]) == 11
    assert names == {one["name"] for one in json.loads(planned.stdout)["files"]}
    assert "Náves z. s." in (tmp_path / "one" / "1_report_identification.csv").read_text("utf-8")
    again = export("one")
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    future = export("two", last="2099-12-31")
    assert (future.returncode, "not over yet" in future.stderr) == (1, True)


def test_an_operator_writes_a_note_about_a_month_and_withdraws_its_words(running: NetworkUp, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Dva dny jsme neměli službu.\n", "utf-8")
    month = f"{clock.now():%Y-%m}"
    written = moot("transparency", "note", str(file), "--month", month, "--language", "cs", "--yes", "--json", data=running.data)
    assert written.returncode == 0, written.stderr
    number = json.loads(written.stdout)["number"]
    assert "Dva dny" in moot("transparency", "notes", data=running.data).stdout
    assert moot("transparency", "note", str(file), "--month", "2999-01", "--yes", data=running.data).returncode == 1
    withdrawn = moot("transparency", "withdraw", str(number), "--yes", "--json", data=running.data)
    assert json.loads(withdrawn.stdout)["text"] is None
    again = moot("transparency", "withdraw", str(number), "--yes", data=running.data)
    assert (again.returncode, "no note" in again.stderr) == (1, True)
    listed = json.loads(moot("transparency", "notes", "--json", data=running.data).stdout)
    assert [(one["number"], one["text"]) for one in listed if one["number"] == number] == [(number, None)]


def test_two_pages_for_a_host_are_one_file(running: NetworkUp, tmp_path: Path) -> None:
    file = tmp_path / "provider.html"
    made = moot("transparency", "provider", "--to", str(file), "--language", "cs", data=running.data)
    assert made.returncode == 0, made.stderr
    text = file.read_text("utf-8")
    assert '<html lang="cs">' in text
    assert "font/woff2;base64," in text
    assert moot("transparency", "provider", "--to", str(tmp_path / "none" / "x.html"), data=running.data).returncode == 1
