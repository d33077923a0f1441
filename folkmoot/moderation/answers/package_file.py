"""The file of an evidence package: writing it, and checking it without a database.

The check needs the file and the public key of the network; without the key it shows only that the file is consistent. With
a copy of the published heads it also shows that the journal was not rewritten before the package was made.
"""

import base64
import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from lzma import LZMAError

import msgspec

from folkmoot.moderation.answers.model import Document, EntryRow, Manifest, Proof, ProvenEntry, signed_text
from folkmoot.moderation.journal.anchors import Anchor, AnchorKey, NotPublished, is_signed, read_published, root_of_path
from folkmoot.moderation.journal.model import Entry, Step, has_valid_hash

_DOCUMENT, _HTML, _PROOF, _MANIFEST = "case.json", "case.html", "journal.json", "manifest.json"
_MOST_BYTES = 50 * 1024 * 1024  # of a file in a package
_DECISIONS = (Step.NOTICE_ANSWERED, Step.VERDICT_REACHED, Step.VERDICT_SETTLED)  # entries that contain a decision


class Checked(msgspec.Struct, kw_only=True):
    """The result. `key`: that of the package, Base64; `proven`: entries whose content is proven; `withheld`: only their place;
    `unproven`: decisions whose entries all name a person, and are withheld."""

    faults: list[str] = []
    key: str = ""
    network: str = ""
    made_at: datetime | None = None
    proven: int = 0
    withheld: int = 0
    decisions: list[str] = []
    unproven: list[str] = []

    @property
    def is_genuine(self) -> bool:
        return not self.faults


def pack(key: AnchorKey, document: Document, proof: Proof, html: str) -> bytes:
    contents = {
        _DOCUMENT: msgspec.json.format(msgspec.json.encode(document), indent=2), _HTML: html.encode(),
        _PROOF: msgspec.json.format(msgspec.json.encode(proof), indent=2),
    }
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = Manifest(key=base64.b64encode(key.public).decode(), files=files, signature=key.sign(signed_text(files)))
    contents[_MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, document.made_at.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def check(content: bytes, key: bytes | None = None, heads: Sequence[Anchor] = ()) -> Checked:
    """Checks a package. `key`: the network's public key, from elsewhere; `heads`: from a kept copy of the public list."""
    found = Checked()
    try:
        files = _unpacked(content)
        manifest = msgspec.json.decode(files[_MANIFEST], type=Manifest)
        document = msgspec.json.decode(files[_DOCUMENT], type=Document)
        proof = msgspec.json.decode(files[_PROOF], type=Proof)
        own_key = base64.b64decode(manifest.key, validate=True)
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, KeyError, ValueError, RuntimeError, NotImplementedError, OSError) as error:
        found.faults.append(f"this is not an evidence package, or not a whole one; fetch it again ({str(error)[:200]})")
        return found
    found.key, found.network, found.made_at = manifest.key, document.address, document.made_at
    if key is not None and key != own_key:
        found.faults.append("it is signed with another key")
    _check_files(found, manifest, files, own_key)
    _check_proof(found, proof, own_key, heads)
    _check_decisions(found, document, proof)
    return found


def _unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {}
        for info in archive.infolist()[:10]:
            if info.file_size > _MOST_BYTES:
                raise ValueError(f"{info.filename[:50]} is too large")
            with archive.open(info) as stream:
                files[info.filename] = stream.read(_MOST_BYTES)
        return files


def _check_files(found: Checked, manifest: Manifest, files: dict[str, bytes], key: bytes) -> None:
    if not is_signed(key, signed_text(manifest.files), manifest.signature):
        found.faults.append("the signature of the package is not valid")
    for name in sorted({*manifest.files, *files} - {_MANIFEST}):
        if hashlib.sha256(files.get(name, b"")).hexdigest() != manifest.files.get(name):
            found.faults.append(f"{name} was changed")


def _check_proof(found: Checked, proof: Proof, key: bytes, heads: Sequence[Anchor]) -> None:
    try:
        anchors = {one.position: one for one in read_published("\n".join(proof.anchors), key)[1]}
    except NotPublished as error:
        found.faults.append(f"the heads of the journal are not valid: {error}")
        return
    known = {head.position: head for head in heads}
    for anchor in anchors.values():
        if heads and known.get(anchor.position) != anchor:
            found.faults.append(f"the head at entry {anchor.position} is not in the kept list")
    for entry in proof.entries:
        if not _is_proven(entry, anchors.get(entry.anchor)):
            found.faults.append(f"entry {entry.position} of the journal is not proven")
        elif entry.row is None:
            found.withheld += 1
        else:
            found.proven += 1


def _is_proven(entry: ProvenEntry, anchor: Anchor | None) -> bool:
    try:
        digest, previous, path = bytes.fromhex(entry.hash), bytes.fromhex(entry.previous), [bytes.fromhex(node) for node in entry.path]
        is_chained = entry.row is None or has_valid_hash(previous, _entry(entry.position, digest, entry.row))
    except (ValueError, OverflowError):
        return False
    if anchor is None or not is_chained or entry.position != anchor.since + 1 + entry.index:
        return False
    if entry.position == anchor.position and digest != anchor.hash:
        return False
    return root_of_path(digest, entry.index, anchor.position - anchor.since, path) == anchor.root


def _check_decisions(found: Checked, document: Document, proof: Proof) -> None:
    """Each decision in the document is the one in the journal. Of a decision by a person, early releases recorded no entry that names
    nobody: then it is only said that a package without people does not prove it. Senders of notices get one that does."""
    recorded: dict[tuple[str, str], set[tuple[object, object]]] = {}
    for entry in proof.entries:
        if (row := entry.row) and row.kind in _DECISIONS and "action" in (facts := _facts(row)):
            recorded.setdefault((str(row.case_id), str(facts.get("verdict"))), set()).add((facts["action"], facts.get("clause")))
    for case in document.cases:
        if (decision := case.decision) is None:
            continue
        known = recorded.get((case.case, decision.verdict))
        words = f"{case.address}: {decision.action}, rule {decision.rule}"
        if known and known == {(decision.action, decision.clause)}:
            found.decisions.append(words)
        elif known is None and document.notice is None and found.withheld:
            found.unproven.append(words)
        else:
            found.faults.append(f"the decision about {case.address} is not in the journal")


def _facts(row: EntryRow) -> dict[str, object]:
    try:
        facts = msgspec.json.decode(row.facts)
    except msgspec.DecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _entry(position: int, digest: bytes, row: EntryRow) -> Entry:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.microseconds)
    return Entry(
        id=row.id, at=at, kind=row.kind, case_id=row.case_id, actor_id=row.actor_id, facts=row.facts, lane=row.lane, number=row.number,
        position=position, hash=digest,
    )
