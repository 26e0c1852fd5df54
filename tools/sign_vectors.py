"""Signature vectors for make_vectors.py --sign: requests built here, signed by botocore.

The published examples of the AWS documentation are among them, and checked against the published signatures.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from typing import Any
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

Pairs = list[tuple[str, str]]

DOC = {
    "access_key": "AKIAIOSFODNN7EXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "session_token": "",
    "region": "us-east-1",
}
DOC_HOST = "examplebucket.s3.amazonaws.com"
DOC_TIME = 1369353600
TEMPORARY = DOC | {"session_token": "FwoGZXIvYXdzE//example+token==", "region": "eu-central-1"}
EMPTY = hashlib.sha256(b"").hexdigest()
METHODS = {
    "put": "PUT",
    "get": "GET",
    "head": "HEAD",
    "delete": "DELETE",
    "delete_objects": "POST",
    "list": "GET",
    "list_v1": "GET",
    "create_bucket": "PUT",
    "head_bucket": "HEAD",
    "delete_bucket": "DELETE",
}
ON_KEY = ("put", "get", "head", "delete")
CONDITIONS = {
    "if_match": "if-match",
    "if_match_any": "if-match",
    "if_none_match": "if-none-match",
    "if_none_match_any": "if-none-match",
    "if_modified_since": "if-modified-since",
    "if_unmodified_since": "if-unmodified-since",
}
VALUE_ID = "a1b2c3d4e5f6000000070000000000ff"


class Auth(S3SigV4Auth):  # type: ignore[misc]
    """botocore's signer, with x-amz-date also where the request has a date header."""

    def _set_necessary_date_headers(self, request: AWSRequest) -> None:
        request.headers["X-Amz-Date"] = request.context["timestamp"]


def encode(text: str, safe: str = "") -> str:
    """Percent-encoding of S3; quote() keeps letters, digits and _.-~ by itself."""
    return quote(text, safe=safe)


def canonical(query: Pairs) -> str:
    """Sorted, encoded, 'k=' for bare names."""
    return "&".join(f"{k}={v}" for k, v in sorted((encode(k), encode(v)) for k, v in query))


def sign(
    cred: dict[str, str], wall_s: int, method: str, url: str, query: str, headers: Pairs, payload: bytes | None
) -> dict[str, str]:
    """Headers after botocore has signed; `payload` None: unsigned."""
    config = Config(s3={"payload_signing_enabled": payload is not None})
    request = AWSRequest(method=method, url=url + ("?" + query if query else ""), data=payload or b"")
    request.context["client_config"] = config
    for name, value in headers:
        request.headers[name] = value
    credentials = Credentials(cred["access_key"], cred["secret_key"], cred["session_token"] or None)
    now = datetime.datetime.fromtimestamp(wall_s, datetime.UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: now):
        Auth(credentials, "s3", cred["region"]).add_auth(request)
    return {k.lower(): v for k, v in request.headers.items()}


def request_vector(**r: Any) -> dict[str, Any]:
    """One s3p_request and the head it must give."""
    cred = r.setdefault("cred", DOC)
    wall_s = r.setdefault("wall_s", 1700000000)
    authority = r.setdefault("authority", "127.0.0.1:9000")
    virtual = r.setdefault("virtual_host", False)
    bucket = r.setdefault("bucket", "bucket-main-0123456789ab")
    op, key = r["op"], r.setdefault("key", "")
    query: Pairs = []
    if op == "delete_objects":
        query = [("delete", "")]
    if op in ("list", "list_v1"):
        v2 = op == "list"
        names = {"prefix": "prefix", "delimiter": "delimiter", "token": "continuation-token"}
        names["start"] = "start-after" if v2 else "marker"
        query = [(name, r[field]) for field, name in names.items() if r.get(field)]
        query += [("encoding-type", "url")] + ([("list-type", "2")] if v2 else [])
        query += [("max-keys", str(r["max_keys"]))] if r.get("max_keys") else []
    payload = r.get("payload")
    headers: Pairs = []
    if METHODS[op] in ("PUT", "POST"):
        headers.append(("content-length", str(r.get("body_len", 0))))
    if "content_md5" in r:
        headers.append(("content-md5", r["content_md5"]))
    host = f"{bucket}.{authority}" if virtual else authority
    headers.append(("host", host))
    if "cond" in r:
        headers.append((CONDITIONS[r["cond"]], "*" if r["cond"].endswith("_any") else r["cond_value"]))
    if "range" in r:
        first, last = r["range"]
        headers.append(("range", f"bytes={first}-{'' if last is None else last}"))
    if "id" in r:
        headers.append(("x-amz-meta-s3p-id", r["id"]))
    path = ("" if virtual else "/" + bucket) + ("/" + encode(key, "/") if op in ON_KEY else "")
    path = path or "/"
    text = canonical(query)
    data = None if payload is None else payload.encode()
    signed = sign(cred, wall_s, METHODS[op], f"http://{host}{path}", text, headers, data)
    wire = "?delete" if op == "delete_objects" else "?" + text if text else ""
    lines = [f"{METHODS[op]} {path}{wire} HTTP/1.1"]
    lines += [f"{k}: {signed[k]}" for k in sorted(signed) if k != "authorization"]
    lines += [f"authorization: {signed['authorization']}", "", ""]
    return r | {"head": "\r\n".join(lines)}


