"""Probes of conditional writes: one that holds has to be done, one that does not has to be refused and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s3prod.client import Answer
from s3prod.probe.site import REFUSED, Site, Untold, is_ok, text
from s3prod.profile import Value

STALE = '"0123456789abcdef0123456789abcdef"'
Found = Mapping[str, Value | Untold]


@dataclass(frozen=True)
class Trial:
    """The answers to a condition that holds and to one that does not, and whether what was there stayed."""

    holding: Answer
    failing: Answer
    kept: bool

    @property
    def state(self) -> str:
        """What the two answers say.

        >>> Trial(Answer(200, {}, b""), Answer(412, {}, b""), True).state
        'required'
        >>> Trial(Answer(200, {}, b""), Answer(200, {}, b""), False).state
        'ignored'
        """
        if self.holding.status in REFUSED and not is_ok(self.failing):
            return "unsupported"
        if not is_ok(self.holding):
            return "broken"
        if self.failing.status in (409, 412) and self.kept:
            return "required"
        return "ignored" if is_ok(self.failing) else "broken"


def both(first: str, second: str) -> str:
    """The state of two conditions together: the fault, if one has one; what only one has is optional.

    >>> both("required", "unsupported"), both("required", "ignored")
    ('optional', 'ignored')
    """
    states = (first, second)
    for fault in ("ignored", "broken"):
        if fault in states:
            return fault
    return first if first == second else "optional"


def _etag(answer: Answer) -> str:
    return answer.headers.get("etag", "")


def put_none_match(site: Site) -> Found:
    """If-None-Match: * of a PUT."""
    holding = site.ask("PUT", site.plain, "inm", headers={"If-None-Match": "*"}, body=b"first")
    if not is_ok(holding):
        site.put(site.plain, "inm", b"first")
    failing = site.ask("PUT", site.plain, "inm", headers={"If-None-Match": "*"}, body=b"second")
    return {"cond_put_none_match": Trial(holding, failing, site.holds(site.plain, "inm", b"first")).state}


def put_match(site: Site) -> Found:
    """If-Match of a PUT: the ETag as it was received, another one, and one on a missing key."""
    etag = _etag(site.put(site.plain, "im", b"first"))
    holding = site.ask("PUT", site.plain, "im", headers={"If-Match": etag}, body=b"second")
    if not is_ok(holding) and holding.status not in REFUSED:
        bare = site.ask("PUT", site.plain, "im", headers={"If-Match": etag.strip('"')}, body=b"second")
        site.note(f"(the last one with a bare ETag: {'done' if is_ok(bare) else 'refused as well'})")
    site.put(site.plain, "im", b"second")
    failing = site.ask("PUT", site.plain, "im", headers={"If-Match": STALE}, body=b"third")
    return {"cond_put_match": Trial(holding, failing, site.holds(site.plain, "im", b"second")).state}


def match_absent(site: Site) -> Found:
    """If-Match of a PUT on a key that is not there."""
    absent = site.ask("PUT", site.plain, "im-absent", headers={"If-Match": STALE}, body=b"x")
    told = absent.status in (404, 412)
    return {"if_match_absent": absent.status if told else Untold(f"answered {absent.status}: neither 404 nor 412")}


def delete_match(site: Site) -> Found:
    """If-Match of a DELETE."""
    etag = _etag(site.put(site.plain, "dm"))
    failing = site.ask("DELETE", site.plain, "dm", headers={"If-Match": STALE})
    kept = site.holds(site.plain, "dm", b"a probe")
    if not kept:
        etag = _etag(site.put(site.plain, "dm"))
    holding = site.ask("DELETE", site.plain, "dm", headers={"If-Match": etag})
    return {"cond_delete": Trial(holding, failing, kept).state}


def delete_many(*entries: str, quiet: bool = False) -> bytes:
    """The document of a DeleteObjects."""
    how = "<Quiet>true</Quiet>" if quiet else ""
    return f"<Delete>{how}{''.join(f'<Object>{entry}</Object>' for entry in entries)}</Delete>".encode()


def multi_delete(site: Site) -> Found:
    """DeleteObjects of a key that is there and of one that never was."""
    site.put(site.plain, "md")
    answer = site.ask(
        "POST", site.plain, query={"delete": ""}, body=delete_many("<Key>md</Key>", "<Key>md-absent</Key>")
    )
    if answer.status in REFUSED:
        return {"multi_delete": "unsupported"}
    gone = site.ask("HEAD", site.plain, "md").status == 404
    if is_ok(answer) and not gone:
        return {"multi_delete": "ignored"}
    told = answer.body.count(b"<Deleted>")
    site.note(f"of two keys {told} are told as deleted")
    return {"multi_delete": "required" if is_ok(answer) and told == 2 else "broken"}


def multi_delete_etag(site: Site) -> Found:
    """An ETag beside a key of a DeleteObjects."""

    def entry(key: str, etag: str) -> str:
        return f"<Key>{key}</Key><ETag>{etag.replace(chr(34), '&quot;')}</ETag>"

    right = _etag(site.put(site.plain, "me-right"))
    site.put(site.plain, "me-stale")
    answers = [
        site.ask("POST", site.plain, query={"delete": ""}, body=delete_many(entry(*each)))
        for each in (("me-right", right), ("me-stale", STALE))
    ]
    kept = site.holds(site.plain, "me-stale", b"a probe")
    gone = site.ask("HEAD", site.plain, "me-right", quiet=True).status == 404
    if all(answer.status in REFUSED for answer in answers):
        return {"cond_multi_delete": "unsupported"}
    codes = [text(answer, "Code") or ("deleted" if is_ok(answer) else "refused") for answer in answers]
    site.note(f"of the key with its ETag: {codes[0]}; of the one with another: {codes[1]}")
    if codes[1] == "deleted":
        return {"cond_multi_delete": "ignored"}
    if "NotImplemented" in codes:
        return {"cond_multi_delete": "unsupported"}
    return {"cond_multi_delete": "required" if kept and gone and codes[0] == "deleted" else "broken"}


Write = Callable[[str, Mapping[str, str]], Answer]


def destination(site: Site, prefix: str, write: Write) -> str:
    """The state of If-None-Match and If-Match of what `write` sends to a key."""
    create = write(f"{prefix}-new", {"If-None-Match": "*"})
    etag = _etag(site.put(site.plain, f"{prefix}-old", b"old"))
    present = write(f"{prefix}-old", {"If-None-Match": "*"})
    creates = Trial(create, present, site.holds(site.plain, f"{prefix}-old", b"old"))
    site.put(site.plain, f"{prefix}-old", b"old")
    stale = write(f"{prefix}-old", {"If-Match": STALE})
    kept = site.holds(site.plain, f"{prefix}-old", b"old")
    site.put(site.plain, f"{prefix}-old", b"old")
    matches = Trial(write(f"{prefix}-old", {"If-Match": etag}), stale, kept)
    site.note(f"If-None-Match: {creates.state}; If-Match: {matches.state}")
    return both(creates.state, matches.state)


def copy(site: Site) -> Found:
    """Conditions on the destination of a CopyObject."""
    site.put(site.plain, "copied", b"source")
    source = {"x-amz-copy-source": f"/{site.plain}/copied"}
    return {"cond_copy_dst": destination(site, "cd", lambda key, headers: site.ask(
        "PUT", site.plain, key, headers=source | dict(headers)))}  # fmt: skip
