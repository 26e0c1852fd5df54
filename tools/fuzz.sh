#!/usr/bin/env bash
# tools/fuzz.sh SECONDS: every csrc/tests/*/fuzz_*.c under libFuzzer with ASan + UBSan, SECONDS each; found inputs stay in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
cc=$(command -v clang || command -v clang-14)
out=$PWD/build/fuzz
mkdir -p "$out"
flags="-std=gnu11 -g -O1 -D_GNU_SOURCE -DS3P_DEBUG -Icsrc -Ibuild/gen -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
make -s -C csrc VARIANT=fuzz CC="$cc" OUT="$out/obj" FLAGS_fuzz="-O1 -DS3P_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" -j2 lib
libs=$(pkg-config --libs libcurl libcrypto libssl expat jansson libmicrohttpd lmdb zlib)
for source in csrc/tests/*/fuzz_*.c; do
    name=$(basename "$source" .c)
    mkdir -p "$out/corpus/$name"
    # shellcheck disable=SC2086
    "$cc" ${flags/fuzzer-no-link/fuzzer} $(pkg-config --cflags libcurl) -o "$out/$name" "$source" "$out/obj/libs3p.a" $libs -lm -lpthread
    echo "fuzz: $name, $seconds s"
    seeds=csrc/tests/corpus/$name
    "$out/$name" -max_total_time="$seconds" -artifact_prefix="$out/$name-" -print_final_stats=0 -verbosity=0 \
        "$out/corpus/$name" $([ -d "$seeds" ] && echo "$seeds") 2> "$out/$name.log" || { tail -40 "$out/$name.log"; exit 1; }
done
echo "fuzz: no finding"
