/* Files built into the program by assets/embed.sh. Not terminated. */
#pragma once

#include <stddef.h>

extern const unsigned char asset_openapi[];
extern const size_t asset_openapi_size;
extern const unsigned char asset_docs[];
extern const size_t asset_docs_size;
