/* Copying the WAL back into the database, so that it can start again from its beginning.
 *
 * Under load a thread with a connection of its own copies what is there once the WAL is long, while
 * the store thread goes on writing; that much more is copied in further passes, until what is left
 * is short. The store thread then copies the rest between two groups, which makes everything copied
 * for a moment: the next write starts the WAL again. When the store is idle it copies by itself.
 *
 *   quiet ─► the WAL is long ─► copying (thread) ─► copied ─► the rest (store thread) ─► quiet
 *
 * Failing is no matter: the pages stay in the WAL, and the next time tries again. */
#include "store/sqlite.h"

#include "base/clock.h"

/* In pages of 4 KiB. */
#define PAGES_IDLE 256   /* from here on when nobody waits */
#define PAGES_LONG 4096  /* 16 MiB: from here on under load */
#define PAGES_REST 256   /* what the store thread does by itself */
#define PAGES_MAX  16384 /* 64 MiB: from here on the orders wait for the thread */
#define PASSES_MAX 4

/* A pass that stops short leaves the sync to the one that reaches the end, for which the orders
 * would wait. */
static void sync_database(sqlite3 *db)
{
        sqlite3_file *file = NULL;
        if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
            file->pMethods)
                file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* Closed again after its work: when the disk has failed no connection may keep the old index of the
 * WAL alive (sqlite.c), so sqlite_disconnect() waits for this one. */
static void *copy_main(void *userdata)
{
        struct sqlite *s = userdata;
        _cleanup_(sqlite_closep) sqlite3 *db = NULL;
        int pages = 0, copied = 0;
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

        int rc = sqlite3_open_v2(s->path, &db, flags, SQLITE_VFS_NAME);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(db, "PRAGMA synchronous=FULL;PRAGMA cache_size=-64;", NULL, NULL,
                                  NULL);
        for (int i = 0; i < PASSES_MAX && rc == SQLITE_OK; i++) {
                rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
                                               &copied);
                if (pages - copied <= PAGES_REST)
                        break;
        }
        if (rc == SQLITE_OK)
                sync_database(db);
        atomic_store(&s->wal.copied, true);
        return NULL;
}

static void copy_here(struct sqlite *s)
{
        int pages = 0, copied = 0;

        int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
        bool whole = rc == SQLITE_OK && pages == copied;
        s->wal.next = whole ? 0 : s->wal.pages + PAGES_LONG;
        if (whole)
                s->wal.pages = 0;
}

static void start_copying(struct sqlite *s)
{
        pthread_attr_t attr;

        if (pthread_attr_init(&attr) != 0)
                return;
        pthread_attr_setstacksize(&attr, STORE_THREAD_STACK);
        atomic_store(&s->wal.copied, false);
        s->wal.copying = pthread_create(&s->wal.thread, &attr, copy_main, s) == 0;
        pthread_attr_destroy(&attr);
        if (!s->wal.copying)
                copy_here(s);
}

void sqlite_wal_wait(struct sqlite *s)
{
        if (s->wal.copying)
                pthread_join(s->wal.thread, NULL);
        s->wal.copying = false;
}

void sqlite_wal_tend(struct sqlite *s)
{
        bool copied = s->wal.copying && atomic_load(&s->wal.copied);
        if (copied || (s->wal.copying && s->wal.pages >= PAGES_MAX)) {
                sqlite_wal_wait(s);
                copy_here(s);
        } else if (!s->wal.copying && s->wal.pages >= PAGES_LONG && s->wal.pages >= s->wal.next) {
                start_copying(s);
        }
}

void sqlite_wal_idle(struct sqlite *s)
{
        if (s->wal.copying || s->wal.pages >= PAGES_IDLE) {
                sqlite_wal_wait(s);
                copy_here(s);
        }
}

static int on_wal(void *userdata, sqlite3 *db, const char *name, int pages)
{
        struct sqlite *s = userdata;
        s->wal.pages = pages;
        return SQLITE_OK;
}

void sqlite_wal_watch(struct sqlite *s)
{
        s->wal.pages = s->wal.next = 0;
        sqlite3_wal_hook(s->db, on_wal, s);
}
