/* What the broker sends the browser back with, read from the address by the broker's table. Whoever
 * calls the address may have made it up: nothing of it is trusted before `state` was compared, and
 * the rest is only ever handed to the broker. */
#pragma once

#include "broker/broker.h"

/* The value of one of `keys` (NULL-terminated) in the query of `url`, decoded; a plus sign stays
 * one, because codes contain it and no blanks. 0; -ENOENT: there is none, or it is empty; -EINVAL:
 * more than one, or not decodable; -ENOMEM. */
int callback_find(const char *url, const char *const *keys, struct secret **ret);

/* What may be a broker's code: visible characters of ASCII, at least one. */
bool callback_code_good(const struct secret *code);

/* 0: `*ret_code` is the code. -EACCES: not the `state` of this login (compared in constant time,
 * where the broker carries one); -ECANCELED: the broker says that it did not go well, `message` has
 * its words; -ENOENT: without a good code, or with two; -ENOMEM. `state`: of the login. */
int callback_read(const struct broker_callback *b, const char *url, const struct secret *state,
                  char message[static MESSAGE_SIZE], struct secret **ret_code);
