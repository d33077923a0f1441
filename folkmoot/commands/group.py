"""A command with subcommands. It imports nothing that is slow, because the outermost one prints its help by itself."""

import difflib

import click

_LONGEST_SENTENCE = 300
_LIKENESS = 0.8  # of a mistyped command, from 0 to 1: click would propose `release` for `delete`


class Group(click.Group):
    """Its help has the whole first sentence of each, and a mistyped one is answered by the nearest."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.sentence(name)) for name in self.list_commands(ctx)])

    def sentence(self, name: str) -> str:
        return self.commands[name].get_short_help_str(_LONGEST_SENTENCE)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1, _LIKENESS)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(error.message + hint, error.ctx) from error
