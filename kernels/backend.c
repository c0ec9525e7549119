/* SPDX-License-Identifier: Apache-2.0 */
/* backend -- find the back end a name stands for.   kernels */
#include "kernels/backend.h"
#include "kernels/cpu/cpu.h"
#include "kernels/object.h"
#include "kernels/ref/ref.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The CUDA part is a shared object that exports petrel_cuda_open. */
static struct backend *cuda_open(int threads, enum precision precision, struct error *e)
{
    static const char driver[] = "libcuda.so.1", variable[] = "PETREL_CUDA";
    const char *named = getenv(variable);
    /* who names an object knows it: it says itself what it misses (the tests' needs no driver) */
    if (!(named && *named) && !dlopen(driver, RTLD_NOW | RTLD_LOCAL)) {
        fail_as(e, EX_UNAVAILABLE,
                "no usable GPU: the driver's library '%s' cannot be opened (%s); install NVIDIA's driver, or "
                "use --backend cpu",
                driver, dlerror());
        return NULL;
    }
    char tried[900];
    void *symbol = object_symbol("petrel-cuda.so", variable, "petrel_cuda_open", tried);
    struct backend *(*open)(int threads, enum precision precision, struct error *e);
    memcpy(&open, &symbol, sizeof open); /* C has no cast from an object's address to a function's */
    if (open)
        return open(threads, precision, e);
    fail_as(e, EX_UNAVAILABLE, "no CUDA part: %s; build it (make CUDA=1), name it in %s, or use --backend cpu", tried,
            variable);
    return NULL;
}

static const struct {
    const char *name;
    struct backend *(*open)(int threads, enum precision precision, struct error *e);
} backends[] = {{"cpu", cpu_open}, {"cuda", cuda_open}, {"ref", ref_open}};

struct backend *backend_open(const char *name, int threads, enum precision precision, struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(backends); i++)
        if (strcmp(name, backends[i].name) == 0)
            return backends[i].open(threads, precision, e);
    fail_as(e, EX_USAGE, "no back end is called '%s'; there are 'cpu', 'cuda' and 'ref'", name);
    return NULL;
}

void backend_close(struct backend **b)
{
    if (*b)
        (*b)->close(*b);
    *b = NULL;
}

void backend_step_plain(struct backend *b, void **recorded, void (*body)(void *context), void *context)
{
    (void)b, (void)recorded;
    body(context);
}

void backend_forget_plain(struct backend *b, void **recorded)
{
    (void)b, (void)recorded;
}
