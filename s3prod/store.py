"""The embedded store as a child process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s3prod import profile as profiles
from s3prod.child import Child, ask
from s3prod.errors import StoreError
from s3prod.target import Target


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
        deadline_s: float = 20.0,
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
        self.mutants = tuple(mutants)
        self.region = region
        super().__init__("serve", [*words, *options], argv, deadline_s)
        self.access_key: str = self.first["access_key"]
        self.secret_key: str = self.first["secret_key"]
        self.admin: str | None = self.first["admin"]
        self.durability: str | None = self.first.get("durability")
        self.ca_file: str | None = self.first.get("ca")
        self.lifecycle_day_ms: int | None = self.first.get("lifecycle_day_ms")

    def _profile(self) -> profiles.Profile:
        """Its own, with days as long as they are here."""
        profile = profiles.load("embedded")
        return profile if self.lifecycle_day_ms is None else profile | {"lifecycle_day_ms": self.lifecycle_day_ms}

    def target(self, **settings: Any) -> Target:
        """The store as a target; `settings` are fields of `Target`."""
        given: dict[str, Any] = {
            "profile": self._profile(),
            "embedded": True,
            "mutants": self.mutants,
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
