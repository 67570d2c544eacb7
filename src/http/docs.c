#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "http/assets.h"
#include "http/server.h"

#define HASH_TEXT_SIZE 48

/* base64 of SHA-256 over what stands between two tags of the page. "" when they are not there. */
static const char *hash_between(const char *open, const char *close,
                                char buf[static HASH_TEXT_SIZE])
{
        const unsigned char *page = asset_docs, *end = asset_docs + asset_docs_size;
        uint8_t hash[crypto_hash_sha256_BYTES];

        buf[0] = '\0';
        const unsigned char *from = memmem(page, asset_docs_size, open, strlen(open));
        if (!from)
                return buf;
        from += strlen(open);
        const unsigned char *to = memmem(from, (size_t)(end - from), close, strlen(close));
        if (!to)
                return buf;
        crypto_hash_sha256(hash, from, (size_t)(to - from));
        sodium_bin2base64(buf, HASH_TEXT_SIZE, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
        return buf;
}

void docs_policy(char *buf, size_t size)
{
        char style[HASH_TEXT_SIZE], script[HASH_TEXT_SIZE];

        snprintf(buf, size,
                 "default-src 'none'; connect-src 'self'; style-src 'sha256-%s'; script-src "
                 "'sha256-%s'; "
                 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                 hash_between("<style>", "</style>", style),
                 hash_between("<script>", "</script>", script));
}
