#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/callback.h"

/* What the browser brings: whoever can reach Ordo may send anything. A code comes out only with the
 * state of the login where there is one, and is visible characters; so are the broker's words. */

#define STATE "5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"

static const char *const code_keys[] = {"auth_code", "request_token", NULL};
static const struct broker_callback with_state = {code_keys, "state", "s", "ok", "message"};
static const struct broker_callback plain = {code_keys, NULL, NULL, NULL, NULL};

static int read_one(const struct broker_callback *b, const char *url, const struct secret *state)
{
        char message[MESSAGE_SIZE];
        struct secret *code = NULL;
        int r = callback_read(b, url, state, message, &code);

        assert(r == 0 || r == -EACCES || r == -ECANCELED || r == -ENOENT);
        assert((r == 0) == (code != NULL));
        assert(strnlen(message, sizeof(message)) < sizeof(message));
        for (const char *c = message; *c; c++)
                assert(*c >= ' ' && *c <= '~');
        if (code)
                assert(callback_code_good(code) && secret_size(code) <= strlen(url));
        secret_free(code);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct secret *state = secret_new(STATE, strlen(STATE));
        struct secret *other = secret_new("0", 1);
        char *url = malloc(size + 1);

        assert(state && other && url);
        memcpy(url, data, size);
        url[size] = '\0';
        int r = read_one(&with_state, url, state);
        if (r == 0 || r == -ECANCELED)
                assert(strstr(url, "state="));
        /* The same address is nobody else's. */
        if (r == 0)
                assert(read_one(&with_state, url, other) == -EACCES &&
                       read_one(&plain, url, NULL) == 0);
        (void)read_one(&plain, url, NULL);
        free(url);
        secret_free(state);
        secret_free(other);
        return 0;
}
