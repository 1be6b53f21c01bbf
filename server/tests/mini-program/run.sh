#!/usr/bin/env bash
# Runs the tests of the pages of the example mini program, in a simulation of WeChat's components: alone, and with the backend
# of the example and a real server. Also checks their types.
#
#   server/tests/mini-program/run.sh PATH_TO_NEARBY_BINARY [WORK_DIR]
#
# Requires node 20 or newer and npm. Everything else is installed to WORK_DIR, by default a temporary directory; reuse the same
# WORK_DIR to skip the installation.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
. "$here/../setup.sh"
set_up "$@"
install_node "$here" "$work"
end_if_installing
node --test --test-reporter=spec "$here"/*.test.js
