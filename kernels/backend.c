/* backend -- find the back end a name stands for.   kernels */
#include "kernels/backend.h"
#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char cuda_file[] = "petrel-cuda.so", driver_file[] = "libcuda.so.1";

/* Where the program lies, without the last '/'. */
static void program_directory(char *to, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", to, size - 1);
    to[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(to, '/');
    if (slash)
        *slash = '\0';
    else
        format_into(to, size, ".");
}

/* The CUDA part is a shared object that exports petrel_cuda_open, so that one program runs with and without a GPU. */
static struct backend *cuda_open(int threads, enum precision precision, struct error *e)
{
    char directory[4096], path[3][4200];
    program_directory(directory, sizeof directory);
    const char *named = getenv("PETREL_CUDA");
    int places = 0;
    if (named && *named) { /* who names one knows it: it says itself what it misses (the tests' needs no driver) */
        format_into(path[places++], sizeof path[0], "%s", named);
    } else {
        format_into(path[places++], sizeof path[0], "%s/%s", directory, cuda_file);
        format_into(path[places++], sizeof path[0], "%s/../lib/%s", directory, cuda_file);
    }

    if (!(named && *named) && !dlopen(driver_file, RTLD_NOW | RTLD_LOCAL)) {
        fail_as(e, EX_UNAVAILABLE, "no usable GPU: the driver's library '%s' cannot be opened (%s); install NVIDIA's driver, or "
                "use --backend cpu", driver_file, dlerror());
        return NULL;
    }
    char tried[900] = "";
    for (int i = 0; i < places; i++) {
        void *object = dlopen(path[i], RTLD_NOW | RTLD_LOCAL);
        if (!object) {
            size_t used = strlen(tried);
            snprintf(tried + used, sizeof tried - used, "%s%s", i ? "; " : "", dlerror());
            continue;
        }
        struct backend *(*open)(int threads, enum precision precision, struct error *e);
        void *symbol = dlsym(object, "petrel_cuda_open");
        memcpy(&open, &symbol, sizeof open); /* C has no cast from an object's address to a function's */
        if (open)
            return open(threads, precision, e);
        fail_as(e, EX_UNAVAILABLE, "'%s' is not Petrel's CUDA part: it has no 'petrel_cuda_open'; build it again (make CUDA=1)", path[i]);
        return NULL;
    }
    fail_as(e, EX_UNAVAILABLE, "no CUDA part: %s; build it (make CUDA=1), name it in PETREL_CUDA, or use --backend cpu", tried);
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

void backend_step_plain(struct backend *b, void **record, void (*body)(void *context), void *context)
{
    (void)b, (void)record;
    body(context);
}

void backend_forget_plain(struct backend *b, void **record)
{
    (void)b, (void)record;
}
