# Sourced by the run.sh of each test suite in another language.

# set_up BINARY [WORK_DIR]: sets `work`, by default a temporary directory, and exports NEARBY_BIN and a TMPDIR in it.
set_up() {
  if [[ $# -lt 1 || $# -gt 2 || ! -f $1 || ! -x $1 ]]; then
    echo "usage: ${usage:-$0 PATH_TO_NEARBY_BINARY [WORK_DIR]}" >&2
    exit 64
  fi
  NEARBY_BIN=$(realpath "$1")
  if [[ $# -eq 2 ]]; then
    mkdir -p "$2"
    work=$(realpath "$2")
  else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
  fi
  mkdir -p "$work/tmp"
  export NEARBY_BIN TMPDIR="$work/tmp"
}

# end_if_installing: ends the script if NEARBY_INSTALL_ONLY is set, as in `.ci/run`, which installs while it compiles.
end_if_installing() {
  if [[ -n ${NEARBY_INSTALL_ONLY:-} ]]; then exit 0; fi
}

# install_debian PACKAGE…: installs packages of Debian.
install_debian() {
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
  as_root apt-get update -qq
  # Some packages start services that the tests do not need; a port that is taken must not fail the installation.
  RUNLEVEL=1 as_root apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

# install_node SOURCE_DIR DIR: installs the packages of SOURCE_DIR/package.json in DIR, and exports NODE_PATH. Node.js searches for
# packages upwards from the sources, which must stay clean, then in NODE_PATH.
install_node() {
  mkdir -p "$2"
  cp "$1/package.json" "$2/"
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --prefix "$2" --no-package-lock --no-audit --no-fund --loglevel=error \
    >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; exit 1; }
  export NODE_PATH="$2/node_modules"
}
