"""The bundle that a `gateway policy` command is about, and how what is wrong with it is told."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gateway.adapters.file_policies import FilePolicies, PolicyErrors
from gateway.adapters.strict_yaml import PolicyError
from gateway.domain.policy import Bundle

EXIT_FOUND = 1


def bundle_at(directory: Path) -> Bundle:
    """The bundle of a folder; its problems and exit 1 when it does not load."""
    try:
        return FilePolicies(directory).current()
    except PolicyErrors as error:
        print_problems(error.problems)
        sys.exit(EXIT_FOUND)


def print_problems(problems: Iterable[PolicyError], kind: str = "") -> None:
    """`file:line:column code message`, a line each."""
    for problem in problems:
        place = f"{problem.file}:{problem.line}:{problem.column}"
        click.echo(f"{place} {problem.code}{kind} {problem.message}")
