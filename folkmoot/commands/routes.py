"""`moot routes`: lists each route of the network, and who may use it."""

import json
from pathlib import Path

import click

from folkmoot.commands.options import data_option, json_option, show


@click.command()
@data_option
@json_option
@click.option("--reference", "as_reference", is_flag=True, help="Print the reference page of the client API, as Markdown.")
@click.option("--openapi", "as_openapi", is_flag=True, help="Print the client API as an OpenAPI document.")
def routes(data: Path, as_json: bool, as_reference: bool, as_openapi: bool) -> None:
    """List all routes and who may use each."""
    from folkmoot.api.openapi import document
    from folkmoot.api.reference import reference
    from folkmoot.api.routes import ROUTES as API
    from folkmoot.web.routes import ROUTES as WEB

    if as_reference:
        click.echo(reference(API), nl=False)
        return
    if as_openapi:
        click.echo(json.dumps(document(API, "https://folkmoot.example"), indent=2))
        return
    rows = [
        {"method": route.method, "path": route.path, "access": str(route.access), "scope": route.scope, "limit": route.limit}
        for route in sorted([*API, *WEB], key=lambda route: (route.path, route.method))
    ]
    lines = [f"{row['method']:7}{row['path']:52}{row['access']:11}{row['scope'].replace('|', ' or ')}".rstrip() for row in rows]
    show(rows, as_json, "\n".join(lines))
