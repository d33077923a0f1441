"""`moot settings`: prints a sample settings file, generated from the declarations."""

import json
from typing import Any

import click

from folkmoot.commands.options import json_option, show
from folkmoot.config import SECTIONS, described


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Print a sample settings file: each setting with its default and its meaning."""
    rows = [{"section": section, "name": name, "default": default, "says": sentence} for section, name, default, sentence in described()]
    if as_json:
        show(rows, as_json, "")
    else:
        click.echo(sample())  # as it is: the file is kept


def sample() -> str:
    """The sample, with all settings commented out, so that the file can be used unchanged."""
    lines = ["# DATA/folkmoot.toml. Each setting can also be set in the environment: FOLKMOOT_SECTION_NAME."]
    last = ""
    for section, name, default, sentence in described():
        if section != last:
            lines += ["", f"# {(SECTIONS[section].__doc__ or '').strip()}", f"[{section}]"]
            last = section
        lines += [f"# {sentence}", f"# {name} = {_toml(default)}"]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
