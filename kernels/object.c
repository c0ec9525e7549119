/* SPDX-License-Identifier: Apache-2.0 */
/* object -- parts that are opened at run time.   kernels */
#include "kernels/object.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void *object_symbol(const char *file, const char *variable, const char *symbol, char tried[900])
{
    char directory[4096], path[3][4200];
    program_directory(directory, sizeof directory);
    const char *named = getenv(variable);
    int places = 0;
    if (named && *named) {
        format_into(path[places++], sizeof path[0], "%s", named);
    } else {
        format_into(path[places++], sizeof path[0], "%s/%s", directory, file);
        format_into(path[places++], sizeof path[0], "%s/../lib/%s", directory, file);
        format_into(path[places++], sizeof path[0], "%s/%s/%s", directory, PETREL_PARTS, file);
    }
    *tried = '\0';
    for (int i = 0; i < places; i++) {
        void *object = dlopen(path[i], RTLD_NOW | RTLD_LOCAL), *found = object ? dlsym(object, symbol) : NULL;
        if (found)
            return found;
        size_t used = strlen(tried);
        if (object)
            snprintf(tried + used, 900 - used, "'%s' has no '%s': it is another program's, or another version's",
                     path[i], symbol);
        else
            snprintf(tried + used, 900 - used, "%s%s", i ? "; " : "", dlerror());
        if (object)
            break;
    }
    return NULL;
}
