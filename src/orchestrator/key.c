#include "orchestrator/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void keys_init(struct keys *k)
{
        *k = (struct keys){};
        list_init(&k->finished);
}

static void forget(struct keys *k, struct key *key)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a key is in the table */
        HASH_DEL(k->by_text, key);
        if (!key->running && key->body) {
                list_unlink(&key->link);
                k->n_finished--;
                k->bytes -= key->size;
        }
        free(key->body);
        free(key);
}

void keys_done(struct keys *k)
{
        struct key *key, *next;
        HASH_ITER (hh, k->by_text, key, next) {
                forget(k, key);
        }
}

struct key *keys_find(struct keys *k, const char *text)
{
        struct key *key = NULL;
        HASH_FIND_STR(k->by_text, text, key);
        return key;
}

struct key *keys_add(struct keys *k, const char *text, const uint8_t *fingerprint)
{
        size_t n = strlen(text) + 1;
        struct key *key = calloc(1, sizeof(*key) + n);
        if (!key)
                return NULL;
        memcpy(key->text, text, n);
        memcpy(key->fingerprint, fingerprint, FINGERPRINT_SIZE);
        key->running = true;
        list_init(&key->link);
        list_init(&key->waiting);
        HASH_ADD_STR(k->by_text, text, key);
        return key;
}

static void release(struct list *waiting)
{
        LIST_FOREACH (it, waiting) {
                list_unlink(it);
                struct key_waiter *w = LIST_ENTRY(it, struct key_waiter, link);
                w->go(w);
        }
}

void keys_placed(struct key *key, const char *order_id)
{
        key->placed = true;
        text_copy(key->order_id, sizeof(key->order_id), order_id);
        release(&key->waiting);
}

void keys_doubt(struct key *key)
{
        key->doubtful = true;
        release(&key->waiting);
}

static void end(struct keys *k, struct key *key, const char *order_id, int status, const char *body,
                size_t size)
{
        key->body = body ? malloc(size + 1) : NULL;
        if (!body || !key->body) {
                forget(k, key);
                return;
        }
        memcpy(key->body, body, size);
        key->body[size] = '\0';
        key->size = size;
        key->status = status;
        key->running = key->doubtful = false;
        text_copy(key->order_id, sizeof(key->order_id), order_id);
        list_append(&k->finished, &key->link);
        k->n_finished++;
        k->bytes += size;
        while (k->n_finished > KEYS_FINISHED_MAX || k->bytes > KEYS_FINISHED_BYTES)
                forget(k, LIST_ENTRY(k->finished.next, struct key, link));
}

void keys_end(struct keys *k, struct key *key, const char *order_id, int status, const char *body,
              size_t size)
{
        struct list waiting = LIST_INIT(waiting);
        list_splice(&waiting, &key->waiting);
        end(k, key, order_id, status, body, size);
        release(&waiting);
}

void keys_forget(struct keys *k, const char *order_id)
{
        LIST_FOREACH (it, &k->finished) {
                struct key *key = LIST_ENTRY(it, struct key, link);
                if (strcmp(key->order_id, order_id) == 0)
                        forget(k, key);
        }
}
