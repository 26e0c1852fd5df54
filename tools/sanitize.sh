#!/usr/bin/env bash
# tools/sanitize.sh asan|tsan: the C tests and a short engine run against the store, both built with the sanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."
variant=$1
bin=build/c/$variant
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 UBSAN_OPTIONS=print_stacktrace=1
"$bin/s3p-test"
work=$(mktemp -d)
trap 'kill "${store:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
"$bin/s3p_serve" --access-key sanitizer --secret-key sanitizer-secret > "$work/serve.json" &
store=$!
for _ in $(seq 100); do [ -s "$work/serve.json" ] && break; sleep 0.1; done
.venv/bin/python - "$work" <<'PY'
import json, sys
from pathlib import Path
from s3prod.plans import BUILTIN
work = Path(sys.argv[1])
serve = json.loads((work / "serve.json").read_text().splitlines()[0])
target = {"endpoints": serve["endpoints"], "access_key": "sanitizer", "secret_key": "sanitizer-secret", "region": "us-east-1",
          "addressing": "path", "verify_tls": True, "bucket_prefix": "s3prod", "profile": {}}
(work / "target.json").write_text(json.dumps(target))
for name in ("thundering-herd", "coordination"):
    (work / f"{name}.json").write_text(BUILTIN[name]("smoke", 1).to_json())
PY
for plan in thundering-herd coordination; do
    "$bin/s3p_run" "$work/$plan.json" "$work/target.json" "$work/$plan.s3ph" > "$work/metrics.json"
    "$bin/s3p_check" "$work/$plan.s3ph" > "$work/verdict.json"
    grep -q '"consistency": *"held"' "$work/verdict.json" || { cat "$work/verdict.json"; exit 1; }
    echo "$variant: $plan: held"
done
kill -TERM "$store"
wait "$store"
store=
echo "$variant: no report"
