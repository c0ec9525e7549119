/* SPDX-License-Identifier: Apache-2.0 */
/* memory -- the device is the host; large blocks in large pages.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* Before what we give lies how it was had. */
struct had {
    void *from;
    size_t mapped; /* 0: from is aligned_alloc's */
};
enum { BEFORE = 64 };

/* Large blocks are fresh pages of the kernel's, zero already: what is never touched takes no memory. */
static char *map(size_t size, struct had *h)
{
    h->mapped = size + 2 * HUGE_PAGE;
    h->from = mmap(NULL, h->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (h->from == MAP_FAILED)
        return NULL;
    char *at = (char *)(((uintptr_t)h->from + BEFORE + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    madvise(at, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* a wish; without it there are only more pages */
    return at;
}

void *cpu_memory(size_t bytes)
{
    struct had h = {0};
    char *at;
    if (bytes >= HUGE_PAGE) {
        at = map(bytes, &h);
    } else {
        size_t size = (bytes / BEFORE + 2) * BEFORE;
        h.from = aligned_alloc(BEFORE, size);
        at = h.from ? (char *)h.from + BEFORE : NULL;
        if (at)
            memset(at, 0, size - BEFORE);
    }
    if (!at)
        die(EX_OSERR, "out of memory: cannot have %zu MiB more", bytes >> 20);
    memcpy(at - sizeof h, &h, sizeof h);
    return at;
}

void cpu_free(void *memory)
{
    struct had h;
    if (!memory)
        return;
    memcpy(&h, (char *)memory - sizeof h, sizeof h);
    if (h.mapped)
        munmap(h.from, h.mapped);
    else
        free(h.from);
}

static void *cpu_alloc(struct backend *b, size_t bytes)
{
    (void)b;
    return cpu_memory(bytes);
}

static void cpu_release(struct backend *b, void *memory)
{
    (void)b;
    cpu_free(memory);
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
