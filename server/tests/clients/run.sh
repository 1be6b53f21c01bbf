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

here=$(dirname "$(realpath "$0")")
. "$here/../setup.sh"
set_up "$@"
# No byte code next to the sources.
export PYTHONDONTWRITEBYTECODE=1

if ! { command -v nginx && command -v haproxy; } >/dev/null && command -v apt-get >/dev/null; then
  install_debian nginx-light haproxy
fi

python3 -m venv "$work/python"
python="$work/python/bin/python"
# Both installations wait for the network.
"$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt" &
pip=$!
install_node "$here/node" "$work/node"
wait "$pip"
end_if_installing

# Both suites run, even if the first fails.
failed=0
"$python" -m pytest "$here/python" || failed=1
node --test --test-reporter=spec "$here"/node/*.test.js || failed=1
exit "$failed"
