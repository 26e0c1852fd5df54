"""A report as JSON, YAML, text or JUnit XML."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from s3prod.errors import one_line
from s3prod.report.text import table
from s3prod.suite.record import Report, Result

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT = {"FAILED": "failure", "ERROR": "error", "TIMEOUT": "error", "SKIPPED": "skipped"}


def as_json(report: Report) -> str:
    """One JSON document."""
    return json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n"


def as_yaml(report: Report) -> str:
    """One YAML document."""
    import yaml

    return str(yaml.safe_dump(report.to_dict(), sort_keys=False, allow_unicode=True, width=120))


def as_text(report: Report) -> str:
    """A row a test, and the counts.

    >>> print(as_text(Report([Result("tests/a/test_b.py::test_c", "FAILED", 1.5, "it broke")])), end="")
    seconds  status  test
        1.5  FAILED  tests/a/test_b.py::test_c  it broke
    total 1, passed 0, failed 1, skipped 0, errors 0
    """
    rows = [(f"{one.duration:.1f}", one.status, one.test_id, one_line(one.message)) for one in report.results]
    counts = ", ".join(f"{name} {number}" for name, number in report.counts().items())
    return "\n".join([table(("seconds", "status", "test", ""), rows, right=1), counts]) + "\n"


def as_junit(report: Report) -> str:
    """JUnit XML, with the verdict and the metrics of each run as properties of its test."""
    counts, seconds = report.counts(), sum(one.duration for one in report.results)
    suite = ET.Element(
        "testsuite",
        name="s3prod",
        tests=str(counts["total"]),
        failures=str(counts["failed"]),
        errors=str(counts["errors"]),
        skipped=str(counts["skipped"]),
        time=f"{seconds:.3f}",
        timestamp=report.timestamp,
    )
    suite.extend([_case(one) for one in report.results])
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(one: Result) -> ET.Element:
    path = one.test_id.partition("::")[0].removesuffix(".py").replace("/", ".")
    case = ET.Element("testcase", classname=_xml(path), name=_xml(one.test_name), time=f"{one.duration:.3f}")
    if one.properties:
        listed = ET.SubElement(case, "properties")
        for name, value in one.properties.items():
            ET.SubElement(listed, "property", name=_xml(name), value=_xml(value))
    if one.status in _ELEMENT:
        ended = ET.SubElement(case, _ELEMENT[one.status], message=_xml(one.message), type=one.status)
        ended.text = _xml(one.error or "")
    return case


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {  # name: ending, writer
    "json": ("json", as_json),
    "yaml": ("yaml", as_yaml),
    "text": ("txt", as_text),
    "junit": ("xml", as_junit),
}
