"""`peer_put.py boto3|obstore ENDPOINT`: 1 KiB PUTs by threads of a Python client; prints CPU µs a request as JSON.

Import and warm-up are not counted; every PUT is signed with an unsigned payload and has a body of its own.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable

THREADS = {"boto3": 16, "obstore": 16}
PUTS = {"boto3": 150, "obstore": 3000}  # of each thread


def boto3_put(endpoint: str) -> Callable[[int], None]:
    import boto3
    from botocore.config import Config

    client = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench-secret",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            request_checksum_calculation="when_required",
            max_pool_connections=1,
            s3={"addressing_style": "path", "payload_signing_enabled": False},
        ),
    )
    return lambda i: client.put_object(Bucket="bench", Key=f"objs/{i:08}", Body=i.to_bytes(16, "big") * 64)


def obstore_put(endpoint: str) -> Callable[[int], None]:
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        "bench",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="bench",
        secret_access_key="bench-secret",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    return lambda i: obstore.put(store, f"objs/{i:08}", i.to_bytes(16, "big") * 64, use_multipart=False)


def main() -> None:
    name, endpoint = sys.argv[1:]
    make = {"boto3": boto3_put, "obstore": obstore_put}[name]
    threads, puts = THREADS[name], PUTS[name]
    warm, go = threading.Barrier(threads + 1), threading.Barrier(threads + 1)

    def work(number: int) -> None:
        put = make(endpoint)
        put(number)
        warm.wait()
        go.wait()
        for i in range(puts):
            put(number * puts + i)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    warm.wait()
    cpu, wall = sum(os.times()[:2]), time.monotonic()
    go.wait()
    for worker in workers:
        worker.join()
    cpu, wall = sum(os.times()[:2]) - cpu, time.monotonic() - wall
    print(json.dumps({"cpu_us": cpu * 1e6 / (threads * puts), "per_s": threads * puts / wall}))


if __name__ == "__main__":
    main()
