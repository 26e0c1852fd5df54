"""Random plans: many clients that collide on few keys with all that a plan can say. The correct store is never violated.

    python -m tests.random_plans --seeds 1-100 [--runner aws-sdk-go-v2]

prints a line a seed: the verdict, the evidence, and of what is not held why, the witnesses and how to run it again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from s3prod import plan as p
from s3prod.errors import S3ProdError
from s3prod.plan import Group, Plan, Space, Step, Stop
from s3prod.plans import STORE_OPTIONS
from s3prod.plans.modes import MODES
from s3prod.plans.wire import FAULTS
from s3prod.results import Run
from s3prod.runners import RUNNERS, run_plan
from s3prod.store import EmbeddedStore

NAMES = ("a", "a/b", "a/c", "d/e/f", "ä b", "z")
KINDS = ("plain", "plain", "versioned", "suspended", "flipping", "expiring", "replicated")
SIZES = (0, 1, 17, 63, 64, 65, 200, 1024, 4097, 65537)
PARTS = (64, 128, 640, 1024)
LAST_PART = 4  # the only one that may be cut anywhere
CHECKSUMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
PREFIXES = (None, None, "a", "a/", "d/", "keys/", "none")
GO = "aws-sdk-go-v2"


@dataclass(frozen=True)
class Trial:
    """A plan, what carries it out, and the store that it is carried out on."""

    plan: Plan
    modes: tuple[str, ...]
    endpoints: int
    runner: str


class Writer:
    """Writes the program of one group, a step after the other."""

    def __init__(self, draw: random.Random, kinds: dict[str, str], keys: dict[str, list[str]], native: bool) -> None:
        self.draw, self.kinds, self.keys, self.native = draw, kinds, keys, native
        self.names: dict[str, list[tuple[str, str]]] = {}  # by field: (name, bucket) of what was bound until now
        self.bound = 0
        self.lent: list[str] = []  # uploads of groups before this one
        self.program: list[Step] = []

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def maybe(self, share: float, *values: object) -> object:
        return self.draw.choice(values) if self.chance(share) else None

    def name(self, bucket: str, *fields: str) -> str:
        self.bound += 1
        for field in fields:
            self.names.setdefault(field, []).append((f"n{self.bound}", bucket))
        return f"n{self.bound}"

    def known(self, field: str, bucket: str | None = None) -> str | None:
        """A reference to what was bound, of the bucket if it is given."""
        found = [name for name, of in self.names.get(field, ()) if bucket in (None, of)]
        return f"{self.draw.choice(found)}.{field}" if found else None

    def place(self) -> tuple[str, str]:
        """A bucket and a key of it."""
        bucket = self.draw.choice(list(self.kinds))
        if not self.chance(0.2):
            return bucket, self.draw.choice(self.keys[bucket])
        name = self.name(bucket)
        self.program.append(p.choose(f"keys-{bucket}", name))
        return bucket, f"{name}.key"

    def version(self, bucket: str, share: float = 0.25) -> str | None:
        return (self.known("version", bucket) if self.chance(0.8) else "null") if self.chance(share) else None

    def condition(self, bucket: str, share: float, *literals: str) -> dict[str, str]:
        if not self.chance(share):
            return {}
        if literals and self.chance(0.5):
            return {"if_none_match": self.draw.choice(literals)}
        etag = self.known("etag", bucket) if self.chance(0.8) else self.draw.choice(("*", '"abc"'))
        return {"if_match": etag} if etag else {}

    def source(self) -> dict[str, object]:
        bucket, key = self.place()
        conditions = {f"if_source_{name[3:]}": etag for name, etag in self.condition(bucket, 0.15).items()}
        return {"source": key, "source_bucket": bucket, "source_version": self.version(bucket), **conditions}

    def put(self) -> None:
        bucket, key = self.place()
        given: dict[str, object] = dict(self.condition(bucket, 0.3, p.ANY))
        body: object = self.draw.sample(SIZES, self.draw.randint(1, 3))
        if self.chance(0.1):
            body = p.counter(f"{self.known('counter')} + 1" if self.known("counter") else 1)
        if self.chance(0.25):
            given["checksum"] = self.draw.choice(CHECKSUMS)
            given["chunked"] = self.maybe(0.4, "signed", "signed_trailer", "unsigned_trailer") if self.native else None
        given |= {"fields": self.maybe(0.2, 2, 3, 10), "tags": self.maybe(0.2, 0, 2, 10)}
        fields = ("etag", "version", "counter") if isinstance(body, dict) else ("etag", "version")
        self.program.append(p.put(key, body, **given, as_=self.name(bucket, *fields), bucket=bucket))  # type: ignore[arg-type]

    def read(self) -> None:
        bucket, key = self.place()
        given: dict[str, object] = dict(self.condition(bucket, 0.15))
        if given and self.chance(0.5):
            given = {"if_none_match": given["if_match"]}
        given |= {"version": self.version(bucket), "bucket": bucket, "checksum_mode": self.maybe(0.2, True)}
        if self.chance(0.1):
            given["part"] = self.draw.randint(1, 3)
        verb: Callable[..., Step] = self.draw.choice((p.get, p.get, p.head))
        if verb is p.get and "part" not in given and self.chance(0.3):
            first = self.draw.choice((0, 1, 63, 64, 100, 640))
            ranges = ((first, None), (first, first + self.draw.choice((0, 1, 63, 64, 500))))
            given |= {"range": self.draw.choice(ranges)} if self.chance(0.7) else {"random_bytes": 100}
        fields = ("etag", "version", "counter") if verb is p.get else ("etag", "version")
        self.program.append(verb(key, **given, as_=self.name(bucket, *fields)))

    def attributes(self) -> None:
        bucket, key = self.place()
        self.program.append(p.get_attributes(key, version=self.version(bucket), bucket=bucket))

    def delete(self) -> None:
        bucket, key = self.place()
        match = self.condition(bucket, 0.2).get("if_match")
        version = None if match else self.version(bucket)
        self.program.append(
            p.delete(key, version=version, if_match=match, as_=self.name(bucket, "version"), bucket=bucket)
        )

    def batch(self) -> None:
        bucket, quiet = self.draw.choice(list(self.kinds)), self.chance(0.3) or None
        of: object = self.draw.choices(self.keys[bucket], k=self.draw.randint(1, 3))
        page = self.known(self.draw.choice(("keys", "versions")), bucket)
        if page and self.chance(0.6):
            of = page
        etags = (self.chance(0.3) and isinstance(of, str) and of.endswith(".keys")) or None
        self.program.append(p.delete_objects(of, quiet=quiet, etags=etags, bucket=bucket))  # type: ignore[arg-type]

    def copy(self) -> None:
        bucket, key = self.place()
        given = self.source() | dict(self.condition(bucket, 0.2, p.ANY)) | {"tags": self.maybe(0.2, 0, 2, 5)}
        if self.chance(0.6):
            given |= {"metadata": "replace", "fields": self.maybe(0.3, 2, 5)}
        self.program.append(p.copy(key, **given, as_=self.name(bucket, "etag", "version"), bucket=bucket))  # type: ignore[arg-type]

    def part(self, upload: str, bucket: str) -> None:
        number = self.draw.randint(1, LAST_PART)
        if self.chance(0.3):
            start = self.draw.choice((0, 64))
            cut = {"range": (start, start + self.draw.choice((64, 128)) - 1)} if self.chance(0.5) else {}
            self.program.append(p.upload_part_copy(f"{upload}.upload", number, **self.source(), **cut))  # type: ignore[arg-type]
            return
        size = self.draw.choice(PARTS) + (17 if number == LAST_PART and self.chance(0.5) else 0)
        checksum = self.maybe(0.2, *CHECKSUMS)
        self.program.append(p.upload_part(f"{upload}.upload", number, size, checksum=checksum))  # type: ignore[arg-type]

    def end(self, upload: str, bucket: str) -> None:
        if self.chance(0.2):
            self.program.append(p.abort_upload(f"{upload}.upload"))
            return
        numbers = sorted(self.draw.sample(range(1, LAST_PART + 1), 2)) if self.chance(0.2) else None
        given = self.condition(bucket, 0.2, p.ANY)
        name = self.name(bucket, "etag", "version")
        self.program.append(p.complete_upload(f"{upload}.parts", part_numbers=numbers, **given, as_=name))  # type: ignore[arg-type]

    def upload(self) -> None:
        bucket, key = self.place()
        name = self.name(bucket, "upload")
        self.program.append(p.create_upload(key, tags=self.maybe(0.2, 2, 5), as_=name, bucket=bucket))  # type: ignore[arg-type]
        for _ in range(self.draw.randint(1, 4)):
            self.part(name, bucket)
        if self.chance(0.8):
            self.end(name, bucket)

    def again(self) -> None:
        """Something with an upload that may have ended, or that another client has begun."""
        upload = self.known("upload")
        if self.lent and self.chance(0.5):
            name = self.name("", "")
            self.program.append(p.borrow(self.draw.choice(self.lent), name))
            self.program.append(p.upload_part(f"{name}.upload", self.draw.randint(1, 3), 128))
            upload = f"{name}.upload"
        if upload:
            name = upload.partition(".")[0]
            bucket = self.draw.choice(list(self.kinds))
            self.program.append(p.list_parts(upload, max_keys=self.maybe(0.5, 1, 2)))  # type: ignore[arg-type]
            self.end(name, bucket)

    def tags(self) -> None:
        bucket, key = self.place()
        given = {"version": self.version(bucket, 0.3), "bucket": bucket}
        steps = (
            p.put_tags(key, self.draw.choice((0, 2, 7)), **given),
            p.get_tags(key, **given),
            p.delete_tags(key, **given),
        )
        self.program.append(self.draw.choice(steps))

    def pages(self) -> None:
        bucket = self.draw.choice(list(self.kinds))
        verb, field = self.draw.choice((
            (p.list_page, "keys"), (lambda *a, **k: p.list_page(*a, version=1, **k), "keys"),
            (p.list_versions, "versions"), (p.list_uploads, "uploads"),
        ))  # fmt: skip
        given = {
            "prefix": self.maybe(0.5, *PREFIXES),
            "delimiter": self.maybe(0.3, "/"),
            "max_keys": self.maybe(0.6, 1, 2, 3),
        }
        name = self.name(bucket, field)
        self.program.append(verb(bucket, **given, start_after=self.maybe(0.2, "a", "a/b", "keys/"), as_=name))  # type: ignore[operator]
        for _ in range(self.draw.choice((0, 0, 1, 2))):
            self.program.append(verb(bucket, **given, token=f"{name}.token", as_=name))  # type: ignore[operator]
        if field == "uploads" and self.chance(0.2):
            self.program.append(p.abort_upload(f"{name}.uploads"))

    def of_bucket(self) -> None:
        bucket = self.draw.choice(list(self.kinds))
        steps = [p.head_bucket(bucket), p.get_versioning(bucket), p.create_bucket(bucket), p.delete_bucket(bucket)]
        if self.kinds[bucket] == "flipping":
            steps += [p.put_versioning(status, bucket) for status in ("Enabled", "Suspended")]
        if self.kinds[bucket] == "expiring":
            steps.append(p.put_lifecycle(random_rule(self.draw), bucket=bucket))
        self.program.append(self.draw.choice(steps))

    def pause(self) -> None:
        self.program.append(self.draw.choice((p.sleep(1), p.sleep(20), p.barrier("all"))))


VERBS = {  # how often a group may draw each; a plan leaves some out
    Writer.put: 8, Writer.read: 10, Writer.attributes: 1, Writer.delete: 4, Writer.batch: 2, Writer.copy: 4, Writer.upload: 3,
    Writer.again: 2, Writer.tags: 3, Writer.pages: 4, Writer.of_bucket: 1, Writer.pause: 2,
}  # fmt: skip


def random_rule(draw: random.Random) -> p.Rule:
    """A lifecycle rule of short days."""
    prefix = draw.choice((None, "a", "keys/"))
    return draw.choice((
        p.expire(prefix=prefix, days=1), p.expire(prefix=prefix, days=1, noncurrent_days=1), p.expire(noncurrent_days=1),
        p.expire(prefix=prefix, abort_days=1), p.expire(markers=True), p.expire(tags=2, days=1), p.expire(above=100, days=1),
    ))  # fmt: skip


def _setup(draw: random.Random, kinds: dict[str, str]) -> list[Step]:
    steps = [p.create_bucket(role) for role in kinds]
    for role, kind in kinds.items():
        if kind in ("versioned", "suspended", "replicated") or (draw.random() < 0.4 and kind == "expiring"):
            steps.append(p.put_versioning("Enabled", role))
        if kind == "suspended":
            steps.append(p.put_versioning("Suspended", role))
        if kind == "expiring":
            steps.append(p.put_lifecycle(random_rule(draw), bucket=role))
        if kind == "replicated":
            rule = p.replicate("replica", prefix=draw.choice((None, "a")), markers=draw.random() < 0.5)
            steps += [
                p.create_bucket("replica"),
                p.put_versioning("Enabled", "replica"),
                p.put_replication(rule, bucket=role),
            ]
    return steps


def random_trial(seed: int, asked: str | None = None) -> Trial:
    """The trial of a seed, always the same; a runner that is asked for has a trial of its own."""
    draw = random.Random(seed)
    kinds = {role: draw.choice(KINDS) for role in ("main", "second", "third")[: draw.randint(1, 3)]}
    if list(kinds.values()).count("replicated") > 1:
        kinds = {role: "versioned" if kind == "replicated" and role != "main" else kind for role, kind in kinds.items()}
    keys = {role: draw.sample(NAMES, draw.randint(1, 4)) for role in kinds}
    spaces = {f"keys-{role}": Space.uniform("keys/", draw.randint(1, 3), bucket=role) for role in kinds}
    drawn = draw.random()
    runner = asked or ("boto3" if drawn < 0.05 else GO if drawn < 0.1 else "native")
    fault = (
        draw.choice([row for row in FAULTS.values() if row.runner in (runner, "native")])
        if draw.random() < 0.33
        else None
    )
    modes = draw.sample([row for row in MODES.values() if not row.always], draw.choice((0, 0, 0, 1, 1, 2)))
    attempts, groups, lent = draw.randint(200, 2000), [], []
    verbs = {verb: weight for verb, weight in VERBS.items() if draw.random() < 0.75} or VERBS
    for number in range(draw.randint(2, 5)):
        writer = Writer(draw, kinds, keys, runner == "native")
        writer.lent = list(lent)
        for _ in range(draw.randint(4, 20)):
            draw.choices(list(verbs), list(verbs.values()))[0](writer)
        program, clients = writer.program or [p.get(keys["main"][0])], draw.randint(1, 5)
        groups.append(
            Group(f"g{number}", [p.repeat(max(1, attempts // (3 * clients * len(program))), *program)], clients)
        )
        lent += [f"g{number}.{name}" for name, _ in writer.names.get("upload", ())]
    roles = (*kinds, *(["replica"] if "replicated" in kinds.values() else []))
    groups = [Group("make", _setup(draw, kinds), phase="setup"), *groups, p.remove_bucket(*roles, at_most=20)]
    able = [spec for spec in (fault.specs if fault else ()) if runner != GO or "how=surplus" not in spec]
    specs = (draw.choice(able),) if able else ()
    plan = Plan(
        f"random-{seed}",
        groups,
        seed,
        buckets=roles,
        spaces=spaces,
        stop=Stop(20, 3000),
        deadline_ms=1000,
        faults=specs,
    )
    return Trial(plan, tuple(row.spec for row in modes), 2, runner)


def run_trial(trial: Trial, out: Path, mutants: Sequence[str] = ()) -> Run:
    """Carries a trial out on a store of its own."""
    with EmbeddedStore(
        modes=trial.modes, mutants=mutants, endpoints=trial.endpoints, seed=trial.plan.seed, options=STORE_OPTIONS
    ) as store:
        return run_plan(trial.plan, store.target(), runner=trial.runner, out=out)


def main(argv: list[str] | None = None) -> int:
    """Runs the seeds; the exit status: 1 if any was violated or could not be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_plans", description=str(__doc__))
    parser.add_argument("--seeds", default="1-100", metavar="A-B")
    parser.add_argument("--mutant", action="append", default=[], metavar="SPEC")
    parser.add_argument("--runner", choices=RUNNERS, help="instead of the one that the seed draws")
    options = parser.parse_args(argv)
    first, _, last = options.seeds.partition("-")
    bad = 0
    for seed in range(int(first), int(last or first) + 1):
        out, begun = Path(tempfile.mkdtemp(prefix=f"random-plan-{seed}-")), time.monotonic()
        trial = random_trial(seed, options.runner)
        how = " ".join([trial.runner, *trial.modes, *trial.plan.faults])
        try:
            run = run_trial(trial, out / "run", options.mutant)
        except S3ProdError as error:
            print(f"{seed}: error: {error} ({how})", flush=True)
            bad += 1
            continue
        assert run.verdict is not None
        told = "; ".join(run.verdict.because) if run.verdict.consistency != "held" else ""
        attempts = sum(op["attempts"] for op in run.metrics["ops"].values())
        print(
            f"{seed}: {run.verdict.consistency} {attempts} attempts {time.monotonic() - begun:.1f} s ({how}) {told}",
            flush=True,
        )
        if run.verdict.consistency == "violated":
            bad += 1
            for witness in run.verdict.witnesses[:3]:
                print(f"  {witness.rule}: {witness.bucket}/{witness.key}: {witness.sentence}")
            print(f"  s3prod report {out / 'run'}; again: {run.replay}", flush=True)
        else:
            shutil.rmtree(out)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
