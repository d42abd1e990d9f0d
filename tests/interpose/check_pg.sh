#!/bin/sh
# Runs PROGRAM against a PostgreSQL of its own: in a folder of its own, by a Unix socket, as a user who
# is not root.  Without PostgreSQL the program skips.
#     check_pg.sh PROGRAM [OPTION…]
set -u
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/postgres" ] || bin=$(dirname "$(command -v postgres || echo /nowhere/x)")
user=
if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 && command -v setpriv >/dev/null || exec "$@"
fi
[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] || exec "$@"

root=$(mktemp -d /tmp/weft-pg-XXXXXX) || exit 1
pid=
end() {
    [ -z "$pid" ] || { kill -INT "$pid" && wait "$pid"; }
    rm -rf "$root"
}
trap end EXIT
trap 'exit 1' INT TERM
[ -z "$user" ] || chown "$user" "$root"

# as_user COMMAND… : replaces this shell by it.
as_user() {
    [ -z "$user" ] || exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
    exec "$@"
}
(cd "$root" && as_user "$bin/initdb" -D "$root/data" -A trust -U weft --no-sync -E UTF8 --locale=C) >"$root/log" 2>&1 || {
    sed 's/^/# /' "$root/log"
    exit 1
}
(cd "$root" && as_user "$bin/postgres" -D "$root/data" -k "$root" -c listen_addresses= -c max_connections=120 \
    -c shared_buffers=16MB -c fsync=off -c autovacuum=off) >>"$root/log" 2>&1 &
pid=$!
tries=0
until "$bin/pg_isready" -q -h "$root"; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
        sed 's/^/# /' "$root/log"
        exit 1
    fi
    sleep 0.1
done
WEFT_TEST_PG="host=$root user=weft dbname=postgres" "$@"
