/* What must hold. A rule that is broken is kept with its words; the run ends there. */
#pragma once

#include "scene.h"

void judge_begin(void);
/* False: a rule was broken. */
bool judge_content(void);
const char *judge_words(void);
void judge_break(const char *format, ...) __attribute__((format(printf, 1, 2)));

void judge_departure(const struct street_order *order, enum broker_op op);
/* What a client of a key was told. */
void judge_answer(struct asked *q);
void judge_step(void);
/* After scene_close(). */
void judge_end(bool closed);
