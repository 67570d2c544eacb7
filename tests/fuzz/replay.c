/* Runs each file of the directories given, as it is and cut off after every byte. Prints TAP. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX  (1U << 20)
#define PREFIX_MAX 4096 /* longer seeds are cut only up to there */

/* Each input in a block of its own size, so that a sanitizer sees the first byte too many. */
static void run_copy(const char *input, size_t n)
{
        uint8_t *copy = malloc(n ? n : 1);

        assert(copy);
        memcpy(copy, input, n);
        LLVMFuzzerTestOneInput(copy, n);
        free(copy);
}

static void run_file(const char *path, char *input)
{
        FILE *f = fopen(path, "rb");

        assert(f);
        size_t n = fread(input, 1, INPUT_MAX, f);
        fclose(f);
        run_copy(input, n);
        for (size_t i = 0; i < n && i < PREFIX_MAX; i++)
                run_copy(input, i);
}

int main(int argc, char **argv)
{
        char *input = malloc(INPUT_MAX);
        int tests = 0;

        assert(input);
        for (int i = 1; i < argc; i++) {
                struct dirent **entries;
                int n = scandir(argv[i], &entries, NULL, alphasort);
                for (int k = 0; k < n; k++) {
                        char path[4096];
                        snprintf(path, sizeof(path), "%s/%s", argv[i], entries[k]->d_name);
                        if (entries[k]->d_name[0] != '.') {
                                run_file(path, input);
                                printf("ok %d - %s\n", ++tests, entries[k]->d_name);
                        }
                        free(entries[k]);
                }
                if (n >= 0)
                        free(entries);
        }
        free(input);
        printf("1..%d\n", tests);
        return tests > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
