#!/usr/bin/env bash
# Runs the client tests in Python and Node.js against a real server. They also run the examples: those in server/examples,
# and that of the Rust client if it is in `examples` next to the binary, where cargo builds it.
#
#   server/tests/clients/run.sh PATH_TO_NEARBY_BINARY [WORK_DIR]
#
# Requires python3 with venv, node 20 or newer and npm, and for the tests of proxies nginx and haproxy, which are installed
# where apt-get can; otherwise those tests are skipped. Everything else is installed and written to WORK_DIR, by default a
# temporary directory; reuse the same WORK_DIR to skip the installation.
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
# The tests write to WORK_DIR too, and no byte code next to the sources.
mkdir -p "$work/tmp" "$work/node"
export NEARBY_BIN TMPDIR="$work/tmp" PYTHONDONTWRITEBYTECODE=1

if ! { command -v nginx && command -v haproxy; } >/dev/null && command -v apt-get >/dev/null; then
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
  as_root apt-get update -qq
  # The packages start services that the tests do not need; a port that is taken must not fail the installation.
  RUNLEVEL=1 as_root apt-get install -qq -y --no-install-recommends nginx-light haproxy >/dev/null
fi

python3 -m venv "$work/python"
python="$work/python/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt"
# Node.js searches for packages upwards from the sources, which must stay clean, then in NODE_PATH.
cp "$here/node/package.json" "$work/node/"
npm install --prefix "$work/node" --no-package-lock --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1 ||
  { cat "$work/npm.log" >&2; exit 1; }

# Both suites run, even if the first fails.
failed=0
"$python" -m pytest "$here/python" || failed=1
NODE_PATH="$work/node/node_modules" node --test --test-reporter=spec "$here"/node/*.test.js || failed=1
exit "$failed"