def request_vectors() -> list[dict[str, Any]]:
    """Each operation, each condition, and the keys that break clients."""
    put = {"op": "put", "id": VALUE_ID}
    keys = ["hot/object", "a b", "a+b", "100%", "a%20b", "x//y", "../up", "./here", "a/../b", "/lead"]
    keys += ["trail/", "é/ü", "日本語", "\U0001f600", "q?a=b&c=d", "#frag", "tilde~-._", "!*'()", "a:b;c,d@e"]
    keys += ["[x]{y}|z\\", '"quoted"', "tab\tline\n", "=", "&", "k" * 1024, "é" * 512]
    out = [request_vector(**put, key=k, body_len=i * 1000) for i, k in enumerate(keys)]
    etag = '"9dd4e461268c8034f5c8564e155c67a6"'
    date = "Fri, 24 May 2013 00:00:00 GMT"
    for cond in CONDITIONS:
        value = date if cond.endswith("_since") else etag
        out.append(request_vector(op="get", key="k", cond=cond, cond_value=value, payload=""))
    out.append(request_vector(**put, key="k", cond="if_match", cond_value='"two  blanks "', body_len=5))
    out.append(request_vector(**put, key="k", payload="the body", body_len=8))
    out.append(request_vector(op="get", key="k", range=[0, 9], payload=""))
    out.append(request_vector(op="get", key="k", range=[64, None], payload=""))
    out.append(request_vector(op="get", key="k", range=[2**62, 2**63 - 1], payload=""))
    out += [request_vector(op=op, key="some/key", payload="") for op in ("get", "head", "delete")]
    out += [request_vector(op=op, payload="") for op in ("create_bucket", "head_bucket", "delete_bucket")]
    out.append(request_vector(op="delete", key="k", cond="if_match", cond_value=etag, payload=""))
    md5 = base64.b64encode(hashlib.md5(b"<Delete/>").digest()).decode()
    out.append(request_vector(op="delete_objects", content_md5=md5, payload="<Delete/>", body_len=9))
    out.append(request_vector(op="list", payload=""))
    everything = {"prefix": "a b/ü+%", "delimiter": "/", "start": "a b/ü=", "max_keys": 1000, "payload": ""}
    out.append(request_vector(op="list", token="1/fK+abc==", **everything))
    out.append(request_vector(op="list_v1", **everything))
    out.append(request_vector(op="list_v1", delimiter="//", payload=""))
    for cred in (TEMPORARY, DOC | {"region": "x", "secret_key": "s" * 200}):
        out.append(request_vector(**put, cred=cred, key="k", body_len=1))
        out.append(request_vector(op="list", cred=cred, prefix="p", payload=""))
    for virtual in ({"virtual_host": True, "authority": "s3.example.com"},):
        out.append(request_vector(**put, **virtual, key="a b", body_len=1))
        out.append(request_vector(op="list", **virtual, prefix="p", payload=""))
        out.append(request_vector(op="head_bucket", **virtual, payload=""))
        out.append(request_vector(op="delete_objects", **virtual, content_md5=md5, payload="<Delete/>", body_len=9))
    for wall_s in (0, 86399, 86400, 951782400, 4102444800):  # midnights, 29 February, 2100
        out.append(request_vector(**put, key="k", wall_s=wall_s, body_len=1))
    return out


