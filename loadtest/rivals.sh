#!/usr/bin/env bash
# Redis and PostgreSQL with PostGIS to compare Nearby with, on Debian (or Ubuntu), for as long as it takes:
#
#   loadtest/rivals.sh -- cargo run --release -p nearby-loadtest --features rivals -- compare
#   loadtest/rivals.sh -- cargo run --release -p nearby-loadtest --features rivals -- compare --merchants 100000
#   eval "$(loadtest/rivals.sh)"          # only starts them; `kill "$RIVALS_PID"` stops them
#
# With a command after --, its flags (addresses, processes, what restarts each) are added to it, and both are stopped when
# it ends. Without one, what to eval is printed: REDIS_URL, REDIS_PID, POSTGIS, POSTGIS_PID, RIVALS_FLAGS (an array) and
# RIVALS_PID. Either way all that was written is removed at the end, which takes place on ^C and on TERM too.
#
# What is not there is installed with apt-get (redis-server, postgresql, postgresql-NN-postgis-3), which needs root. Both
# listen on loopback alone, on ports that were free, with their files in a directory of their own: services that run
# already are left alone. PostgreSQL refuses to run as root, and runs as the user postgres then.
#
# Settings. Redis appends to its log and syncs it every second, so that it still has its merchants when it is restarted.
# PostgreSQL syncs at every commit (fsync is left on), and has room for all of the table in memory (shared_buffers 1 GB).
#
# Tile38 is not in Debian. Where one runs (github.com/tidwall/tile38, or docker run -p 9851:9851 tile38/tile38), say so:
#
#   loadtest/rivals.sh -- cargo run … -- compare --tile38 redis://127.0.0.1:9851 --tile38-pid "$(pidof tile38-server)"
set -euo pipefail

say() { echo "rivals: $*" >&2; }

usage() {
  say "usage: rivals.sh [-- COMMAND ARGUMENT...]"
  exit 64
}

postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

has_postgis() { ls "$(postgres_bin | sed 's|^/usr/lib|/usr/share|; s|/bin$||')"/extension/postgis.control >/dev/null 2>&1; }

install() {
  [ "$(id -u)" = 0 ] || { say "run it as root once, or: apt-get install $*"; exit 77; }
  say "installs $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
}

require() {
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ -n "$(postgres_bin)" ] || missing+=(postgresql)
  if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" != 0 ] || apt-get update >&2
    install "${missing[@]}"
  fi
  local version
  version=$(basename "$(dirname "$(postgres_bin)")")
  has_postgis || install "postgresql-$version-postgis-3"
}

# One that nobody listens on, below those that the system gives out by itself.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# As whom PostgreSQL runs.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# A file each, as the harness runs them with sh: they return once the old process has gone and a new one starts.
write_restarts() {
  cat >"$work/start-redis" <<END
#!/bin/sh
redis-server --bind 127.0.0.1 --port $redis_port --dir "$work/redis" --save '' --appendonly yes --appendfsync everysec \
  --auto-aof-rewrite-percentage 0 --daemonize yes --pidfile "$work/redis.pid" --logfile "$work/redis/log" >/dev/null
END
  cat >"$work/restart-redis" <<END
#!/bin/sh
old=\$(cat "$work/redis.pid")
redis-cli -p $redis_port shutdown >/dev/null 2>&1
# Until somebody asks how it ended, a process that has ended still has a number.
while grep -q '^State:.[^Z]' "/proc/\$old/status" 2>/dev/null; do sleep 0.01; done
exec "$work/start-redis"
END
  cat >"$work/restart-postgis" <<END
#!/bin/sh
$as "$bin/pg_ctl" -D "$work/postgres" -m fast -w stop >/dev/null || exit 1
$as "$bin/pg_ctl" -D "$work/postgres" -l "$work/postgres/log" -W start >/dev/null
END
  chmod 755 "$work"/start-redis "$work"/restart-*
}

start_redis() {
  mkdir "$work/redis"
  "$work/start-redis"
  for _ in $(seq 500); do
    [ -s "$work/redis.pid" ] && redis-cli -p "$redis_port" ping >/dev/null 2>&1 && return
    sleep 0.01
  done
  say "Redis does not come up:"
  cat "$work/redis/log" >&2
  exit 1
}

start_postgres() {
  as_postgres "$bin/initdb" -D "$work/postgres" -U postgres -A trust -E UTF8 --locale=C >/dev/null
  as_postgres tee -a "$work/postgres/postgresql.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
port = $postgres_port
unix_socket_directories = '$work/postgres'
max_connections = 300
shared_buffers = 1GB
effective_cache_size = 4GB
work_mem = 16MB
maintenance_work_mem = 512MB
max_wal_size = 4GB
random_page_cost = 1.1
jit = off
END
  if ! as_postgres "$bin/pg_ctl" -D "$work/postgres" -l "$work/postgres/log" -w start >/dev/null; then
    say "PostgreSQL does not come up:"
    cat "$work/postgres/log" >&2
    exit 1
  fi
  "$bin/createdb" -h 127.0.0.1 -p "$postgres_port" -U postgres nearby
  "$bin/psql" -h 127.0.0.1 -p "$postgres_port" -U postgres -q -d nearby -c 'CREATE EXTENSION postgis' >&2
}

stop() {
  trap - EXIT INT TERM
  [ ! -s "$work/redis.pid" ] || redis-cli -p "$redis_port" shutdown nosave >/dev/null 2>&1 || true
  [ ! -s "$work/postgres/postmaster.pid" ] ||
    as_postgres "$bin/pg_ctl" -D "$work/postgres" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$work"
}

command=()
if [ $# -gt 0 ]; then
  [ "$1" = -- ] && [ $# -gt 1 ] || usage
  shift
  command=("$@")
fi

require
bin=$(postgres_bin)
work=$(mktemp -d "${TMPDIR:-/tmp}/nearby-rivals.XXXXXX")
redis_port=$(free_port)
postgres_port=$(free_port)
as=
if [ "$(id -u)" = 0 ]; then
  as="runuser -u postgres --"
  # The user postgres makes its directory in it.
  chgrp postgres "$work"
  chmod 770 "$work"
fi
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# initdb and pg_ctl tell of directories that the user postgres may not look into.
cd "$work"
write_restarts
start_redis
start_postgres
cd "$OLDPWD"

redis="redis://127.0.0.1:$redis_port"
postgis="host=127.0.0.1 port=$postgres_port user=postgres dbname=nearby"
flags=(
  --redis "$redis" --redis-pid "$(cat "$work/redis.pid")" --restart-command "redis=$work/restart-redis"
  --postgis "$postgis" --postgis-pid "$(head -n 1 "$work/postgres/postmaster.pid")"
  --restart-command "postgis=$work/restart-postgis"
)
if [ ${#command[@]} -gt 0 ]; then
  "${command[@]}" "${flags[@]}"
  exit
fi

# Who stops both: this shell's caller has to go on, so it is left in the background, where it only waits.
trap - EXIT
(
  trap 'kill "$sleeper"; stop' EXIT
  trap 'exit 0' INT TERM
  sleep infinity &
  sleeper=$!
  wait
) >/dev/null 2>&1 </dev/null &
printf 'REDIS_URL=%q REDIS_PID=%q\nPOSTGIS=%q POSTGIS_PID=%q\n' "$redis" "${flags[3]}" "$postgis" "${flags[9]}"
printf 'RIVALS_FLAGS=('
printf ' %q' "${flags[@]}"
printf ' )\nRIVALS_PID=%q\n' "$!"
