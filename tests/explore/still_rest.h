#pragma once

/* Ids are counted anew. */
void still_rest_begin(void);
