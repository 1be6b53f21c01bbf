#!/usr/bin/env bash
# Tests the page in a browser, against real servers.
#
#   server/tests/browser/run.sh PATH_TO_NEARBY_BINARY [TOOLS_DIR]
#   server/tests/browser/run.sh --screenshots OUT_DIR PATH_TO_NEARBY_BINARY [TOOLS_DIR]
#
# Requires node 20 or newer, npm, python3 and curl. Chromium and a Chinese font are installed where apt-get can, everything else in
# TOOLS_DIR, by default a temporary directory; reuse the same TOOLS_DIR to skip the installation. NEARBY_TEST_NAME, a regular
# expression, selects tests by name.
set -euo pipefail

usage() {
  echo "usage: $0 [--screenshots OUT_DIR] PATH_TO_NEARBY_BINARY [TOOLS_DIR]" >&2
  exit 64
}
screenshots=""
if [[ ${1:-} == --screenshots ]]; then
  [[ $# -ge 3 ]] || usage
  mkdir -p "$2"
  screenshots=$(realpath "$2")
  shift 2
fi
[[ $# -ge 1 && $# -le 2 && -f $1 && -x $1 ]] || usage
NEARBY_BIN=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
if [[ $# -eq 2 ]]; then
  mkdir -p "$2"
  work=$(realpath "$2")
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/tmp"
export NEARBY_BIN TMPDIR="$work/tmp"

has_font() { [[ -n $(fc-list :lang=zh 2>/dev/null | head -1) ]]; }
if ! { command -v chromium >/dev/null && has_font; } && command -v apt-get >/dev/null; then
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
  as_root apt-get update -qq
  as_root apt-get install -qq -y --no-install-recommends chromium fonts-wqy-microhei >/dev/null
fi
CHROMIUM=$(command -v chromium) || { echo "$0: no chromium, and no apt-get to install it with" >&2; exit 69; }
export CHROMIUM

# Node.js searches for packages upwards from the sources, which must stay clean, then in NODE_PATH.
cp "$here/package.json" "$work/"
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --prefix "$work" --no-package-lock --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1 ||
  { cat "$work/npm.log" >&2; exit 1; }
export NODE_PATH="$work/node_modules"

if [[ -n $screenshots ]]; then
  node "$here/screenshots.js" "$screenshots"
else
  # One browser and two servers serve all tests: starting them takes longer than most tests do.
  node --test --test-reporter=spec ${NEARBY_TEST_NAME:+--test-name-pattern "$NEARBY_TEST_NAME"} "$here/page.test.js"
fi
