#!/usr/bin/env bash
# Tests of the log on NATS JetStream, against brokers that the tests start: one alone, and a cluster of three.
#
#   server/cluster/tests/run.sh [TEST…]
#
# The tests choose free ports on the loopback interface.
set -euo pipefail
cd "$(dirname "$0")/../../.."

NEARBY_NATS_SERVER=$(server/cluster/tests/install.sh)
export NEARBY_NATS_SERVER
"$NEARBY_NATS_SERVER" --version
cargo test --locked --workspace --lib "${@:-jetstream::tests}" -- --ignored --test-threads 1
