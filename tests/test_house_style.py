"""The house style of the C core, as tests.

Each rule is a small function from (path below ``csrc/``, text) to the problems it sees. It stands in ``RULES`` next to
snippets that must make it fire and snippets that must not, so that a rule that has gone blind is a failing test too.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_COLUMNS = 800, 80, 100

# From the bottom up; layers of one row are siblings and do not see each other.
LAYERS = (("core",), ("http", "s3"), ("history",), ("engine", "check", "server", "proxy"), ("behaviour",), ("py",))
RANK = {layer: rank for rank, row in enumerate(LAYERS) for layer in row}

Problems = Iterator[str]


def code_of(text: str) -> str:
    """The text without comments and without what is inside quotes; lines keep their numbers."""

    def blank(match: re.Match[str]) -> str:
        token = match.group()
        kept = token[0] + token[-1] if token[0] in "\"'" else " "
        return kept + "\n" * token.count("\n")

    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.DOTALL)


def layer_of(path: str) -> str:
    return PurePosixPath(path).parts[0]


def is_program(path: str) -> bool:
    """Tests and command-line tools may print and exit; they also stand outside the layers."""
    return layer_of(path) in ("tests", "tools")


def matches(pattern: str, text: str, message: str) -> Problems:
    for number, line in enumerate(code_of(text).split("\n"), 1):
        for match in re.finditer(pattern, line):
            yield f"{number}: {message}: {match.group(1)}"


def file_length(_path: str, text: str) -> Problems:
    lines = len(text.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{lines} lines, more than {MAX_FILE_LINES}"


def function_length(_path: str, text: str) -> Problems:
    opened = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("{"):
            opened = number
        elif line.startswith("}") and opened:
            if number - opened + 1 > MAX_FUNCTION_LINES:
                yield f"{opened}: function of {number - opened + 1} lines, more than {MAX_FUNCTION_LINES}"
            opened = 0


def columns(_path: str, text: str) -> Problems:
    lines = enumerate(text.splitlines(), 1)
    yield from (f"{n}: {len(line)} columns, more than {MAX_COLUMNS}" for n, line in lines if len(line) > MAX_COLUMNS)


def tabs(_path: str, text: str) -> Problems:
    yield from (f"{number}: tab" for number, line in enumerate(text.splitlines(), 1) if "\t" in line)


UNSAFE = (
    "strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|gmtime|localtime|asctime|rand|srand|alloca|system|popen"
    "|PyGILState_Ensure|assert"
)


def banned_functions(_path: str, text: str) -> Problems:
    yield from matches(rf"(?<![\w.>])({UNSAFE})\s*\(", text, "banned function")
    yield from included(r"assert\.h", text, "banned header")


def printing(path: str, text: str) -> Problems:
    if not is_program(path):
        yield from matches(r"(?<![\w.>])(printf|vprintf|puts|putchar|perror|exit|abort)\s*\(", text, "in the library")
        yield from matches(r"(?<!\w)(stdout|stderr)(?!\w)", text, "in the library")


def allocation(path: str, text: str) -> Problems:
    if path != "core/alloc.c":
        names = "malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|posix_memalign|aligned_alloc"
        yield from matches(rf"(?<![\w.>])({names})\s*\(", text, "beside core/alloc.h")


def includes(text: str, opened_by: str = '<"') -> list[tuple[int, str]]:
    """Line and name of each header that is included; project headers are the ones in quotes."""
    found = re.finditer(rf'^ *# *include *[{opened_by}]([^">]+)[">]', text, flags=re.MULTILINE)
    return [(text.count("\n", 0, match.start()) + 1, match.group(1)) for match in found]


def included(pattern: str, text: str, message: str) -> Problems:
    yield from (f"{line}: {message}: {name}" for line, name in includes(text) if re.fullmatch(pattern, name))


def layering(path: str, text: str) -> Problems:
    if is_program(path):
        return
    here = layer_of(path)
    for number, name in includes(text, '"'):
        there = layer_of(name)
        if there not in RANK or "/" not in name:
            yield f"{number}: {name} is not written from csrc/"
        elif there != here and (RANK[there] >= RANK[here] or (here == "server" and there != "core")):
            yield f"{number}: {here} must not see {name}"


def own_header_first(path: str, text: str) -> Problems:
    own = str(PurePosixPath(path).with_suffix(".h"))
    names = [name for _, name in includes(text)]
    if path.endswith(".c") and own in names[1:]:
        yield f"{own} is not included first"


def curl_place(path: str, text: str) -> Problems:
    if not re.fullmatch(r"http/conn\w*\.c", path) and not is_program(path):
        yield from matches(r"(?<!\w)(curl_\w+(?=\s*\()|CURL\w*)", text, "outside http/conn*.c")
        yield from included(r"curl/.*", text, "outside http/conn*.c")


def python_place(path: str, text: str) -> Problems:
    if layer_of(path) != "py":
        yield from included(r"Python\.h", text, "outside py/")


def typedef_structs(_path: str, text: str) -> Problems:
    yield from matches(r"\btypedef\s+(struct|union)\b", text, "typedef of a")


@dataclass(frozen=True)
class Rule:
    """A check, with (path, text) pairs that must and must not make it fire."""

    check: Callable[[str, str], Problems]
    bad: tuple[tuple[str, str], ...]
    good: tuple[tuple[str, str], ...]


CORE = "core/x.c"
RULES = (
    Rule(file_length, ((CORE, "\n" * 801),), ((CORE, "\n" * 800),)),
    Rule(
        function_length,
        ((CORE, "int f(void)\n{\n" + "    g();\n" * 79 + "}\n"),),
        ((CORE, "int f(void)\n{\n" + "    g();\n" * 78 + "}\n"), (CORE, "struct s {\n" + "    int i;\n" * 99 + "};\n")),
    ),
    Rule(columns, ((CORE, "x" * 101),), ((CORE, "é" * 100),)),
    Rule(tabs, ((CORE, "\tint i;"),), ((CORE, 'f("\\t");'),)),
    Rule(
        banned_functions,
        (*((CORE, f"    {name} (a);") for name in UNSAFE.split("|")), (CORE, "#include <assert.h>")),
        (
            (CORE, "snprintf(a); my_rand(); h->system(x); gmtime_r(t, &tm); _Static_assert(1, m);"),
            (CORE, '/* strcpy(a, b) */ f("atoi(x)");'),
        ),
    ),
    Rule(
        printing,
        ((CORE, 'printf("x");'), (CORE, 'fprintf(stderr, "x");'), ("py/x.c", "exit(1);"), (CORE, "abort();")),
        (("tests/core/x.c", 'printf("x");'), ("tools/http/x.c", "exit(1);"), (CORE, "snprintf(x); _exit(1);")),
    ),
    Rule(
        allocation,
        ((CORE, "p = malloc(1);"), ("tests/core/x.c", "free(p);"), ("s3/x.c", "strdup(s)")),
        (("core/alloc.c", "malloc(1);"), (CORE, "s3p_free(p); h->free(p); json_decref(j);")),
    ),
    Rule(
        layering,
        (
            ("core/x.c", '#include "s3/id.h"'),
            ("http/x.c", '#include "s3/id.h"'),
            ("engine/x.c", '#include "check/x.h"'),
            ("server/x.c", '#include "s3/sign.h"'),
            ("history/x.h", '#include "engine/x.h"'),
            ("core/x.c", '#include "err.h"'),
            ("core/x.c", '#include "../core/err.h"'),
        ),
        (
            ("py/x.c", '#include "server/x.h"'),
            ("server/x.c", '#include "core/err.h"\n#include "server/y.h"'),
            ("check/x.c", '#include "history/x.h"\n#include "s3/id.h"\n#include "core/err.h"'),
            ("tests/core/x.c", '#include "tests/t.h"'),
        ),
    ),
    Rule(
        own_header_first,
        ((CORE, '#include <stdio.h>\n\n#include "core/x.h"'), (CORE, '#include "core/err.h"\n#include "core/x.h"')),
        ((CORE, '/* x */\n#include "core/x.h"\n#include <stdio.h>'), (CORE, "#include <stdio.h>")),
    ),
    Rule(
        curl_place,
        (("http/loop.c", "curl_easy_init();"), ("s3/x.h", "#include <curl/curl.h>"), ("http/conn.h", "CURL *easy;")),
        (
            ("http/conn.c", "#include <curl/curl.h>"),
            ("http/conn_wait.c", "curl_easy_init();"),
            (CORE, "/* curl_x() */"),
        ),
    ),
    Rule(
        python_place,
        ((CORE, "#include <Python.h>"), (CORE, '#include "Python.h"')),
        (("py/x.c", "#include <Python.h>"),),
    ),
    Rule(
        typedef_structs,
        ((CORE, "typedef struct s s_t;"), (CORE, "typedef union {")),
        ((CORE, "typedef int f(struct s *s);"), (CORE, "/* typedef struct */")),
    ),
)
by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)


@by_rule
def test_rule_fires_on_bad_code_only(rule: Rule) -> None:
    for path, text in rule.bad:
        assert list(rule.check(path, text)), f"accepted in {path}: {text}"
    for path, text in rule.good:
        assert not list(rule.check(path, text)), f"refused in {path}: {text}"


@by_rule
def test_c_sources_follow_the_rule(rule: Rule) -> None:
    sources = sorted(path for suffix in ("c", "h", "S") for path in CSRC.rglob(f"*.{suffix}"))
    assert sources
    problems = [
        f"csrc/{name}:{problem}"
        for name, text in ((path.relative_to(CSRC).as_posix(), path.read_text("utf-8")) for path in sources)
        for problem in rule.check(name, text)
    ]
    assert not problems, "\n" + "\n".join(problems)


def test_python_files_are_short() -> None:
    problems = [
        f"{path.relative_to(ROOT)}: {problem}"
        for folder in ("s3prod", "tests", "benchmarks", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for problem in file_length(str(path), path.read_text("utf-8"))
    ]
    assert not problems, "\n" + "\n".join(problems)


def compile_alone(headers: list[Path]) -> str:
    """The compiler's complaints about headers as translation units of their own."""
    generated, python = ROOT / "build" / "gen", sysconfig.get_path("include")
    command = ["gcc", "-std=gnu11", "-fsyntax-only", "-D_GNU_SOURCE", f"-I{CSRC}", f"-I{generated}", f"-I{python}"]
    return subprocess.run([*command, "-x", "c", *headers], capture_output=True, text=True, check=False).stderr


