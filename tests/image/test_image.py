"""The image and the compose file, as far as they can be checked without a container engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import load
from tests.conftest import REPOSITORY
from tests.image.install_steps import steps

BIN = Path(sys.executable).parent
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the compose file, with what they share filled in."""
    return dict(yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"])


def test_every_file_of_a_dependency_is_checked_against_its_hash() -> None:
    """An installation either needs hashes or has no index."""
    installs = [each for step in steps(DOCKERFILE) for each in re.findall(r"pip install [^&]+", step)]

    assert len(installs) >= 4
    assert [] == [each for each in installs if "--require-hashes" not in each and "--no-index" not in each]


def test_the_image_ends_as_a_user_without_rights() -> None:
    """The last stage has a user, a health check, labels and one entry point; of the builder it takes the result."""
    last = DOCKERFILE.split("\nFROM ")[-1]

    assert ["10001:10001"] == re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\\\n\s+CMD \[", last, re.MULTILINE)
    assert 'ENTRYPOINT ["gateway"]' in last
    assert "org.opencontainers.image.revision" in last
    assert ["--from=build /opt/gateway /opt/gateway"] == re.findall(r"^COPY (.+)$", last, re.MULTILINE)
    assert ":latest" not in DOCKERFILE
    assert not re.search(r"^(ENV|ARG) .*(KEY|PASSWORD|TOKEN)", DOCKERFILE, re.MULTILINE)


def test_the_builder_sees_what_the_package_needs_and_no_more() -> None:
    """Each path exists; everything that the wheel takes along is among them."""
    allowed = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    taken = re.findall(r'^"(\S+)" = "gateway/_data/', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)

    assert [] == [path for path in allowed if not (REPOSITORY / path).exists()]
    assert [] == [path for path in taken if not any(path == each or path.startswith(f"{each}/") for each in allowed)]


def test_the_compose_file_is_one() -> None:
    """By the specification's schema."""
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", REPOSITORY / "compose.yaml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == checked.returncode, checked.stdout


def test_only_the_egress_has_keys_and_a_way_out(services: dict[str, Any]) -> None:
    """The gateway, its database and its models are in a network without a route; the proxy has no key."""
    networks = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["networks"]
    inside = {name for name, of in networks.items() if (of or {}).get("internal")}
    routed = {name for name, each in services.items() if set(each.get("networks", [])) - inside}
    keyed = {
        name for name, each in services.items() if any(k.endswith("_API_KEY") for k in each.get("environment", {}))
    }

    assert ({"egress", "proxy"}, {"egress"}) == (routed, keyed)
    assert ["inside"] == services["gateway"]["networks"]


def test_what_runs_the_image_cannot_write_or_gain_rights(services: dict[str, Any]) -> None:
    """A read-only root, no capability; only the one that hands out fresh volumes is root, without a network."""
    ours = {name: each for name, each in services.items() if each["image"].startswith("privacy-gateway")}

    assert {"gateway", "egress", "public-key", "volumes"} == set(ours)
    for name, each in ours.items():
        assert each["read_only"] is True, name
        assert ["ALL"] == each["cap_drop"], name
        assert ["no-new-privileges:true"] == each["security_opt"], name
    assert {"volumes"} == {name for name, each in ours.items() if "user" in each}
    assert "none" == ours["volumes"]["network_mode"]


@pytest.mark.parametrize("name", ["gateway", "egress"])
def test_the_settings_of_each_service_load(services: dict[str, Any], name: str) -> None:
    """Every variable is a key that the gateway knows."""
    given = {k: re.sub(r"\$\{[^}]*\}", "x", v) for k, v in services[name]["environment"].items()}
    settings = load(None, given)

    assert ("http://egress:8090" if name == "gateway" else "") == settings.egress.url


def test_the_bill_of_materials_is_the_lock(tmp_path: Path) -> None:
    """`make sbom` lists every pinned version, with its hashes, in CycloneDX."""
    makefile = (REPOSITORY / "Makefile").read_text()
    [command] = re.findall(r"^\t\$\(BIN\)/(cyclonedx-py .*) -o ", makefile, re.MULTILINE)
    file = tmp_path / "sbom.json"
    subprocess.run(
        [BIN / "cyclonedx-py", *command.split()[1:], "-o", file], cwd=REPOSITORY, check=True, capture_output=True
    )
    bom = json.loads(file.read_text())

    pinned = dict(
        re.findall(
            r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;]+)",
            (REPOSITORY / "requirements/base.txt").read_text(),
            re.MULTILINE,
        )
    )
    listed = {each["name"]: each["version"] for each in bom["components"]}
    assert "CycloneDX" == bom["bomFormat"]
    assert pinned == listed
    assert all(each["externalReferences"] for each in bom["components"])
