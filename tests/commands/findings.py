"""What the tests of `moot doctor` share: the states that a check found, and settings."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from folkmoot import config
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings


def states_of(findings: Iterable[Finding]) -> dict[str, str]:
    """The worst state of each check. Each finding that is not good says why it matters and what to do."""
    found: dict[str, str] = {}
    for finding in findings:
        assert finding.what
        assert finding.state == GOOD or (finding.why and finding.remedy), finding
        found[finding.check] = max(found.get(finding.check, ""), finding.state, key=["", GOOD, WARNING, BROKEN].index)
    return found


def settings_with(data: Path, text: str = "") -> Settings:
    (data / "folkmoot.toml").write_text(text)
    (data / "folkmoot.toml").chmod(0o644)
    return config.load(data)


def write_log(data: Path, text: str) -> Path:
    (data / "postgres.log").write_text(text.replace("PANIC:  ", "PANIC: ") + "\n")
    return data / "postgres.log"


async def found_by(findings: AsyncIterator[Finding]) -> dict[str, str]:
    return states_of([finding async for finding in findings])
