/* SPDX-License-Identifier: Apache-2.0 */
/* place -- where a phase is, as metadata of its checkpoint.   [train] ═▶ checkpoints */
#include "stages/train/checkpoint_own.h"
#include <stdlib.h>

/* the place, field by field: reals in hexadecimal, so that they come back bit for bit */
enum kind { WHOLE, REAL, TRUTH };
#define AT(field) offsetof(struct place, field)
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

void place_write(struct safetensors *s, const struct place *at)
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

int place_read(const struct safetensors *s, struct place *at, struct error *e)
{
    *at = (struct place){0};
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        const char *text = safetensors_get(s, FIELDS[i].key);
        void *value = (char *)at + FIELDS[i].at;
        if (!text)
            return fail(e, "metadata '%s' is missing", FIELDS[i].key);
        switch (FIELDS[i].kind) {
        case WHOLE: *(int64_t *)value = strtoll(text, NULL, 10); break;
        case REAL: *(double *)value = strtod(text, NULL); break;
        case TRUTH: *(bool *)value = text[0] == '1'; break;
        }
    }
    return 0;
}
