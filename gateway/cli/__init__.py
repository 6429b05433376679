"""The command line: one file a verb, loaded only when it is asked for.

Exit codes: 0 good, 1 found what it looks for, 2 usage, 78 configuration.
"""

from __future__ import annotations

import importlib
import sys

import click

from gateway import __version__

EXIT_CONFIG = 78

_VERBS = {
    "classify": ("gateway.cli.classify", "What would be found in a text, and decided, offline."),
    "console": ("gateway.cli.console", "The pages for people who answer for compliance: serve them alone, invite."),
    "db": ("gateway.cli.db", "Migrations of the database."),
    "demo": ("gateway.cli.demo", "See what leaves and what stays: a gateway, a stand-in provider, seven requests."),
    "doctor": ("gateway.cli.doctor", "Check configuration, policy, database, detector, model and zones."),
    "egress": ("gateway.cli.egress", "Run the process that alone may send, for a gateway that has no way out."),
    "evaluate": ("gateway.cli.evaluate", "Your own tasks, answered by several models: which suffices, at what cost."),
    "keys": ("gateway.cli.keys", "API keys: create, list, revoke."),
    "ledger": ("gateway.cli.ledger", "The record of all decisions: verify, show, prove, search, export, report, keep."),
    "models": ("gateway.cli.models", "Model files: list, verify."),
    "policy": ("gateway.cli.policy", "Policy files: lint, test, explain."),
    "serve": ("gateway.cli.serve", "Run the gateway."),
}


class _Verbs(click.Group):
    """Finds a verb by importing its file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in alphabetical order."""
        del ctx
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one verb."""
        del ctx
        if cmd_name not in _VERBS:
            return None
        command = getattr(importlib.import_module(_VERBS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, without importing a verb."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in sorted(_VERBS.items())])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """The privacy-compliance gateway for LLM traffic."""


def stop_for_configuration(message: str) -> None:
    """Say what is wrong with the configuration and exit with 78."""
    click.echo(f"configuration: {message}", err=True)
    sys.exit(EXIT_CONFIG)
