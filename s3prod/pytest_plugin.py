"""The pytest plugin: `target`, `config`, `s3_client`, `sdk_capabilities` and `run_plan` for any test, and the options that
choose the store.

With no endpoint given by an option, the environment or `s3_config.yaml`, the embedded store is started once a session, and
the header of the run says so. A test fails with the witness in words and the one line that replays it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import pytest

from s3prod import keep
from s3prod.capabilities import Settings, capabilities_of
from s3prod.client import S3Client
from s3prod.errors import S3ProdError, UsageError
from s3prod.plan import Plan
from s3prod.plans import DURATION_HELP, SCALES
from s3prod.profile import Unsupported, lacks
from s3prod.progress import progress_of
from s3prod.proxy import FaultProxy, check_faults
from s3prod.report import figures
from s3prod.report.text import failure_text, remains, summary_text
from s3prod.results import Run, write_whole
from s3prod.runners import run_plan as carry_out
from s3prod.runners.sdk import sdk_of
from s3prod.store import EmbeddedStore, check_options, stand_in
from s3prod.suite import outcome
from s3prod.suite.outcome import SECRETS, TIMER, NoVerdict
from s3prod.summary import summary
from s3prod.target import Target, resolve
from s3prod.testing.cleanup import set_current_target

OPTIONS = {  # option of pytest: field of the target
    "--endpoint": "endpoints",
    "--access-key": "access_key",
    "--secret-key": "secret_key",
    "--region": "region",
    "--profile": "profile",
}
SDK_OPTIONS = {"sdk": "--sdk", "sdk_version": "--sdk-version"}
RunPlan = Callable[[Plan], Run]


class Session:
    """What one pytest session runs against: a target, and the embedded store behind it when none was given."""

    def __init__(self, config: pytest.Config) -> None:
        file = config.getoption("--s3-config")
        chosen = {name: config.getoption(option) for name, option in SDK_OPTIONS.items()}
        self.sdk, self.sdk_version = sdk_of(chosen, config=file)
        self.config_file: str | None = file
        self.scale: str = config.getoption("--scale")
        self.seed: int = config.getoption("--seed")
        self.duration: int | None = config.getoption("--duration")
        if self.duration is not None and self.duration < 1:
            raise UsageError("duration", self.duration, "1 or more seconds")
        options = {field: config.getoption(option) for option, field in OPTIONS.items()}
        self.options = {field: value for field, value in options.items() if value is not None}
        self.store: EmbeddedStore | None = None
        self.given: Target | None = resolve(self.options, config=file)
        self.mutants: list[str] = config.getoption("--mutant")
        self.modes: list[str] = config.getoption("--mode")
        check_options(self.given, self.options, mutant=self.mutants, mode=self.modes)
        self.faults: list[str] = config.getoption("--via-proxy")
        self.proxy: FaultProxy | None = None
        check_faults(self.faults, "via_proxy")
        self.capabilities = Settings.of(config=file)
        report = config.getoption("--report-dir")
        self.report_dir: Path | None = Path(report) if report else None
        self.keep_history: str = config.getoption("--keep-history")
        self.folders: dict[str, list[Path]] = {}  # of the runs of each test
        self.failed: set[Path] = set()  # those of tests that failed
        self.figures: list[tuple[str, dict[str, Any]]] = []  # test and summary of each run

    def target(self) -> Target:
        """The target; starts the embedded store on first use when no endpoint was given."""
        if self.given is None:
            self.store, self.given = stand_in(self.options, self.mutants, self.modes, self.config_file)
        if self.faults and self.proxy is None:
            self.proxy = FaultProxy.before(self.given, self.faults, self.seed)
            self.given = self.proxy.target(self.given)
        set_current_target(self.given)
        return self.given

    def secrets(self) -> list[str]:
        """What must not be printed."""
        known = self.given
        found = [] if known is None else [known.secret_key, known.session_token, known.proxy]
        return [str(secret) for secret in found if secret is not None]

    def close(self) -> None:
        """Ends the proxy and the embedded store, when they were started for this run; prunes the histories."""
        set_current_target(None)
        if self.proxy is not None:
            self.proxy.close()
        if self.store is not None:
            self.store.close()
        if self.report_dir is not None:
            keep.prune(self.report_dir, self.keep_history, self.failed)


SESSION = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds the options that choose the store, the runner and the scale."""
    pluginmanager.register(outcome, "s3prod-outcome")
    group = parser.getgroup("s3prod", "s3prod: the store under test")
    group.addoption("--endpoint", action="append", help="http[s]://HOST[:PORT]; may be given more than once")
    group.addoption("--access-key", help="access key (S3_ACCESS_KEY)")
    group.addoption("--secret-key", help="secret key (S3_SECRET_KEY)")
    group.addoption("--region", help="region (S3_REGION; us-east-1)")
    group.addoption("--profile", help="name of a profile, or the path of a TOML file: what the store promises")
    group.addoption("--s3-config", metavar="FILE", help="instead of s3_config.yaml, which need not be there")
    group.addoption("--sdk", metavar="NAME", help="who sends the requests (S3_SDK; native)")
    group.addoption(
        "--sdk-version", metavar="VERSION", help="the version that must be installed (S3_SDK_VERSION; latest)"
    )
    group.addoption("--scale", default="full", choices=SCALES, help="size of the production tests (full)")
    group.addoption("--seed", type=int, default=1, help="all random draws come from it (1)")
    group.addoption("--duration", type=int, metavar="S", help=DURATION_HELP)
    group.addoption("--mutant", action="append", default=[], metavar="SPEC", help="break the embedded store on purpose")
    group.addoption("--mode", action="append", default=[], metavar="SPEC", help="a legal mode of the embedded store")
    group.addoption("--via-proxy", action="append", default=[], metavar="SPEC", help="through the fault proxy")
    group.addoption("--report-dir", metavar="DIR", help="keep each run's history, run.json and report.html here")
    group.addoption("--keep-history", default="recent", choices=list(keep.KEEP), help=keep.HELP)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the target's settings; a bad one ends pytest with one line and status 4 (usage)."""
    try:
        config.stash[SESSION] = session = Session(config)
        config.stash[SECRETS] = session.secrets
    except S3ProdError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the embedded store."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remembers whose histories must stay: a run may have passed, and its test still fail."""
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        session = item.config.stash[SESSION]
        session.failed.update(session.folders.get(item.nodeid, ()))


