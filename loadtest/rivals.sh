#!/usr/bin/env bash
# Starts Redis and PostgreSQL with PostGIS on Debian (or Ubuntu) for the duration of a comparison:
#
#   loadtest/rivals.sh -- cargo run --release -p nearby-loadtest --features rivals -- compare
#   loadtest/rivals.sh -- cargo run --release -p nearby-loadtest --features rivals -- compare --merchants 100000
#   eval "$(loadtest/rivals.sh)"          # only starts them; `kill "$RIVALS_PID"` stops them
#
# The command after -- gets the flags (addresses, process ids, restart commands) appended, and both servers stop when it
# ends. Without a command, the script prints shell variables to eval: REDIS_URL, REDIS_PID, POSTGIS, POSTGIS_PID,
# RIVALS_FLAGS (an array) and RIVALS_PID. All files are removed at the end, also after SIGINT and SIGTERM.
#
# Missing packages are installed with apt-get (redis-server, postgresql, postgresql-NN-postgis-3), which requires root. Both
# servers listen on free loopback ports and keep their files in a temporary directory; running services are not touched.
# PostgreSQL refuses to run as root; the script then runs it as the user postgres.
#
# Settings: Redis syncs its append-only file every second, so that it keeps the merchants across a restart. PostgreSQL syncs
# at every commit (fsync=on), and shared_buffers (1 GB) holds the whole table.
#
# Tile38 is not in Debian. Pass a running instance (github.com/tidwall/tile38, docker run -p 9851:9851 tile38/tile38):
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
  [ "$(id -u)" = 0 ] || { say "run as root once, or: apt-get install $*"; exit 77; }
  say "installing $*"
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

# Prints an unused port below the ephemeral range.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# Runs a command as PostgreSQL's user.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Writes the restart scripts. Each returns once the old process has exited and a new one is starting.
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
# An exited process keeps its pid as a zombie until it is reaped.
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
  say "Redis did not start:"
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
    say "PostgreSQL did not start:"
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
  # The user postgres creates its data directory here.
  chgrp postgres "$work"
  chmod 770 "$work"
fi
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# initdb and pg_ctl warn if the user postgres cannot read the current directory.
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

# The caller of this script continues, so a background process waits for the signal to stop both servers.
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