def test_header_check_fires(tmp_path: Path) -> None:
    header = tmp_path / "x.h"
    header.write_text("size_t x(void);\n")
    assert "size_t" in compile_alone([header])
    header.write_text("#include <stddef.h>\nsize_t x(void);\n")
    assert compile_alone([header]) == ""


@pytest.mark.parametrize("layer", [*RANK, "tests"])
def test_headers_compile_alone(layer: str) -> None:
    headers = sorted((CSRC / layer).rglob("*.h"))
    if headers:
        assert compile_alone(headers) == ""


def foreign_exports(nm_output: str) -> list[str]:
    """Defined dynamic symbols that are not a module's entry."""
    names = [line.split()[-1] for line in nm_output.splitlines() if line.strip()]
    return [name for name in names if not name.startswith("PyInit_")]


def test_export_check_fires() -> None:
    assert foreign_exports("0000000000001129 T PyInit__core\n0000000000001139 T s3p_fail\n") == ["s3p_fail"]


def test_extension_modules_export_their_entry_only() -> None:
    modules = sorted((ROOT / "s3prod").rglob("*.so"))
    assert modules, "no extension module is built in place: run `make build`"
    for module in modules:
        listing = subprocess.run(["nm", "-D", "--defined-only", module], capture_output=True, text=True, check=True)
        assert listing.stdout.strip(), f"{module.name} exports nothing"
        assert foreign_exports(listing.stdout) == [], module.name
