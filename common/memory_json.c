/* SPDX-License-Identifier: Apache-2.0 */
/* memory_json -- memory for JSON, or death.   common */
#include "common/memory_json.h"
#include "common/base.h"
#include <jansson.h>
#include <stdlib.h>

static void *take(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        die(EX_OSERR, "no memory for %zu bytes of JSON", size);
    return memory;
}

void json_memory_or_die(void)
{
    json_set_alloc_funcs(take, free);
}
