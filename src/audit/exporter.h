/* The exporter's own struct, shared by export.c (writing) and keep.c (compressing, deleting). */
#pragma once

#include "audit/segment.h"
#include "domain/audit_chain.h"

struct audit {
        int dir_fd;
        int64_t segment_bytes;
        /* the file that is written; fd -1: none */
        int fd;
        struct audit_segment segment;
        int64_t durable_bytes;              /* of the file */
        int64_t durable_seq;                /* of everything */
        uint8_t last_hash[AUDIT_HASH_SIZE]; /* of the last record when it was opened */
        /* beyond what is durable */
        int64_t written_bytes;
        int64_t seq;
        struct text pending; /* not yet written */
};
