#!/bin/sh
# At the first start a cluster with a database and a role "ordo", which its operating system's user enters without a
# password ("peer"); then the server.
set -eu
data=/var/lib/postgresql/data
PATH=/usr/lib/postgresql/15/bin:$PATH

if [ ! -s "$data/complete" ]; then
    # What an interrupted first start left is no cluster.
    find "$data" -mindepth 1 -delete
    initdb -D "$data" --auth=peer --encoding=UTF8 --locale=C.UTF-8 --data-checksums >&2
    printf '%s\n' 'CREATE ROLE ordo LOGIN;' 'CREATE DATABASE ordo OWNER ordo;' |
        postgres --single -D "$data" postgres >&2
    echo yes >"$data/complete"
fi
exec postgres -D "$data" -c listen_addresses= -c unix_socket_directories=/run/ordo-postgres
