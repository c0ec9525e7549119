/* SPDX-License-Identifier: Apache-2.0 */
/* tuned -- see tuned.h.   kernels/cuda
 *
 *     petrel tuned 1
 *     KEY
 *     VALUE
 *     sum 16 hexadecimal digits of the two lines above (FNV-1a) */
#include "kernels/cuda/tuned.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char first_line[] = "petrel tuned 1";

static uint64_t fnv(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}
static const uint64_t fnv_start = UINT64_C(14695981039346656037);

static void warn(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s '%s'%s%s\n", program_name(), what, path, errno ? ": " : "", errno ? strerror(errno) : "");
}

/* false: nowhere to keep it */
static bool path_of(char *path, size_t size, const char *key, bool make)
{
    const char *named = getenv("PETREL_TUNED"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char directory[3000];
    if (named && *named)
        format_into(directory, sizeof directory, "%s", named);
    else if (cache && *cache)
        format_into(directory, sizeof directory, "%s/petrel/tuned", cache);
    else if (home && *home)
        format_into(directory, sizeof directory, "%s/.cache/petrel/tuned", home);
    else
        return false;
    for (char *slash = directory + 1; make && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        (void)mkdir(directory, 0777); /* what is wrong with it shows when the file is opened */
    }
    if (make)
        (void)mkdir(directory, 0777);
    format_into(path, size, "%s/%016" PRIx64, directory, fnv(fnv_start, key));
    return true;
}

bool tuned_get(const char *key, char value[TUNED_MOST])
{
    char path[3100], line[4][TUNED_MOST + 1] = {{0}};
    if (!path_of(path, sizeof path, key, false))
        return false;
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    int lines = 0;
    for (; lines < 4 && fgets(line[lines], sizeof line[0], f); lines++) {
        char *end = strchr(line[lines], '\n');
        if (!end)
            break;
        *end = '\0';
    }
    fclose(f);
    char sum[40];
    format_into(sum, sizeof sum, "sum %016" PRIx64, fnv(fnv(fnv(fnv_start, line[1]), "\n"), line[2]));
    if (lines != 4 || strcmp(line[0], first_line) || strcmp(line[3], sum)) {
        errno = 0;
        warn("ignoring a damaged measurement, which will be made again:", path);
        return false;
    }
    if (strcmp(line[1], key)) /* another key of the same hash */
        return false;
    format_into(value, TUNED_MOST, "%s", line[2]);
    return true;
}

void tuned_put(const char *key, const char *value)
{
    char path[3100], fresh[3140];
    if (!path_of(path, sizeof path, key, true))
        return;
    format_into(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    errno = 0;
    FILE *f = fopen(fresh, "w");
    if (!f) {
        warn("cannot keep a measurement in", fresh);
        return;
    }
    fprintf(f, "%s\n%s\n%s\nsum %016" PRIx64 "\n", first_line, key, value, fnv(fnv(fnv(fnv_start, key), "\n"), value));
    bool bad = fflush(f) != 0 || fsync(fileno(f)) != 0;
    bad |= fclose(f) != 0;
    if (bad || rename(fresh, path) != 0) {
        warn("cannot keep a measurement in", fresh);
        (void)unlink(fresh);
    }
}
