"""Installs detectors and switches between them, also back. Every switch is in the journal."""

import hashlib

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact, queries
from folkmoot.moderation.detection.artefact import Artefact
from folkmoot.moderation.detection.model import WhySwitched
from folkmoot.moderation.detection.queries.stored import Choice
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step

KEPT = 10  # stored detectors, without the one in use


async def install_detector(tx: WriteTx, model: Artefact) -> str:
    """Stores a detector without switching to it; returns its version. A second call changes nothing. Of all stored ones the
    newest are kept, and the one in use."""
    await queries.insert_detector(
        tx, model.header.version, msgspec.json.encode(model.header).decode(), artefact.pack(model), clock.now()
    )
    await queries.delete_oldest(tx, KEPT)
    return model.header.version


async def switch_detector(tx: WriteTx, version: str | None, why: WhySwitched) -> None:
    """Makes all processes use a stored detector, or the packaged one (None), from the next text on.

    Operators, on the command line. Writes detector.switched to the journal. Raises Problem for a version that is not
    stored. Does nothing if it is in use.
    """
    await queries.lock_choices(tx)
    before = await queries.find_choice(tx)
    if before and before.version == version:
        return
    content = await queries.find_file(tx, version) if version else None
    if version and content is None:
        raise Problem("The detector %(version)s is not installed. See: moot detector versions", version=version)
    await queries.insert_choice(tx, Choice(id=ids.make_id(0), version=version, why=why, chosen_at=clock.now()))
    await record_step(
        tx, Step.DETECTOR_SWITCHED, case_id=None, before=before.version if before else None, after=version, why=why,
        sha256=hashlib.sha256(content).hexdigest() if content else None,
    )


async def revert_detector(tx: WriteTx) -> str | None:
    """Switches to the detector that was in use before; returns its version, None for the packaged one. A second call takes the
    first one back. Raises Problem if nobody has ever switched, or if that detector is no longer stored."""
    choices = await queries.list_choices(tx, limit=2)
    if not choices:
        raise Problem("The network has used no other detector yet. See: moot detector versions")
    target = choices[1].version if len(choices) > 1 else None
    await switch_detector(tx, target, WhySwitched.REVERTED)
    return target
