/* Which URLs may be called: https anywhere, http within this machine. */
#pragma once

#include <curl/curl.h>

#include "base/text.h"

/* 0: `*ret` is owned by the caller (curl_url_cleanup); -EINVAL; -ENOMEM. */
int curl_url_check(const char *url, CURLU **ret);
/* `url` as it is, or behind `base` when it begins with '/'. `buffer` is scratch. */
int curl_url_of_call(const char *base, const struct text *url, struct text *buffer, CURLU **ret);
