#!/usr/bin/env bash
# A PostgreSQL server for the tests, in a folder of its own:
#
#   tools/postgresql.sh install        install Debian's PostgreSQL if it is not there (as root or with sudo)
#   tools/postgresql.sh start DIR      make a server in DIR if there is none, start it, print its URL
#   tools/postgresql.sh url DIR        print its URL
#   tools/postgresql.sh stop DIR       stop it; its data stays
#   tools/postgresql.sh restart DIR    stop and start it
#   tools/postgresql.sh run COMMAND…   run a command with a server of its own, if PostgreSQL is installed
#
# It listens on 127.0.0.1 alone, asks for a password that is made for it, and gives up durability
# for speed. With its URL in PREFECTX_TEST_POSTGRESQL, the tests that need a server run.
set -euo pipefail
# Where Debian keeps what installs packages, which not every user has on the path.
PATH=$PATH:/usr/sbin:/sbin

die() { echo "postgresql.sh: $*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# PostgreSQL refuses to run as root, so root runs it as the user that its package has made.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

programs() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    [ -n "$found" ] || found=$(dirname "$(command -v pg_ctl)" 2>/dev/null) || true
    [ -x "${found:-}/pg_ctl" ] || return 1
    echo "$found"
}

install() {
    programs >/dev/null && return
    as_root apt-get update -qq
    # Its package would start a server of the machine's own, which nobody here asks for.
    as_root mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

create() {
    local dir=$1
    mkdir -p "$dir"
    # A file that only its owner reads, so that the password stands on no command line.
    (umask 077 && python3 -c 'import secrets; print(secrets.token_hex(16))' >"$dir/password")
    free_port >"$dir/port"
    [ "$(id -u)" != 0 ] || chown -R postgres: "$dir"
    as_owner "$(programs)/initdb" --pgdata="$dir/data" --username=prefectx --pwfile="$dir/password" \
        --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-sync >/dev/null
}

url() {
    [ -e "$1/port" ] || die "there is no server in $1: start it first"
    echo "postgresql+psycopg://prefectx:$(cat "$1/password")@127.0.0.1:$(cat "$1/port")/postgres"
}

start() {
    programs >/dev/null || die "PostgreSQL is not installed: tools/postgresql.sh install"
    [ -e "$1/data/PG_VERSION" ] || create "$1"
    as_owner "$(programs)/pg_ctl" start --pgdata="$1/data" --log="$1/log" --wait --timeout=300 --silent \
        -o "-p $(cat "$1/port") -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" \
        >/dev/null || die "it did not start: $(tail "$1/log")"
    url "$1"
}

stop() {
    as_owner "$(programs)/pg_ctl" stop --pgdata="$1/data" --mode=fast --wait --timeout=300 --silent >/dev/null
}

run() {
    if [ -z "${PREFECTX_TEST_POSTGRESQL:-}" ]; then
        if programs >/dev/null; then
            dir=$(mktemp -d)
            trap 'stop "$dir" && rm -r "$dir"' EXIT
            PREFECTX_TEST_POSTGRESQL=$(start "$dir")
            export PREFECTX_TEST_POSTGRESQL
        else
            echo "postgresql.sh: PostgreSQL is not installed, so its tests are skipped: tools/postgresql.sh install" >&2
        fi
    fi
    "$@"
}

[ $# -ge 1 ] || die "install, start DIR, url DIR, stop DIR, restart DIR or run COMMAND"
command=$1
[ "$command" != run ] || { shift; run "$@"; exit; }
[ "$command" = install ] || [ $# -eq 2 ] || die "$command needs the server's folder"
[ $# -lt 2 ] || dir=$(realpath -m "$2")
case $command in
    install) install ;;
    start) start "$dir" ;;
    url) url "$dir" ;;
    stop) stop "$dir" ;;
    restart) stop "$dir" && start "$dir" ;;
    *) die "unknown command: $command" ;;
esac
