/* SPDX-License-Identifier: Apache-2.0 */
/* listing -- the names of a folder, found whatever their case.   find_image, find_ct -> [listing]
 *
 * The last folder's names are kept: whoever looks for what lies beside a thousand scans lists their folder once. */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct {
    char *dir;
    struct names in; /* sorted by bytes */
    char **folded;   /* the same names, sorted without regard to case */
} last;

static int by_fold(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    int order = strcasecmp(a, b);
    return order ? order : strcmp(a, b);
}

void listing_forget(void)
{
    free(last.dir);
    free(last.folded);
    names_free(&last.in);
    last.dir = NULL;
    last.folded = NULL;
}

const struct names *listing_of(const char *dir)
{
    if (last.dir && strcmp(last.dir, dir) == 0)
        return &last.in;
    listing_forget();
    last.dir = xstrdup(dir);
    if (dir_list(dir, &last.in, NULL) < 0)
        last.in = (struct names){0};
    last.folded = xalloc(last.in.count + 1, sizeof *last.folded);
    for (size_t i = 0; i < last.in.count; i++)
        last.folded[i] = last.in.name[i];
    qsort(last.folded, last.in.count, sizeof *last.folded, by_fold);
    return &last.in;
}

char *listing_find(const char *dir, const char *name)
{
    (void)listing_of(dir);
    size_t low = 0, high = last.in.count;
    while (low < high) {
        size_t const middle = low + (high - low) / 2;
        if (strcasecmp(last.folded[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const char *found = NULL;
    for (; low < last.in.count && strcasecmp(last.folded[low], name) == 0; low++)
        if (!found || strcmp(last.folded[low], name) == 0)
            found = last.folded[low];
    char *path = found ? path_join(dir, found) : NULL;
    if (path && !file_exists(path)) {
        free(path);
        path = NULL;
    }
    return path;
}
