#!/usr/bin/env python3
"""The store with the fault proxy in front and no fault on: what `S3PROD_STORE` may name to run tests through the proxy."""

import json
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
BIN = ROOT / "build" / "c" / "release"


def main() -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    store = subprocess.Popen([BIN / "s3p_serve", *sys.argv[1:]], stdout=subprocess.PIPE)
    first = json.loads(store.stdout.readline() or "null")
    if first is None or first["endpoint"].startswith("https:"):
        print(json.dumps(first), flush=True)
        return store.wait()
    endpoints = [word for endpoint in first["endpoints"] for word in ("--endpoint", endpoint)]
    proxy = subprocess.Popen([BIN / "s3p_proxy", *endpoints], stdout=subprocess.PIPE)
    seen = json.loads(proxy.stdout.readline())
    print(json.dumps(first | {"endpoint": seen["endpoints"][0], "endpoints": seen["endpoints"]}), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for child in (proxy, store):
        child.terminate()
    return proxy.wait() or store.wait()


if __name__ == "__main__":
    sys.exit(main())
