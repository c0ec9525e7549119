/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_files -- the files of a phase by name; which stay and which go.   [train] ═▶ RUN */
#include "common/file.h"
#include "stages/train/checkpoint/checkpoint_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *numbered(const struct train *t, const char *head, const char *tail, int64_t steps)
{
    char name[96];
    format_into(name, sizeof name, "%s%s%s%09lld.safetensors", head, t->phase, tail, (long long)steps);
    return path_join(t->stage_options.run, name);
}
char *checkpoint_path(const struct train *t, int64_t steps)
{
    return numbered(t, "checkpoint-", "-", steps);
}
char *best_path(const struct train *t, int64_t steps)
{
    return numbered(t, "", "-best-", steps);
}

/* steps of a file called "PREFIX n .safetensors", or -1 */
int64_t checkpoint_steps(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length))
        return -1;
    char *end;
    int64_t steps = strtoll(name + length, &end, 10);
    return end > name + length && !strcmp(end, ".safetensors") ? steps : -1;
}

/* every checkpoint, or best model, but those of a and b goes */
int checkpoint_sweep(const struct train *t, const char *head, const char *tail, int64_t a, int64_t b, struct error *e)
{
    struct names names;
    char prefix[64];
    format_into(prefix, sizeof prefix, "%s%s%s", head, t->phase, tail);
    if (dir_list(t->stage_options.run, &names, e))
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        int64_t steps = checkpoint_steps(names.name[i], prefix);
        if (steps < 0 || steps == a || steps == b)
            continue;
        char *path = path_join(t->stage_options.run, names.name[i]);
        unlink(path);
        free(path);
    }
    names_free(&names);
    return 0;
}

/* the first line in which two run records differ */
int checkpoint_fail_other(const struct train *t, const char *there, struct error *e)
{
    const char *here = t->settings, *a = there, *b = here;
    while (*a && *b && strcspn(a, "\n") == strcspn(b, "\n") && !strncmp(a, b, strcspn(a, "\n"))) {
        a += strcspn(a, "\n"), a += *a == '\n';
        b += strcspn(b, "\n"), b += *b == '\n';
    }
    return fail_as(
        e, EX_USAGE,
        "'%s' holds a run begun with other settings ('%.*s' there, '%.*s' here): give the same again, another --run, "
        "or --restart to begin anew",
        t->stage_options.run, (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

int checkpoint_clear(const struct train *t, bool everything, struct error *e)
{
    struct names names;
    char unfinished[2][64];
    format_into(unfinished[0], 64, ".checkpoint-%s-", t->phase);
    format_into(unfinished[1], 64, ".%s-", t->phase);
    if (dir_list(t->stage_options.run, &names, e))
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.name[i];
        if (!ends_with(name, ".tmp") ||
            (strncmp(name, unfinished[0], strlen(unfinished[0])) && strncmp(name, unfinished[1], strlen(unfinished[1]))))
            continue;
        char *path = path_join(t->stage_options.run, name);
        unlink(path);
        free(path);
    }
    names_free(&names);
    if (!everything)
        return 0;
    char *done = train_path(t, ".done");
    unlink(done);
    free(done);
    return checkpoint_sweep(t, "checkpoint-", "-", -1, -1, e) || checkpoint_sweep(t, "", "-best-", -1, -1, e) ? -1 : 0;
}