def pytest_report_header(config: pytest.Config) -> str:
    """Says target, SDK, scale and seed."""
    session = config.stash[SESSION]
    where = ", ".join(session.given.endpoints) if session.given else "the embedded store (no endpoint was given)"
    broken = f", broken on purpose: {' '.join(session.mutants)}" if session.mutants else ""
    broken += f", in mode {' '.join(session.modes)}" if session.modes else ""
    broken += f", through the fault proxy: {' '.join(session.faults)}" if session.faults else ""
    return f"s3prod: target {where}{broken}; sdk {session.sdk}, scale {session.scale}, seed {session.seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was measured, a row a run, and where the reports are."""
    session = config.stash[SESSION]
    if session.figures:
        terminalreporter.section("measured")
        terminalreporter.write_line(figures.table(session.figures))
    folder = session.report_dir
    if folder is not None:
        terminalreporter.write_line(f"reports: {folder}/*/*/report.html")


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The store under test."""
    try:
        return pytestconfig.stash[SESSION].target()
    except S3ProdError as error:
        raise NoVerdict(str(error), pytrace=False) from None


class Config(dict[str, Any]):
    """The settings of a run. Its `repr`, which pytest prints for a failing test, does not show the secret."""

    def __repr__(self) -> str:
        return repr({name: "…" if "secret" in name else value for name, value in self.items()})


@pytest.fixture(scope="session")
def config(pytestconfig: pytest.Config, target: Target) -> Mapping[str, Any]:
    """The settings of the run, under the names that existing suites use."""
    session = pytestconfig.stash[SESSION]
    settings = {
        "s3_endpoint": target.endpoints[0],
        "s3_endpoints": list(target.endpoints),
        "s3_access_key": target.access_key,
        "s3_secret_key": target.secret_key,
        "s3_region": target.region,
        "s3_bucket_prefix": target.bucket_prefix,
        "verify_ssl": target.verify_tls,
        "s3_sdk": session.sdk,
        "s3_sdk_version": session.sdk_version,
        "profile": dict(target.profile),
        "scale": session.scale,
        "seed": session.seed,
        "duration": session.duration,
    }
    return Config(settings)


@pytest.fixture(scope="session")
def sdk_capabilities(pytestconfig: pytest.Config) -> dict[str, Any]:
    """What the SDK of `--sdk` does by itself: `{"sdk", "version", "profile", "sources"}` (`s3prod.capabilities`)."""
    session = pytestconfig.stash[SESSION]
    try:
        return capabilities_of(session.sdk, session.sdk_version, session.capabilities)
    except S3ProdError as error:
        raise NoVerdict(str(error), pytrace=False) from None


@pytest.fixture
def s3_client(pytestconfig: pytest.Config, request: pytest.FixtureRequest, target: Target) -> S3Client:
    """A client of the first endpoint, for seeding and looking: boto3, whatever `--sdk` says."""
    chosen = pytestconfig.stash[SESSION].sdk == "boto3"
    return S3Client(target, capabilities=request.getfixturevalue("sdk_capabilities")["profile"] if chosen else None)


@pytest.fixture
def run_plan(
    pytestconfig: pytest.Config,
    request: pytest.FixtureRequest,
    target: Target,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[RunPlan]:
    """Carries a plan out, judges it, shows the summary, and fails the test when a promise was broken or nothing was proven.
    A plan that needs what the profile calls unsupported ends the test as a skip that says so; nothing else does.
    """
    from s3prod.report import html  # numpy comes with it, which sessions without a plan need not wait for

    session = pytestconfig.stash[SESSION]

    def run(plan: Plan) -> Run:
        out = _folder(session, request, plan, tmp_path)
        session.folders.setdefault(request.node.nodeid, []).append(out)
        try:
            with _terminal(pytestconfig) as show, progress_of(plan.name) if show else nullcontext() as progress:
                result = carry_out(plan, target, runner=session.sdk, out=out, progress=progress)
            write_whole(out / "report.html", html.render(result))
        except Unsupported as error:
            record_property(plan.name, json.dumps({"status": error.exit_status, "unsupported": str(error)}))
            pytest.skip(str(error))
        except S3ProdError as error:
            raise NoVerdict(str(error), pytrace=False) from None
        record_property(plan.name, json.dumps(junit_property(result)))
        session.figures.append((request.node.name, summary(result)))
        with _terminal(pytestconfig) as show:
            if show is not None:
                show(summary_text(result))
        if result.interrupted:
            _interrupted(pytestconfig, result)
        if result.exit_status() == 3:
            raise NoVerdict(failure_text(result), pytrace=False)
        if result.exit_status() != 0:
            pytest.fail(failure_text(result), pytrace=False)
        return result

    yield run


@pytest.fixture
def round_trip_ms(pytestconfig: pytest.Config, target: Target, tmp_path: Path) -> Callable[[int], float]:
    """`round_trip_ms(clients)` measures what a request takes when so many clients send one at once (`s3prod.pace`): for the
    times of a plan that must suit the store and the SDK.
    """
    session = pytestconfig.stash[SESSION]

    def measure(clients: int) -> float:
        from s3prod import pace

        try:
            return pace.round_trip_ms(target, clients, runner=session.sdk, out=tmp_path / f"pace-{clients}")
        except S3ProdError as error:
            raise NoVerdict(str(error), pytrace=False) from None

    return measure


@pytest.fixture
def needs(target: Target) -> Callable[..., None]:
    """`needs("versioning", "tagging")` ends the test as unsupported where the profile says that one of these keys is."""

    def need(*keys: str) -> None:
        if why := lacks(target.profile, *keys):
            pytest.skip(f"unsupported: {why}")

    return need


@pytest.fixture
def supports(
    pytestconfig: pytest.Config, target: Target, record_property: Callable[[str, object], None]
) -> Callable[..., bool]:
    """`supports("replication")`: whether the profile has these keys. Where not, that is said, on the terminal with `-v` and in
    JUnit: the test leaves that part out.
    """

    def ask(*keys: str) -> bool:
        why = lacks(target.profile, *keys)
        if why:
            record_property("left out", f"unsupported: {why}")
            with _terminal(pytestconfig) as show:
                if show is not None:
                    show(f"left out, unsupported: {why}")
        return not why

    return ask


@pytest.fixture
def report(
    pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> Callable[[str, object], None]:
    """Says what a test has measured, or could not observe: in the JUnit report, and with `-v` on the terminal."""

    def say(name: str, value: object) -> None:
        record_property(name, value)
        with _terminal(pytestconfig) as show:
            if show is not None:
                show(f"{name}: {value}")

    return say


def _interrupted(config: pytest.Config, run: Run) -> NoReturn:
    """Ends the test whose time was up; Ctrl-C is for the whole session, not for one test alone."""
    kept = "; ".join([f"the history of {run.plan.name} is kept in {run.out}", *remains(run.metrics)])
    timer = config.stash[TIMER]
    if timer.expired:
        raise timer.up(f"; {kept}")
    pytest.exit(f"interrupted: {kept}", returncode=3)


def junit_property(run: Run) -> dict[str, object]:
    """What a JUnit report says of a run."""
    said = {"status": run.exit_status(), "load": run.load} | ({"store": run.store} if run.store else {})
    return said | summary(run)


@contextmanager
def _terminal(config: pytest.Config) -> Iterator[Callable[[str], None] | None]:
    """With `-v`: pytest's capture is off for the block, and the function writes to the terminal. Else None."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None or config.get_verbosity() <= 0:
        yield None
        return
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        yield reporter.write_line


def _folder(session: Session, request: pytest.FixtureRequest, plan: Plan, tmp_path: Path) -> Path:
    """Where the run's files go: a fresh folder of the report directory, or of the test's temporary one."""
    if session.report_dir is None:
        return tmp_path / plan.name
    folder = session.report_dir / f"{re.sub(r'[^a-z0-9-]+', '-', request.node.name.lower())}" / plan.name
    if (folder / "history.s3ph").exists():
        shutil.rmtree(folder)
    return folder
