#!/usr/bin/env bash
# Runs the tests of the pages of the example mini program, in a simulation of WeChat's components: alone, and with the backend
# of the example and a real server. Also checks their types.
#
#   server/tests/mini-program/run.sh PATH_TO_NEARBY_BINARY [WORK_DIR]
#
# Requires node 20 or newer and npm. Everything else is installed to WORK_DIR, by default a temporary directory; reuse the same
# WORK_DIR to skip the installation.
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
# The tests write to WORK_DIR too.
mkdir -p "$work/tmp"
export NEARBY_BIN TMPDIR="$work/tmp"
# Node.js searches for packages upwards from the sources, which must stay clean, then in NODE_PATH.
cp "$here/package.json" "$work/"
npm install --prefix "$work" --no-package-lock --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1 ||
  { cat "$work/npm.log" >&2; exit 1; }
NODE_PATH="$work/node_modules" node --test --test-reporter=spec "$here"/*.test.js
