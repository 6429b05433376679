"""The chart: every example renders to what Kubernetes accepts, and to no more rights and ways than it needs."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from gateway.adapters.strict_yaml import parse
from gateway.settings import load
from tests.conftest import REPOSITORY

CHART = REPOSITORY / "helm"
EXAMPLES = ("small", "standard", "strict")
FOREIGN = {"ServiceMonitor", "PrometheusRule", "ExternalSecret", "HTTPRoute", "CiliumNetworkPolicy"}
"""Kinds of other projects, whose schemas the validator does not have."""
VERSION = "1.32"
Manifest = dict[str, Any]


def values(example: str) -> dict[str, Any]:
    """An example's values."""
    return dict(yaml.safe_load((CHART / "examples" / f"{example}.yaml").read_text()))


class Rendered:
    """What the examples render to. The chart is loaded once."""

    def __init__(self) -> None:
        self.chart = helm_python.Chart.load(str(CHART))
        self.of = {example: self.render(values(example)) for example in EXAMPLES}

    def render(self, given: Mapping[str, Any]) -> list[Manifest]:
        """Every manifest of a release."""
        files = self.chart.render(dict(given), name="gw", namespace="llm", is_install=True)
        texts = [text for name, text in files.items() if not name.endswith(".txt")]
        return [each for text in texts for each in yaml.safe_load_all(text) if each]

    def install(self, given: Mapping[str, Any]) -> list[Manifest]:
        """As an installation does: the values are checked first."""
        self.chart.validate_schema(dict(given))
        return self.render(given)


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    """Rendered once for all tests."""
    return Rendered()


