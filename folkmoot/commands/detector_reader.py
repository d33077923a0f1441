"""`moot detector evaluate --reader`: measures a reader like a juror, on rows whose answer is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.commands.options import open_database, settings_of

if TYPE_CHECKING:
    from folkmoot.moderation.detection.model import Example


async def measure_reader(name: str, data: Path, rows: "list[Example]", limit: int, model: Path | None) -> tuple[dict[str, Any], str]:
    """The answer for programs, and for people. Asks one after the other, so that a limit of the service is not hit."""
    from folkmoot.moderation.detection import evaluation
    from folkmoot.moderation.detection.asking import access_of
    from folkmoot.moderation.detection.detector import Detector
    from folkmoot.moderation.learning.examples import list_own_examples
    from folkmoot.moderation.learning.juror import judge

    settings = settings_of(data)
    access = access_of(settings.detector)
    if access is None:
        raise Problem("There is no reader. Set detector.reader_url and detector.reader_model in %(file)s.", file=data / "folkmoot.toml")
    if not rows:
        async with open_database(settings) as database, database.read() as conn:
            rows = await list_own_examples(conn)
    rows = [row for row in rows if row.threat is not None][:limit]
    if not rows:
        raise Problem("None of these rows has a label, so there is nothing to evaluate.")
    judged = await judge(msgspec.structs.replace(access, model=name), Detector.load(model), rows)
    agrees = (f"The reader agrees with {100 * judged.agreement:.1f} % of the labels. It failed to answer about {judged.failed} of"
              f" {len(rows)} texts.")
    return msgspec.to_builtins(judged), f"{evaluation.table([judged.detector, judged.reader])}\n\n{agrees}"
