"""The results of policy cases as JUnit XML, which build servers read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from gateway.adapters.policy_cases import PolicyCase


def junit_xml(ran: Sequence[tuple[PolicyCase, Sequence[str]]], untested: Iterable[str]) -> bytes:
    """One test case for each case, failed with what differs; and a failed one for each rule that no case tests."""
    missing = tuple(untested)
    failures = sum(bool(wrong) for _, wrong in ran) + len(missing)
    suite = ET.Element("testsuite", name="gateway policy", tests=str(len(ran) + len(missing)), failures=str(failures))
    for case, wrong in ran:
        place = {"classname": case.file, "name": case.id, "file": case.file, "line": str(case.mark.line)}
        told = ET.SubElement(suite, "testcase", place)
        if wrong:
            ET.SubElement(told, "failure", message=wrong[0]).text = "\n".join(wrong)
    for rule in missing:
        told = ET.SubElement(suite, "testcase", classname="coverage", name=rule)
        ET.SubElement(told, "failure", message="P012 no case where it matches and one where it does not")
    ET.indent(suite)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))