@pytest.fixture(params=EXAMPLES)
def manifests(request: pytest.FixtureRequest, rendered: Rendered) -> list[Manifest]:
    """The manifests of each example."""
    return rendered.of[request.param]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [each for each in manifests if each["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, str], Manifest]]:
    """Name, labels and spec of every pod that can come to be."""
    for each in manifests:
        template = each.get("spec", {}).get("jobTemplate", each).get("spec", {}).get("template")
        if template is not None:
            yield each["metadata"]["name"], template["metadata"]["labels"], template["spec"]


def containers(spec: Manifest) -> list[Manifest]:
    """All of a pod's."""
    return [*spec.get("initContainers", []), *spec["containers"]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_lints(example: str) -> None:
    """With warnings as errors."""
    report = helm_python.lint(str(CHART), values(example), strict=True, namespace="llm")

    assert [] == [each for each in report["messages"] if each["severity"] > 1]
    assert [] == report["errors"]


def test_kubernetes_knows_every_manifest(manifests: list[Manifest]) -> None:
    """Against its own schema, with unknown fields as errors."""
    for each in manifests:
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, VERSION, strict=True)


def test_no_container_runs_as_root_or_can_become_it(manifests: list[Manifest]) -> None:
    """Nor writes to its root, keeps a capability, or may talk to the API server."""
    seen = 0
    for _, _, spec in pods(manifests):
        assert False is spec["automountServiceAccountToken"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert "RuntimeDefault" == spec["securityContext"]["seccompProfile"]["type"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for container in containers(spec):
            seen += 1
            context = container["securityContext"]
            assert context["runAsNonRoot"] is context["readOnlyRootFilesystem"] is True
            assert False is context["allowPrivilegeEscalation"]
            assert {"drop": ["ALL"]} == context["capabilities"]
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
        assert not any("hostPath" in volume for volume in spec["volumes"])
    assert seen >= 3
    assert all(each["automountServiceAccountToken"] is False for each in of_kind(manifests, "ServiceAccount"))
    assert not {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} & {each["kind"] for each in manifests}


def test_every_secret_is_a_reference(manifests: list[Manifest]) -> None:
    """The chart makes none, and no variable that names a key or a password has a value."""
    assert [] == of_kind(manifests, "Secret")
    for _, _, spec in pods(manifests):
        for container in containers(spec):
            for variable in container.get("env", []):
                secret = any(word in variable["name"] for word in ("KEY", "PASSWORD", "URL", "TOKEN"))
                assert not secret or set(variable["valueFrom"]) == {"secretKeyRef"}


def selects(policy: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a policy is about pods with these labels."""
    wanted = policy["spec"]["podSelector"].get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items())


def ways_out(manifests: list[Manifest], labels: Mapping[str, str]) -> list[Manifest]:
    """Every rule that lets such a pod out."""
    policies = [each for each in of_kind(manifests, "NetworkPolicy") if selects(each, labels)]
    return [rule for each in policies for rule in each["spec"].get("egress", [])]


def reaches_the_internet(rule: Manifest) -> bool:
    """Whether a rule leads to an address that is not private: no peers means everywhere."""
    peers = rule.get("to") or [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
    blocks = [ipaddress.ip_network(peer["ipBlock"]["cidr"]) for peer in peers if "ipBlock" in peer]
    return any(not block.is_private or block.prefixlen == 0 for block in blocks)


def test_every_pod_is_denied_everything_first(manifests: list[Manifest]) -> None:
    """By a policy without a rule that selects it, both ways."""
    closed = [
        each
        for each in of_kind(manifests, "NetworkPolicy")
        if {"Ingress", "Egress"} == set(each["spec"]["policyTypes"]) and not {"ingress", "egress"} & set(each["spec"])
    ]
    for name, labels, _ in pods(manifests):
        assert any(selects(each, labels) for each in closed), name


@pytest.mark.parametrize("example", ["standard", "strict"])
def test_no_way_leads_from_the_gateway_to_the_internet(rendered: Rendered, example: str) -> None:
    """Nor from jobs or the model inside; the egress alone has one, and it alone has the providers' keys."""
    manifests = rendered.of[example]
    for name, labels, spec in pods(manifests):
        component = labels["app.kubernetes.io/component"]
        outward = [rule for rule in ways_out(manifests, labels) if reaches_the_internet(rule)]
        keys = {v["name"] for each in containers(spec) for v in each.get("env", []) if v["name"].endswith("_API_KEY")}
        if component == "egress":
            assert bool(outward) is not bool(of_kind(manifests, "CiliumNetworkPolicy")), name
            assert keys
        else:
            assert [] == outward, name
            assert set() == keys, name
    [egress] = [each for each in of_kind(manifests, "NetworkPolicy") if each["metadata"]["name"] == "gw-egress"]
    [rule] = egress["spec"]["ingress"]
    callers = [peer["podSelector"]["matchLabels"] for peer in rule["from"] if "podSelector" in peer]
    assert [{"app.kubernetes.io/instance": "gw", "app.kubernetes.io/component": "gateway"}] == callers


def test_the_strict_example_names_the_providers_hosts(rendered: Rendered) -> None:
    """Exactly the configured ones, on their port; everything is pinned by digest."""
    [policy] = of_kind(rendered.of["strict"], "CiliumNetworkPolicy")
    named = [rule for rule in policy["spec"]["egress"] if "toFQDNs" in rule]

    assert [[{"matchName": "api.openai.com"}]] == [rule["toFQDNs"] for rule in named]
    assert ["443"] == [port["port"] for rule in named for ports in rule["toPorts"] for port in ports["ports"]]
    images = {each["image"] for _, _, spec in pods(rendered.of["strict"]) for each in containers(spec)}
    assert all("@sha256:" in image for image in images)


def test_a_witness_is_asked_and_demanded(rendered: Rendered) -> None:
    """In the strict example, from a pod of its own that has no key; and verification wants its signature."""
    manifests = rendered.of["strict"]
    found = {name: (labels, spec["containers"][0]) for name, labels, spec in pods(manifests)}
    labels, asking = found["gw-ledger-cosign"]
    [config] = [each for each in of_kind(manifests, "ConfigMap") if "gateway.yaml" in each["data"]]
    given = values("strict")["cosign"]

    assert ["ledger", "cosign"] == asking["args"][:2]
    assert not any("/run/gateway" in each["mountPath"] for each in asking["volumeMounts"])
    assert given["witness"] == asking["args"][asking["args"].index("--witness") + 1]
    assert given["witnessKey"] == config["data"]["witness.pub"]
    assert given["to"] in [rule["to"] for rule in ways_out(manifests, labels) if "to" in rule]
    assert "/etc/gateway/witness.pub" in asking["args"]
    assert "/etc/gateway/witness.pub" in [each["mountPath"] for each in asking["volumeMounts"]]
    assert [given["witnessKey"]] == yaml.safe_load(config["data"]["gateway.yaml"])["ledger"]["witnesses"]
    assert "gw-ledger-cosign" not in {name for name, _, _ in pods(rendered.of["standard"])}


def test_the_configuration_loads(manifests: list[Manifest], tmp_path: Path) -> None:
    """By the product's own reader; it holds no secret."""
    [config] = [each for each in of_kind(manifests, "ConfigMap") if "gateway.yaml" in each["data"]]
    text = config["data"]["gateway.yaml"]
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    settings = load(file, {"GATEWAY_DATABASE__URL": "postgresql+psycopg://gateway@postgres/gateway"})

    assert [] == list(parse("gateway.yaml", text.encode()).problems)
    assert ("0.0.0.0", 8080) == (settings.server.host, settings.server.port)
    mounts = {m["mountPath"] for _, labels, s in pods(manifests) for c in s["containers"] for m in c["volumeMounts"]}
    assert str(settings.ledger.key_file.parent) in mounts
    assert settings.models
    assert bool(settings.egress.url) is ("gw-egress" in {name for name, _, _ in pods(manifests)})


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown value": ("small", {"replica": 1}, "replica"),
    "an unknown value within": ("small", {"gateway": {"replcas": 1}}, "replcas"),
    "no secret for a key": ("small", {"secrets": {"destinations": None}}, "OPENAI_API_KEY"),
    "a secret in the configuration": ("small", {"config": {"database": {"url": "postgresql://u:p@h/d"}}}, "config"),
    "a digest that is none": ("small", {"image": {"digest": "latest"}}, "digest"),
    "a redis with a password": ("standard", {"redis": {"url": "redis://u:p@redis:6379"}}, "redis"),
    "many egresses without a memory": ("standard", {"redis": {"url": ""}}, "redis.url"),
    "an egress that obeys nobody": ("standard", {"egress": {"gatewayKeys": []}}, "gatewayKeys"),
    "an egress to a name": ("standard", {"egress": {"to": [{"cidr": "example.com", "ports": [443]}]}}, "cidr"),
    "a witness without a key": ("strict", {"cosign": {"witnessKey": ""}}, "witnessKey"),
    "a zone that is none": ("small", {"config": {"destinations": {"x": {"zone": "lan", "adapter": "openai"}}}}, "zone"),
}


def merged(base: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `more` put over it."""
    made = copy.deepcopy(base)
    for name, value in more.items():
        made[name] = merged(made.get(name) or {}, value) if isinstance(value, dict) else value
    return made


@pytest.mark.parametrize("what", sorted(BAD))
def test_bad_values_are_refused_by_name(rendered: Rendered, what: str) -> None:
    """Before anything is installed."""
    example, more, told = BAD[what]
    given = merged(values(example), more)

    with pytest.raises(helm_python.HelmError) as refused:
        rendered.install(given)
    assert told in str(refused.value)


def test_the_checks_can_fail(rendered: Rendered) -> None:
    """A gateway without an egress has a way out, and is seen to have it."""
    manifests = rendered.of["small"]
    [labels] = [labels for name, labels, _ in pods(manifests) if name == "gw"]

    assert any(reaches_the_internet(rule) for rule in ways_out(manifests, labels))
