"""docs/benchmarks/production.md, from what the benchmarks of production wrote into production.json beside it."""

from __future__ import annotations

import json
import os
import platform
from typing import Any

from tests.conftest import REPOSITORY

FIGURES = REPOSITORY / "docs" / "benchmarks" / "production.json"
PAGE = FIGURES.with_suffix(".md")


def keep(name: str, figures: dict[str, Any]) -> None:
    """Put one benchmark's figures beside the others', and write the page anew."""
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    known[name] = {"machine": machine, **figures}
    FIGURES.write_text(json.dumps(known, indent=2) + "\n")
    PAGE.write_text(page(known))


def page(known: dict[str, Any]) -> str:
    """The page."""
    parts = ["# Production: replicas, faults, overload, a long run\n", _HEAD]
    for name, write in (("replicas", _replicas), ("egress", _egress), ("overload", _overload), ("soak", _soak)):
        if name in known:
            parts.append(write(known[name]))
    return "\n".join(parts)


_HEAD = """Everything runs on one machine: gateways, detectors, PostgreSQL, the balancer, the provider's stand-in and
the callers share its cores. So more replicas show that nothing breaks, not what more machines would carry. What is
measured ran before everything else on that machine, which did other work with what was left.
"""


def _replicas(seen: dict[str, Any]) -> str:
    lines = [
        "## One, two, three replicas\n",
        f"`python -m tests.benchmarks.bench_replicas`, {seen['machine']['cores']} cores, {seen['callers']} callers for",
        f"{seen['seconds']} s each; haproxy in front, one PostgreSQL behind. Texts of 500 characters.\n",
        "| replicas | new texts/s | p50 ms | p99 ms | known texts/s | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in seen["figures"]:
        new, same = each["new"], each["same"]
        lines.append(
            f"| {each['replicas']} | {new['per_s']} | {new['p50_ms']} | {new['p99_ms']} "
            f"| {same['per_s']} | {same['p50_ms']} | {same['p99_ms']} |"
        )
    told = seen["faults"]
    lines += [
        "\n## What each fault cost, with three replicas under load\n",
        "| fault | seen |",
        "|---|---|",
        f"| rolling restart of all | {told['rolled_requests']} requests, failed: {told['rolled_failed'] or 'none'} |",
        f"| policy changed | in force everywhere after {told['policy_s']} s |",
        f"| `kill -9` of one: requests that failed, under way there | {told['killed_failed'] or 'none'} |",
        f"| its open decisions | {told['recovered']} recorded as `recovered` |",
        f"| PostgreSQL stopped: requests that left, or were answered | {told['outage_left']}, {told['outage_good']} |",
        f"| those that were refused | {told['outage_refused']} |",
        f"| answered while it was away | {told['open_intents']} decisions stay open, and are listed as such |",
        f"| PostgreSQL started | first answer {told['return_s']} s later |",
        f"| `gateway ledger verify` after all of it | {told['verified'].partition(':')[0]} |",
        "",
    ]
    return "\n".join(lines)


def _egress(seen: dict[str, Any]) -> str:
    lines = [
        "## The egress as a process of its own\n",
        f"`python -m tests.benchmarks.bench_egress`, {seen['requests']} requests of a known text, in turns.\n",
        "| the way | p50 ms | p90 ms | p99 ms |",
        "|---|---|---|---|",
    ]
    names = {"direct": "straight to the provider", "one": "`gateway serve` alone", "two": "with `gateway egress`"}
    for name, told in seen["latency_ms"].items():
        lines.append(f"| {names[name]} | {told['p50']} | {told['p90']} | {told['p99']} |")
    return "\n".join([*lines, f"\nThe hop adds {seen['hop_ms_p50']} ms at the median.\n"])


def _overload(seen: dict[str, Any]) -> str:
    lines = [
        "## Overload and attack\n",
        f"`python -m tests.benchmarks.bench_overload`, {seen['machine']['cores']} cores, one gateway.\n",
        "| what | seen |",
        "|---|---|",
    ]
    lines += [f"| {what} | {told} |" for what, told in seen["seen"].items()]
    return "\n".join([*lines, ""])


def _soak(seen: dict[str, Any]) -> str:
    return "\n".join(
        [
            "## A long run at half of capacity\n",
            f"`python -m tests.benchmarks.bench_soak --minutes {seen['minutes']}`, {seen['machine']['cores']} cores.\n",
            "| what | seen |",
            "|---|---|",
            f"| load | {seen['rate']} requests/s, half of {seen['capacity']} |",
            f"| requests | {seen['requests']}, failed: {seen['failed'] or 'none'} |",
            f"| memory, second tenth of the run | {seen['memory_first_mib']} MiB |",
            f"| memory, last tenth of the run | {seen['memory_last_mib']} MiB: {seen['drift_percent']} % |",
            f"| p99, first half and second half | {seen['p99_first_ms']} ms, {seen['p99_second_ms']} ms |",
            f"| `gateway ledger verify` afterwards | exit {seen['verify']} |",
            "",
        ]
    )
