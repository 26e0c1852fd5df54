"""The HTML report in a real browser: it loads nothing, fits every width, and draws what it says inside its frames."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import lane_table as lanes
import pytest

from s3prod.plans import BUILTIN
from s3prod.report import html
from s3prod.results import Run
from s3prod.runners import run_plan
from s3prod.store import EmbeddedStore

# What the browser is asked once it has laid the page out; the answer is the text of an element that is added.
LOOK = """<script>
window.addEventListener("load", () => {
  const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const box = node => node.getBoundingClientRect();
  const svgs = [...document.querySelectorAll("svg")];
  const looked = {
    loaded: [...performance.getEntriesByType("resource").map(entry => entry.name),
      ...[...document.querySelectorAll("[src], [href]")].map(node => node.outerHTML)],
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    charts: svgs.map(svg => [svg.getAttribute("aria-label"), box(svg).width, box(svg).height]),
    outside: svgs.flatMap(svg => [...svg.querySelectorAll("text, rect, polyline")]
      .filter(node => !inside(box(node), box(svg))).map(node => node.textContent || node.tagName)),
    flat: svgs.flatMap(svg => [...svg.querySelectorAll("polyline")].filter(line => box(line).width < 1).map(line => line.tagName)),
    headings: [...document.querySelectorAll("h1, h2")].map(node => node.textContent),
    errors: window.failures,
  };
  const answer = document.createElement("pre");
  answer.id = "looked";
  answer.textContent = JSON.stringify(looked);
  document.body.append(answer);
});
</script>"""
CATCH = "<script>window.failures = []; window.onerror = words => failures.push(String(words));</script>"
CHARTS = ["latency by percentile", "Answers a second over time", "Median latency over time",
          "99th percentile of latency over time"]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> str:
    lanes.install("chromium")
    return "chromium"


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run that held, and one of a broken store."""
    found, mutant = {}, "im-check-then-act:min_inflight=2"
    for name, mutants in (("held", []), ("violated", [mutant])):
        out = tmp_path_factory.mktemp(name)
        with EmbeddedStore(mutants=mutants) as store:
            found[name] = run_plan(BUILTIN["coordination"]("full", 1), store.target(), out=out / "run")
    return found


def look(browser: str, page: str, width: int, folder: Path) -> dict[str, Any]:
    """What the browser says of the page at that width of the window."""
    path = folder / "page.html"
    path.write_text(page.replace("</head>", f"{CATCH}{LOOK}</head>"), "utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
               f"--window-size={width},1000", "--dump-dom", path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    match = re.search(r'<pre id="looked">(.*?)</pre>', done.stdout, re.S)
    assert match, done.stderr
    looked: dict[str, Any] = json.loads(unescape(match[1]))
    return looked


@pytest.mark.parametrize("width", [500, 1000, 1600])
@pytest.mark.parametrize("name", ["held", "violated"])
def test_a_report_in_the_browser(browser: str, reports: dict[str, Run], tmp_path: Path, name: str, width: int) -> None:
    looked = look(browser, html.render(reports[name]), width, tmp_path)
    assert looked["loaded"] == [] and looked["errors"] == []
    assert looked["overflow"] <= 0, f"{looked['overflow']} pixels wider than the window"
    assert looked["outside"] == [] and looked["flat"] == []
    witnesses = [label for label, _, _ in looked["charts"] if label.startswith("cas-split-brain on config.json")]
    assert [label for label, _, _ in looked["charts"] if label not in witnesses] == CHARTS
    assert bool(witnesses) == (name == "violated")
    assert all(wide > 300 and high > 20 for _, wide, high in looked["charts"])  # a witness of one client is flat
    assert looked["headings"][:2] == ["coordination", f"consistency: {name}, load: not-asked"]


@pytest.mark.parametrize(("harm", "says"), [
    ('<img src="file:///nowhere.png">', "loaded"),
    ('<div style="width:3000px">wide</div>', "overflow"),
    ('<svg viewBox="0 0 100 100"><text x="99" y="50">too far to the right</text></svg>', "outside"),
    ("<script>nothing()</script>", "errors"),
])  # fmt: skip
def test_a_page_that_is_not_right_is_noticed(
    browser: str, reports: dict[str, Run], tmp_path: Path, harm: str, says: str
) -> None:
    looked = look(browser, html.render(reports["held"]).replace("</body>", f"{harm}</body>"), 1000, tmp_path)
    assert looked[says] not in ([], 0)
