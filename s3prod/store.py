"""The embedded store as a child process."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from s3prod import profile as profiles
from s3prod.child import Child, ask
from s3prod.errors import StoreError, UsageError
from s3prod.plans import STORE_OPTIONS
from s3prod.plans.modes import MODES
from s3prod.settings import TARGET, find
from s3prod.target import Target, read_found, read_options

OWN = ("region", "bucket_prefix", "profile")  # what a command line may say of the embedded store as a target


def check_options(target: Target | None, given: Mapping[str, object], **specs: Sequence[str]) -> None:
    """Refuses what does not fit the target of a command line: with an endpoint, the `specs` that change the embedded store;
    without one, the `given` fields of a target that it has no use for.

    >>> check_options(None, {"access_key": "k"}, mutant=[])
    Traceback (most recent call last):
    s3prod.errors.UsageError: endpoint: not given, expected --endpoint beside access_key
    """
    if target is None:
        for name in given:
            if name not in OWN:
                raise UsageError("endpoint", "not given", f"--endpoint beside {name}")
        read_options(given)
        return
    for option, values in specs.items():
        if values:
            raise UsageError(option, values[0], "the embedded store: no endpoint")


def stand_in(
    given: Mapping[str, object], mutants: Sequence[str], modes: Sequence[str], config: str | None = None
) -> tuple[EmbeddedStore, Target]:
    """The embedded store, started for a command line without an endpoint, and it as a target. The caller ends the store."""
    settings = read_found(find({name: TARGET[name] for name in OWN}, given, config=config))
    region = settings.pop("region", None)
    store = EmbeddedStore(mutants=mutants, modes=modes, endpoints=2, region=region, options=(*STORE_OPTIONS, "--admin"))
    return store, store.target(**settings)


class EmbeddedStore(Child):
    """`s3prod serve` in a process of its own, which ends with this one. Use it as a context manager.

        with EmbeddedStore(mutants=["lost-update:p=0.1"]) as store:
            run = run_plan(plan, store.target(), out=Path("out"))
            print(store.altered()["mutants"])

    `tls` is a folder for a CA and a certificate, made if they are not there: then the store speaks https. `argv` replaces
    `python -m s3prod serve` (a store binary of one's own build). `options` go to the command as they are.
    """

    def __init__(
        self,
        *,
        mutants: Sequence[str] = (),
        modes: Sequence[str] = (),
        endpoints: int | None = None,
        data: Path | None = None,
        durable: bool = False,
        region: str | None = None,
        tls: Path | None = None,
        seed: int | None = None,
        options: Sequence[str] = (),
        argv: Sequence[str] | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        words = ["--port", "0"]
        for spec in mutants:
            words += ["--mutant", spec]
        for spec in modes:
            words += ["--mode", spec]
        for name, value in (("--endpoints", endpoints), ("--data", data), ("--seed", seed),
                            ("--region", region), ("--tls-self-signed", tls)):  # fmt: skip
            if value is not None:
                words += [name, str(value)]
        if durable:
            words.append("--durable")
        self.mutants, self.modes = tuple(mutants), tuple(modes)
        self.region = region
        super().__init__("serve", [*words, *options], argv, deadline_s)
        self.access_key: str = self.first["access_key"]
        self.secret_key: str = self.first["secret_key"]
        self.admin: str | None = self.first["admin"]
        self.durability: str | None = self.first.get("durability")
        self.ca_file: str | None = self.first.get("ca")

    def profile(self) -> profiles.Profile:
        """Its own, with what its options change, and with what its modes are legal by."""
        options = ("min_part_bytes", "lifecycle_day_ms", "replication_lag_ms")
        profile = profiles.load("embedded") | {
            key: self.first[key] for key in options if self.first.get(key) is not None
        }
        if self.first.get("replication_lag_ms") is not None:
            profile["replication"] = "required"
        if self.admin is not None:
            profile["usage_probe"] = f"{shlex.join([sys.executable, '-m', 's3prod', 'usage', self.admin])} {{bucket}}"
        for spec in self.modes:
            profile |= MODES[spec.partition(":")[0]].profile
        return profile

    def target(self, **settings: Any) -> Target:
        """The store as a target; `settings` are fields of `Target`."""
        given: dict[str, Any] = {
            "profile": self.profile(),
            "embedded": True,
            "mutants": self.mutants,
            "modes": self.modes,
            "durability": self.durability,
            "ca_file": self.ca_file,
        }
        if self.region is not None:
            given["region"] = self.region
        given |= settings
        return Target(self.endpoints, self.access_key, self.secret_key, **given)

    def altered(self) -> dict[str, Any]:
        """Which answers the mutants altered, and how often the modes fired: `{"mutants": {name: {"fired", "altered"}},
        "modes": {name: {"fired", "always"}}, "request_ids": […]}`.
        """
        return {"mutants": {}, "modes": {}, "request_ids": []} if self.admin is None else self._page("/altered")

    def usage(self) -> dict[str, Any]:
        """What the store keeps: objects, versions, bytes, by bucket and in all. Needs `options=["--admin"]`."""
        if self.admin is None:
            raise StoreError("usage: no admin port, expected a store with --admin")
        return self._page("/usage")

    def _page(self, path: str) -> dict[str, Any]:
        """A page of the admin port."""
        document: dict[str, Any] = json.loads(ask(f"{str(self.admin).rstrip('/')}{path}"))
        return document

    def kill(self) -> None:
        """Ends the store as a crash would: SIGKILL, no clean end."""
        self._process.kill()
        self._process.wait()
