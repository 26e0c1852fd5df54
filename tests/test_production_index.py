"""The index of the production tests is what their docstrings and pages say, and each test has its page."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))
import gen_production_doc as tool

PAGE = "# A title\n\n**Pattern.** Somebody\nwrites.\n\n" + "\n\n".join(f"**{part}** Text." for part in tool.PARTS[1:])


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository with one test and its page."""
    pages, tests = tmp_path / "docs", tmp_path / "tests"
    for folder in (pages, tests):
        folder.mkdir()
    (tests / "test_a_thing.py").write_text('"""Production test 3: a thing."""\n')
    (pages / "a_thing.md").write_text(PAGE)
    for name, value in {"ROOT": tmp_path, "PAGES": pages, "TESTS": tests, "FILE": pages / "README.md"}.items():
        monkeypatch.setattr(tool, name, value)
    return tmp_path


def test_the_index_is_not_stale(capsys):
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_an_index_is_written_and_then_fresh(tree):
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert "| 3 | [A title](a_thing.md) | Somebody writes. | `test_a_thing.py` |" in tool.FILE.read_text()
    assert tool.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("docs/a_thing.md", PAGE.replace("writes", "reads"), "docs/README.md: stale"),
        ("docs/a_thing.md", PAGE.replace("**What happens.**", ""), "docs/a_thing.md: no `**What happens.**`"),
        ("docs/a_thing.md", PAGE.replace("# A", "A"), "docs/a_thing.md: expected `# Title`"),
        ("docs/other.md", PAGE, "docs/other.md: expected a test"),
        ("tests/test_other.py", '"""Production test 4."""\n', "docs/other.md: missing"),
        ("tests/test_a_thing.py", '"""A thing."""\n', "tests/test_a_thing.py: docstring"),
    ],
)
def test_what_does_not_fit_is_said(tree, capsys, path, text, said):
    assert tool.main([]) == 0
    (tree / path).write_text(text)
    assert tool.main(["--check"]) == 1
    assert said in capsys.readouterr().err
