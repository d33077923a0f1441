"""`moot routes`: every address that the network answers, and for whom."""

from pathlib import Path

import click

from folkmoot.commands.options import data_option, json_option, show


@click.command()
@data_option
@json_option
def routes(data: Path, as_json: bool) -> None:
    """List every address that the network answers, and for whom."""
    from folkmoot.api.routes import ROUTES as API
    from folkmoot.web.routes import ROUTES as WEB

    rows = [
        {"method": route.method, "path": route.path, "access": str(route.access), "scope": route.scope, "limit": route.limit}
        for route in sorted([*API, *WEB], key=lambda route: (route.path, route.method))
    ]
    lines = [f"{row['method']:7}{row['path']:52}{row['access']:11}{row['scope'].replace('|', ' or ')}".rstrip() for row in rows]
    show(rows, as_json, "\n".join(lines))