def published(
    name: str, method: str, path: str, query: str, headers: Pairs, payload: bytes, signature: str
) -> dict[str, Any]:
    """One example of the AWS documentation."""
    signed = sign(DOC, DOC_TIME, method, f"https://{DOC_HOST}{path}", query, [("host", DOC_HOST), *headers], payload)
    assert signed["authorization"].endswith("Signature=" + signature), (name, signed["authorization"])
    return {
        "name": name,
        "cred": DOC,
        "wall_s": DOC_TIME,
        "method": method,
        "path": path,
        "query": query,
        "headers": [[k, signed[k]] for k in sorted(signed) if k != "authorization"],
        "authorization": signed["authorization"],
    }


def header_vectors() -> list[dict[str, Any]]:
    """The published examples, and header values that must be made canonical."""
    out = [
        published(
            "AWS: GET object", "GET", "/test.txt", "", [("range", "bytes=0-9")], b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        published(
            "AWS: PUT object", "PUT", "/test%24file.text", "",
            [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        published(
            "AWS: GET bucket lifecycle", "GET", "/", "lifecycle=", [], b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        published(
            "AWS: list objects", "GET", "/", "max-keys=2&prefix=J", [], b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ]  # fmt: skip
    for value in ("a  b", "  a", "a  ", "   ", "", "a b  c   d", "x" * 3000, "y " * 900):
        signed = sign(
            DOC, DOC_TIME, "GET", f"https://{DOC_HOST}/k", "", [("host", DOC_HOST), ("x-amz-meta-v", value)], b""
        )
        out.append(
            {
                "name": f"value {value[:12]!r}",
                "cred": DOC,
                "wall_s": DOC_TIME,
                "method": "GET",
                "path": "/k",
                "query": "",
                "headers": [[k, signed[k]] for k in sorted(signed) if k != "authorization"],
                "authorization": signed["authorization"],
            }
        )
    return out


def presign_vectors() -> list[dict[str, Any]]:
    """Presigned URLs."""
    cases: list[tuple[dict[str, str], str, str, Pairs, int]] = [
        (DOC, "GET", "/test.txt", [], 86400),
        (DOC, "PUT", "/a%20b", [], 1),
        (DOC, "GET", "/k", [("response-content-type", "text/plain; x=y"), ("versionId", "3/L+")], 604800),
        (DOC, "PUT", "/k", [("A", "1"), ("X-Alpha", "2"), ("X-Zulu", "3"), ("partNumber", "4"), ("z", "")], 60),
        (TEMPORARY, "DELETE", "/k", [("X-Amz-Datey", "longer"), ("X-Amz-Sa", "between"), ("uploadId", "u")], 3600),
        (TEMPORARY, "HEAD", "/%C3%A9//x", [], 900),
    ]
    out: list[dict[str, Any]] = []
    for cred, method, path, query, expires in cases:
        text = canonical(query)
        url = f"https://{DOC_HOST}{path}" + ("?" + text if text else "")
        request = AWSRequest(method=method, url=url)
        credentials = Credentials(cred["access_key"], cred["secret_key"], cred["session_token"] or None)
        now = datetime.datetime.fromtimestamp(DOC_TIME, datetime.UTC)
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda now=now: now):
            S3SigV4QueryAuth(credentials, "s3", cred["region"], expires).add_auth(request)
        params, _, signature = request.url.partition("?")[2].rpartition("&X-Amz-Signature=")
        ordered = "&".join(sorted(params.split("&"), key=lambda p: p.partition("=")[::2]))
        out.append(
            {
                "cred": cred,
                "wall_s": DOC_TIME,
                "method": method,
                "host": DOC_HOST,
                "path": path,
                "query": text,
                "expires_s": expires,
                "result": f"{ordered}&X-Amz-Signature={signature}",
            }
        )
    assert out[0]["result"].endswith("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    return out


def encode_vectors() -> list[dict[str, Any]]:
    """Percent-encoding of every byte and of a few texts."""
    raw = [bytes([b]) for b in range(256)] + [b"", bytes(range(256)), b"a/b c~", b"/" * 5]
    out = []
    for data in raw:
        for keep_slash in (False, True):
            text = quote(data, safe="/" if keep_slash else "")
            out.append({"hex": data.hex(), "keep_slash": keep_slash, "text": text})
    return out


def sign_vectors() -> dict[str, Any]:
    """Everything that goes into sign.json."""
    return {
        "headers": header_vectors(),
        "requests": request_vectors(),
        "presigned": presign_vectors(),
        "encoded": encode_vectors(),
    }
