/* memory -- the device is the host; large blocks in large pages.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *cpu_memory(size_t bytes)
{
    size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : 64, size = (bytes / page + 1) * page;
    void *memory = aligned_alloc(page, size);
    if (!memory)
        die(EX_OSERR, "out of memory: cannot have %zu MiB more", size >> 20);
    if (page == HUGE_PAGE)
        madvise(memory, size, MADV_HUGEPAGE); /* a wish; without it there are only more pages */
    memset(memory, 0, size);
    return memory;
}

static void *cpu_alloc(struct backend *b, size_t bytes)
{
    (void)b;
    return cpu_memory(bytes);
}

static void cpu_release(struct backend *b, void *memory)
{
    (void)b;
    free(memory);
}

static void cpu_put(struct backend *b, void *device, const void *host, size_t bytes)
{
    (void)b;
    memcpy(device, host, bytes);
}

static void cpu_get(struct backend *b, void *host, const void *device, size_t bytes)
{
    (void)b;
    memcpy(host, device, bytes);
}

static void cpu_zero(struct backend *b, void *device, size_t bytes)
{
    const size_t piece = 1 << 18;
    char *at = device;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (bytes > piece)
    for (size_t i = 0; i < bytes; i += piece)
        memset(at + i, 0, bytes - i < piece ? bytes - i : piece);
}

static void cpu_sync(struct backend *b)
{
    (void)b;
}

void cpu_add_memory(struct backend *b)
{
    b->alloc = cpu_alloc;
    b->release = cpu_release;
    b->put = cpu_put;
    b->get = cpu_get;
    b->zero = cpu_zero;
    b->sync = cpu_sync;
}
