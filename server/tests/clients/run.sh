#!/usr/bin/env bash
# Runs the tests of foreign clients against a real server: those in Python and those in Node.js. They run the examples
# too: both in server/examples, and that of the Rust client if it lies in `examples` beside the binary, where cargo puts it.
#
#   server/tests/clients/run.sh PATH_TO_NEARBY_BINARY [WORK_DIR]
#
# Needs python3 with venv, node 20 or newer and npm. What it installs and writes goes to WORK_DIR, a temporary
# directory unless given: with one that is kept, the next run installs nothing anew.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || ! -f $1 || ! -x $1 ]]; then
  echo "usage: $0 PATH_TO_NEARBY_BINARY [WORK_DIR]" >&2
  exit 64
fi
NEARBY_BIN=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
if [[ $# -eq 2 ]]; then
  mkdir -p "$2"
  work=$(realpath "$2")
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
# All that the tests write goes there too, and no byte code beside the sources.
mkdir -p "$work/tmp" "$work/node"
export NEARBY_BIN TMPDIR="$work/tmp" PYTHONDONTWRITEBYTECODE=1

python3 -m venv "$work/python"
python="$work/python/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt"
# Node looks for packages upwards from the sources, where none shall be; NODE_PATH is where it looks next.
cp "$here/node/package.json" "$work/node/"
npm install --prefix "$work/node" --no-package-lock --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1 ||
  { cat "$work/npm.log" >&2; exit 1; }

# Both run, whatever becomes of the first.
failed=0
"$python" -m pytest "$here/python" || failed=1
NODE_PATH="$work/node/node_modules" node --test --test-reporter=spec "$here"/node/*.test.js || failed=1
exit "$failed"
