/* SPDX-License-Identifier: Apache-2.0 */
/* emulated -- the cuda back end without a GPU: its own sources compiled by g++ and run on the CPU (tests/emu).   tests/unit */
#ifndef PETREL_TESTS_EMULATED_H
#define PETREL_TESTS_EMULATED_H
#include "kernels/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define EMULATED_MISSING "the emulated cuda back end (tests/emu/petrel-cuda.so) is not built: make tests"

/* Where make puts it: build/tests/emu, beside build/tests/unit/NAME. */
static inline const char *emulated_path(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 60);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash : path, "/../emu/petrel-cuda.so");
    return path;
}
/* PETREL_TEST_CUDA=device: the real back end, on a GPU, takes its place (tests/gpu/run.sh). */
static inline bool on_device(void)
{
    const char *which = getenv("PETREL_TEST_CUDA");
    return which && !strcmp(which, "device");
}
static inline bool emulated_is_built(void)
{
    return on_device() || !access(emulated_path(), R_OK);
}

/* NULL and a sentence, as backend_open. */
static inline struct backend *try_emulated(enum precision precision, struct error *e)
{
    setenv("PETREL_CUDA", emulated_path(), 1);
    struct backend *b = backend_open("cuda", 0, precision, e);
    unsetenv("PETREL_CUDA");
    return b;
}

static inline struct backend *open_emulated(enum precision precision)
{
    struct error e = {0};
    struct backend *b = on_device() ? backend_open("cuda", 0, precision, &e) : try_emulated(precision, &e);
    if (!b)
        fail_msg("%s", e.text);
    return b;
}

#endif
