/* A look at the raw bytes of a request's head. h2o takes the first of several Host or
 * Content-Length headers, lets Transfer-Encoding win over Content-Length, and shows a handler none
 * of them (models §6.3): the material of request smuggling. So they are counted here. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct head {
        unsigned hosts, content_lengths, transfer_encodings;
        bool folded; /* a header continued on the next line (obs-fold) */
        bool bare;   /* a line that ends in LF alone */
};

/* `raw` begins with the request line (an empty line may stand before it) and holds a complete head.
 */
void head_scan(const char *raw, size_t n, struct head *ret);
/* What is wrong, as the detail of a problem; NULL: nothing. `minor`: of HTTP/1.x. */
const char *head_fault(const struct head *h, unsigned minor);

/* "8e03978e-…", 1 … 64 of A-Za-z0-9._- */
bool correlation_id_valid(const char *s, size_t n);
/* Bare or in double quotes, 1 … 255 visible ASCII characters; copies what is inside. 0 or -EINVAL.
 */
int idempotency_key_parse(const char *s, size_t n, char *buf, size_t size);
/* application/json, at most with the parameter charset=utf-8. */
bool content_type_json(const char *s, size_t n);
