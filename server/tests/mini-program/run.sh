#!/usr/bin/env bash
# Runs the tests of the pages of the example mini program, in a simulation of WeChat's components, and checks their types.
#
#   server/tests/mini-program/run.sh [WORK_DIR]
#
# Requires node 20 or newer and npm. Everything else is installed to WORK_DIR, by default a temporary directory; reuse the same
# WORK_DIR to skip the installation.
set -euo pipefail

if [[ $# -gt 1 ]]; then
  echo "usage: $0 [WORK_DIR]" >&2
  exit 64
fi
here=$(dirname "$(realpath "$0")")
if [[ $# -eq 1 ]]; then
  mkdir -p "$1"
  work=$(realpath "$1")
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
# Node.js searches for packages upwards from the sources, which must stay clean, then in NODE_PATH.
cp "$here/package.json" "$work/"
npm install --prefix "$work" --no-package-lock --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1 ||
  { cat "$work/npm.log" >&2; exit 1; }
NODE_PATH="$work/node_modules" node --test --test-reporter=spec "$here"/*.test.js
