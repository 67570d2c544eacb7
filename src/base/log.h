/* Structured records: fields plus one English sentence. log_record() formats into a bounded queue
 * and returns; the log thread does the rest, because sd_journal_sendv() can block (models §5.5). A
 * full queue drops the record and counts it; the next record that gets through carries the count.
 *
 * Where records go: `journal` sd_journal_sendv; `json` one object a line on stdout; `text` readable
 * lines on stderr, coloured on a terminal only; `auto` journal when stderr is the journal
 * ($JOURNAL_STREAM), text on a terminal, json otherwise.
 *
 * Only orchestrator, http, service and the programs log; libraries below return errors. Never pass
 * a secret. Every thread may call log_record(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

enum log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_JSON, LOG_TARGET_TEXT };

struct log_field {
        const char *key;   /* "ORDO_ACCOUNT"; JSON prints it without the prefix, in lower case */
        const char *value; /* NULL: the field is left out */
};

#define LOG_QUEUE_MAX  4096 /* records waiting for the log thread */
#define LOG_FIELDS_MAX 16
#define LOG_RECORD_MAX 4096 /* bytes of one record; longer values are cut */

/* Starts the log thread. Before it (and after log_stop()) records are written at once. -EALREADY;
 * -EBUSY after a log_stop() that had to give up; -ENOENT when the journal is asked for and there is
 * none. */
int log_start(enum log_target target, int max_level, const char *identifier);
/* Drains, bounded to one second; what a blocked target did not take by then counts as dropped. */
void log_stop(void);
void log_set_level(int max_level);
/* Every record says from now on which of several daemons wrote it. Once, before other threads log.
 */
void log_set_instance(const char *id);
enum log_target log_target(void);
uint64_t log_dropped(void);
int log_level_from_string(const char *s); /* "debug" … "err"; -EINVAL */

/* `message_id`: 32 hex digits or NULL. `fields`: `n` of them. */
void log_record_at(const char *file, int line, const char *func, int level, const char *message_id,
                   const struct log_field *fields, unsigned n, const char *format, ...)
        __attribute__((format(printf, 8, 9)));

bool log_enabled(int level);

#define LOG_FIELDS(...)                          \
        (const struct log_field[]){__VA_ARGS__}, \
                sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

/* log_event(LOG_NOTICE, EVENT_STARTED, LOG_FIELDS({"ORDO_VERSION", v}), "ordod %s is ready", v) */
#define log_event(level, id, ...)                                                                \
        do {                                                                                     \
                if (log_enabled(level))                                                          \
                        log_record_at(__FILE__, __LINE__, __func__, (level), (id), __VA_ARGS__); \
        } while (0)
#define log_error(...)   log_event(LOG_ERR, NULL, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, NULL, NULL, 0, __VA_ARGS__)
#define log_notice(...)  log_event(LOG_NOTICE, NULL, NULL, 0, __VA_ARGS__)
#define log_info(...)    log_event(LOG_INFO, NULL, NULL, 0, __VA_ARGS__)
#define log_debug(...)   log_event(LOG_DEBUG, NULL, NULL, 0, __VA_ARGS__)
