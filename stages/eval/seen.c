/* SPDX-License-Identifier: Apache-2.0 */
/* seen -- has the model seen the patients it is asked about?   model, cache -> [seen] -> report, page, table */
#include "stages/eval/seen.h"
#include "stages/model_patients.h"
#include <stdlib.h>
#include <string.h>

void seen_make(struct seen *s, const struct cache *c, const bool *looked_at, const struct model *m)
{
    *s = (struct seen){.known = m->patients[0] != NULL};
    for (size_t i = 0; i < c->shard_count; i++) {
        const char *patient = c->shard[i].patient;
        bool before = false; /* another scan of the same patient */
        for (size_t k = 0; k < i && !before; k++)
            before = looked_at[k] && strcmp(c->shard[k].patient, patient) == 0;
        if (!looked_at[i] || before)
            continue;
        bool learned = model_patients_has(m->patients[0], patient);
        s->patients++;
        s->learned += learned;
        s->chosen += !learned && model_patients_has(m->patients[1], patient);
    }
}

size_t seen_twins(const struct cache *c, const struct facts *f, const bool *looked_at)
{
    size_t twins = 0;
    for (size_t i = 0; i < c->shard_count; i++) {
        bool twin = false;
        for (size_t k = 0; looked_at[i] && k < c->shard_count && !twin; k++)
            twin = !looked_at[k] && c->shard[k].split != c->shard[i].split &&
                   (c->shard[k].split == SPLIT_TRAIN || c->shard[k].split == SPLIT_VALIDATION) &&
                   *f->scan[i].sha256 != '\0' && strcmp(f->scan[i].sha256, f->scan[k].sha256) == 0;
        twins += twin;
    }
    return twins;
}

static char *of_patients(const struct seen *s, const char *name, const char *split)
{
    if (!s->known)
        return xprintf(
            "The model '%s' does not say which patients it learned from: those of the %s split may be among them.",
            name, split);
    if (s->learned == 0 && s->chosen == 0)
        return xstrdup("");
    char learned[64] = "", chosen[96] = "";
    if (s->learned > 0)
        format_into(learned, sizeof learned, " learned from %zu", s->learned);
    if (s->chosen > 0)
        format_into(chosen, sizeof chosen, "%s was chosen by %zu (validation)", s->learned ? " and" : "", s->chosen);
    return xprintf("NOT UNSEEN PATIENTS: of the %zu patients of the %s split, the model '%s'%s%s: what follows says "
                   "nothing of patients "
                   "it has not seen.",
                   s->patients, split, name, learned, chosen);
}

char *seen_sentence(const struct seen *s, const char *name, const char *split)
{
    char *patients = of_patients(s, name, split);
    if (s->twins == 0)
        return patients;
    char *all =
        xprintf("THE SAME SCANS UNDER TWO NAMES: %zu of the %s split have the very bytes of scans of training or "
                "validation patients: what follows says too much of the model '%s'.%s%s",
                s->twins, split, name, *patients != '\0' ? " " : "", patients);
    free(patients);
    return all;
}
