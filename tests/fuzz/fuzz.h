/* A fuzz target is one file, fuzz_<noun>.c, that defines LLVMFuzzerTestOneInput() and asserts what
 * must hold for every input; its seeds are the files of corpus/<noun>/. It is built twice: always
 * as replay-<noun>, a test that runs the seeds and every beginning of each; and with libFuzzer as
 * fuzz-<noun>, when asked for:
 *
 *   CC=clang meson setup DIR -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
 *   DIR/tests/fuzz/fuzz-<noun> SCRATCH tests/fuzz/corpus/<noun>
 *
 * A crash that a fuzzer finds becomes a seed, named after what it showed. To add a target: its
 * file, its seeds, one line in meson.build. */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
