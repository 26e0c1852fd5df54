"""What a probe found: as a profile, as JSON, and against a profile that exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from s3prod.probe.site import Finding
from s3prod.profile import Profile, Value, shown

Agrees = Callable[[Any, Any], bool]  # of the profile's value and the probed one


def _same(said: Value, found: Value) -> bool:
    return said in (found, "either")


def _state(said: Value, found: Value) -> bool:
    """Optional is either: there, or refused. A fault is none of them."""
    return said == found or (said == "optional" and found in ("required", "unsupported"))


def _bound(said: Value, found: Value) -> bool:
    """What the store was seen to need is no more than what the profile allows."""
    return isinstance(said, int | float) and isinstance(found, int | float) and found <= said


def _lifecycle(said: Value, found: Value) -> bool:
    """No day is longer than the one that was seen to go by."""
    return said == found or _bound(found, said)


def _settles(said: Value, found: Value) -> bool:
    return said == found or (said, found) in (("eventual", "strong"), ("settles", "strong"))


_AGREES: dict[str, Agrees] = {
    "list": _settles,
    "mpu_listing": _settles,
    "list_lag_ms": lambda said, found: said == 0 or _bound(said, found),
    "mpu_listing_lag_ms": lambda said, found: said == 0 or _bound(said, found),
    "etag_is_md5": lambda said, found: found or not said,
    "versioning_settle_s": _bound,
    "bucket_ready_s": _bound,
    "replication_lag_ms": _bound,
    "last_modified_resolution_s": _bound,
    "lifecycle_day_ms": _lifecycle,
    **dict.fromkeys(
        ("cond_put_none_match", "cond_put_match", "cond_complete", "cond_copy_dst", "cond_delete", "cond_multi_delete",
         "multi_delete", "versioning", "tagging", "object_lock", "replication"), _state),
}  # fmt: skip
_NAME = "name"


@dataclass(frozen=True)
class Report:
    """The findings by key, what could not be removed, and how long it took."""

    findings: Mapping[str, Finding]
    left_behind: list[str]
    seconds: float

    @property
    def profile(self) -> dict[str, Value]:
        """The values alone."""
        return {key: finding.value for key, finding in self.findings.items()}

    @property
    def failed(self) -> dict[str, str]:
        """The keys whose probes went wrong, and how."""
        return {key: finding.not_probed for key, finding in self.findings.items() if finding.failed}

    def toml(self) -> str:
        """The profile as a file, with the evidence as comments.

        >>> print(Report({"list": Finding("strong", ("PUT a → 200",))}, [], 0.1).toml().splitlines()[-1])
        list = "strong"
        """
        lines = [
            "# Probed one request after the other (sequential only: races are not probed). Evidence: request → answer."
        ]
        told: tuple[str, ...] = ()
        for key, finding in self.findings.items():
            if finding.evidence != told:
                lines += ["", *(f"# {_comment(line)}" for line in finding.evidence)]
                told = finding.evidence
            elif not finding.evidence:
                lines.append("")
            if finding.not_probed:
                lines.append(f"# not probed: {_comment(finding.not_probed)}")
            lines.append(f"{key} = {shown(finding.value)}")
        return "\n".join(lines) + "\n"

    def contradictions(self, profile: Profile) -> dict[str, str]:
        """The keys of which the profile says something that the probe contradicts, each with both and the evidence.

        >>> found = Report({"tagging": Finding("unsupported", ("PUT /plain/a?tagging → 501",))}, [], 0.1)
        >>> found.contradictions({"tagging": "required"})
        {'tagging': 'tagging = "required", but the store: "unsupported" (PUT /plain/a?tagging → 501)'}
        """
        out = {}
        for key, finding in self.findings.items():
            said = profile.get(key, finding.value)
            if key == _NAME or finding.not_probed or _AGREES.get(key, _same)(said, finding.value):
                continue
            evidence = f" ({'; '.join(finding.evidence)})" if finding.evidence else ""
            out[key] = f"{key} = {shown(said)}, but the store: {shown(finding.value)}{evidence}"
        return out

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "profile": self.profile,
            "evidence": {key: list(finding.evidence) for key, finding in self.findings.items()},
            "not_probed": {key: each.not_probed for key, each in self.findings.items() if each.not_probed},
            "failed": self.failed,
            "left_behind": self.left_behind,
            "seconds": round(self.seconds, 3),
        }


def _comment(line: str) -> str:
    """The line as TOML lets a comment be: without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)
