/* Small files, whole. Every function survives interruptions and returns 0 or a negative errno. */
#pragma once

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Appends everything that is left in `fd`; -E2BIG past `ret->max`. */
int file_read(int fd, struct text *ret);
/* The same with at most `size` bytes into a buffer of the caller (for secrets: nothing is left in
 * the heap). Returns how many there were; `size` may mean that there are more. */
ssize_t file_read_bytes(int fd, void *buf, size_t size);
int file_write(int fd, const void *data, size_t n);
/* The directory that holds `path`: a new name is durable only with it. */
int file_sync_directory(const char *path);
/* Puts a file of mode 0600 with this content in the place of `path`: after a crash there is the old
 * or the new one, whole. */
int file_replace(const char *path, const void *data, size_t n);
