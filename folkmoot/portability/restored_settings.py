"""What of a settings file is true on another machine only, and must not be used where a network is restored.

Addresses of the old machine: with `names.addresses` the names would be led to the lost host. Its external database, which is not
the restored one. Its folder of secrets, and the number of its processes. Ports, proxies and the log stay: they are choices.
"""

import ipaddress
import re
import tomllib
from typing import Any

_OF_THE_MACHINE = (
    ("server", "host"), ("server", "processes"), ("server", "certificates"), ("database", "url"), ("secrets", "folder"), ("hosts", "name"),
    ("hosts", "host"), ("hosts", "address"), ("names", "addresses"),
)
_LINE = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_SECTION = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]")


def without_old_machine(text: str) -> tuple[str, list[str]]:
    """(the settings file with these settings commented out, their names). A file that is not valid stays as it is."""
    before = _read(text)
    if before is None:
        return text, []
    due = {(section, name) for section, name in _OF_THE_MACHINE if _is_of_machine(name, before.get(section, {}).get(name))}
    lines, section, done = text.split("\n"), "", []
    number = 0
    while number < len(lines):
        if found := _SECTION.match(lines[number]):
            section = found[1]
        end = number + 1
        if (found := _LINE.match(lines[number])) and (section, found[1]) in due:
            end = _end_of_value(lines, number)
            lines[number:end] = [f"# of the machine before: {line}" for line in lines[number:end]]
            done.append((section, found[1]))
        number = end
    result = "\n".join(lines)
    for section, name in done:
        before[section].pop(name, None)
    return (result, [".".join(key) for key in done]) if _read(result) == before else (text, [])


def _end_of_value(lines: list[str], start: int) -> int:
    """The number of the line after a value, which may be a list over several lines."""
    ends = (end for end in range(start + 1, len(lines) + 1) if _read("\n".join(lines[start:end])) is not None)
    return next(ends, start + 1)


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _is_of_machine(name: str, value: Any) -> bool:
    return bool(value) and not (name == "host" and _is_anywhere(str(value)))


def _is_anywhere(address: str) -> bool:
    """Whether every machine has this address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address == "localhost"
    return found.is_loopback or found.is_unspecified

