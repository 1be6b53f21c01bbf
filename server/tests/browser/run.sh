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

here=$(dirname "$(realpath "$0")")
. "$here/../setup.sh"
usage="$0 [--screenshots OUT_DIR] PATH_TO_NEARBY_BINARY [TOOLS_DIR]"
screenshots=""
if [[ ${1:-} == --screenshots && $# -ge 3 ]]; then
  mkdir -p "$2"
  screenshots=$(realpath "$2")
  shift 2
fi
set_up "$@"

has_font() { [[ -n $(fc-list :lang=zh 2>/dev/null | head -1) ]]; }
if ! { command -v chromium >/dev/null && has_font; } && command -v apt-get >/dev/null; then
  install_debian chromium fonts-wqy-microhei
fi
CHROMIUM=$(command -v chromium) || { echo "$0: no chromium, and no apt-get to install it with" >&2; exit 69; }
export CHROMIUM

install_node "$here" "$work"
end_if_installing

if [[ -n $screenshots ]]; then
  node "$here/screenshots.js" "$screenshots"
else
  # One browser and two servers serve all tests: starting them takes longer than most tests do.
  node --test --test-reporter=spec ${NEARBY_TEST_NAME:+--test-name-pattern "$NEARBY_TEST_NAME"} "$here/page.test.js"
fi
