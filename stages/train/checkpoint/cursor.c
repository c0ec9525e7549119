/* SPDX-License-Identifier: Apache-2.0 */
/* cursor -- where a training run stands, as metadata of its checkpoint.   [train] ═▶ checkpoints */
#include "stages/train/checkpoint/cursor.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* the cursor, field by field: reals in hexadecimal, so that they come back bit for bit */
enum kind { WHOLE, REAL, TRUTH };
#define AT(field) offsetof(struct cursor, field)
static const struct {
    const char *key;
    enum kind kind;
    size_t at;
} FIELDS[] = {
    {"epoch", WHOLE, AT(epoch)},
    {"step", WHOLE, AT(step)},
    {"steps", WHOLE, AT(steps)},
    {"sum_loss", REAL, AT(sum[0])},
    {"sum_first", REAL, AT(sum[1])},
    {"sum_second", REAL, AT(sum[2])},
    {"sum_third", REAL, AT(sum[3])},
    {"count", REAL, AT(count)},
    {"seconds", REAL, AT(seconds)},
    {"best", REAL, AT(stopping.best)},
    {"since_best", WHOLE, AT(stopping.since)},
    {"best_epoch", WHOLE, AT(stopping.best_epoch)},
    {"best_steps", WHOLE, AT(stopping.best_steps)},
    {"any_best", TRUTH, AT(stopping.any)},
    {"history_bytes", WHOLE, AT(history_bytes)},
    {"events_bytes", WHOLE, AT(events_bytes)},
    {"optimiser_steps", WHOLE, AT(optimiser_steps)},
};

void cursor_write(struct safetensors *s, const struct cursor *at)
{
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        const void *value = (const char *)at + FIELDS[i].at;
        char text[64];
        switch (FIELDS[i].kind) {
        case WHOLE: format_into(text, sizeof text, "%lld", (long long)*(const int64_t *)value); break;
        case REAL: format_into(text, sizeof text, "%a", *(const double *)value); break;
        case TRUTH: format_into(text, sizeof text, "%d", *(const bool *)value); break;
        }
        safetensors_set(s, FIELDS[i].key, text);
    }
}

/* A text that is one number from end to end; false: it is not. */
static bool whole_read(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return !errno && end > text && !*end && !isspace((unsigned char)*text);
}

static bool real_read(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end > text && !*end && !isspace((unsigned char)*text);
}

static bool truth_read(const char *text, bool *value)
{
    *value = text[0] == '1';
    return (text[0] == '0' || text[0] == '1') && !text[1];
}

int cursor_read(const struct safetensors *s, struct cursor *at, struct error *e)
{
    *at = (struct cursor){0};
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        const char *text = safetensors_get(s, FIELDS[i].key);
        void *value = (char *)at + FIELDS[i].at;
        bool good = false;
        if (!text)
            return fail(e, "metadata '%s' is missing", FIELDS[i].key);
        switch (FIELDS[i].kind) {
        case WHOLE: good = whole_read(text, value); break;
        case REAL: good = real_read(text, value); break;
        case TRUTH: good = truth_read(text, value); break;
        }
        if (!good)
            return fail(e, "metadata '%s' is '%.40s', which is no number", FIELDS[i].key, text);
    }
    return 0;
}
