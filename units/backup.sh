#!/bin/sh
# What ordo-backup.service runs: a verified copy of the ledger, then the oldest beyond BACKUP_KEEP go.
# They go only after a new one was verified, so that failing backups never eat the good ones.
set -eu
case $BACKUP_KEEP in
'' | 0* | *[!0-9]*)
    echo "BACKUP_KEEP is how many backups stay, not \"$BACKUP_KEEP\"" >&2
    exit 1
    ;;
esac
ordoctl backup "$BACKUP_DIR/ordo-$(date -u +%Y%m%dT%H%M%SZ).db"
# The names sort by time and have no blanks.
find "$BACKUP_DIR" -maxdepth 1 -type f -name 'ordo-????????T??????Z.db' | sort -r |
    tail -n "+$((BACKUP_KEEP + 1))" | xargs -r rm --
