/* SPDX-License-Identifier: Apache-2.0 */
/* memory -- the device is the host.   kernels/ref */
#include "kernels/ref/ref.h"

#include <stdlib.h>
#include <string.h>

static void *ref_alloc(struct backend *b, size_t bytes)
{
    (void)b;
    return xalloc_aligned(bytes ? bytes : 1, 1);
}

static void ref_release(struct backend *b, void *memory)
{
    (void)b;
    free(memory);
}

static void ref_put(struct backend *b, void *device, const void *host, size_t bytes)
{
    (void)b;
    memcpy(device, host, bytes);
}

static void ref_get(struct backend *b, void *host, const void *device, size_t bytes)
{
    (void)b;
    memcpy(host, device, bytes);
}

static void ref_zero(struct backend *b, void *device, size_t bytes)
{
    (void)b;
    memset(device, 0, bytes);
}

static void ref_sync(struct backend *b)
{
    (void)b;
}

void ref_add_memory(struct backend *b)
{
    b->alloc = ref_alloc;
    b->release = ref_release;
    b->put = ref_put;
    b->get = ref_get;
    b->zero = ref_zero;
    b->sync = ref_sync;
}
