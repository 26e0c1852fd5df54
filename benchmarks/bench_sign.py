"""The whole header signature of a typical PUT, text included: ours in C, botocore's `S3SigV4Auth`, awscrt."""

from __future__ import annotations

import importlib.util
import time

from benchmarks.harness import MissingPeer, Record, interleave, tool_json

HEADERS = {
    "host": "127.0.0.1:9000",
    "content-length": "1024",
    "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    "x-amz-meta-s3p-id": "0123456789abcdef0123456789abcdef",
}
URL = "http://127.0.0.1:9000/bench-main-abcdefghijkl/objs/00001234"


def _botocore() -> float:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    auth = S3SigV4Auth(Credentials("bench", "bench-secret"), "s3", "us-east-1")
    requests = [AWSRequest("PUT", URL, headers=dict(HEADERS), data=b"") for _ in range(2000)]
    start = time.thread_time()
    for request in requests:
        auth.add_auth(request)
    return (time.thread_time() - start) * 1e6 / len(requests)


def _awscrt() -> float:
    from awscrt import auth, http

    provider = auth.AwsCredentialsProvider.new_static("bench", "bench-secret")
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=provider,
        region="us-east-1",
        service="s3",
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value="UNSIGNED-PAYLOAD",
    )
    fields = [(name, value) for name, value in HEADERS.items() if name != "x-amz-content-sha256"]
    requests = [http.HttpRequest("PUT", URL.split("9000", 1)[1], http.HttpHeaders(fields)) for _ in range(5000)]
    start = time.process_time()
    for request in requests:
        auth.aws_sign_request(request, config).result()
    return (time.process_time() - start) * 1e6 / len(requests)


def sign() -> list[Record]:
    """CPU µs a signature."""
    if importlib.util.find_spec("awscrt") is None:
        raise MissingPeer("awscrt: not found, install the Python package awscrt")
    found = interleave(
        {"ours": lambda: tool_json("s3p_signbench")["sign_ns"] / 1000, "botocore": _botocore, "awscrt": _awscrt}
    )
    what = "header signature of a PUT with its text: the peer's CPU µs over ours"
    return [
        Record("sign", found["botocore"] / found["ours"], found["ours"], found["botocore"], "CPU µs/signature", "higher", 60,
               what + " (botocore)", "s3prod bench sign"),
        Record("sign-awscrt", found["awscrt"] / found["ours"], found["ours"], found["awscrt"], "CPU µs/signature", "higher", 10,
               what + " (awscrt)", "s3prod bench sign  # sign-awscrt"),
        Record("sign-absolute", found["ours"] / 0.7, found["ours"], 0.7, "CPU µs/signature", "lower", 1,
               "header signature of a PUT with its text: ours over the goal of 0.7 µs", "s3prod bench sign  # sign-absolute"),
    ]  # fmt: skip
