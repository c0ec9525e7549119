/* emulated -- the cuda back end without a GPU: its own sources compiled by g++ and run on the CPU (tests/emu).   tests/unit
 *
 * Include after cmocka.h. */
#ifndef PETREL_TESTS_EMULATED_H
#define PETREL_TESTS_EMULATED_H
#include "kernels/backend.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL and a sentence as backend_open, or where make has not put it. */
static inline struct backend *try_emulated(enum precision precision, struct error *e)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 60);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/'); /* build/tests/unit/NAME */
    strcpy(slash ? slash : path, "/../emu/petrel-cuda.so");
    setenv("PETREL_CUDA", path, 1);
    struct backend *b = backend_open("cuda", 0, precision, e);
    unsetenv("PETREL_CUDA");
    return b;
}

static inline struct backend *open_emulated(enum precision precision)
{
    struct error e = {0};
    struct backend *b = try_emulated(precision, &e);
    if (!b)
        fail_msg("%s", e.text);
    return b;
}

#endif
