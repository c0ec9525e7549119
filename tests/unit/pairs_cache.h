/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_cache -- a small cache on disk, split by patient, for tests of what reads it.   tests */
#ifndef PETREL_TESTS_PAIRS_CACHE_H
#define PETREL_TESTS_PAIRS_CACHE_H
#include "common/rng.h"
#include "proto/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { PAIRS_PATIENTS = 16, PAIRS_EACH = 12, PAIRS_TUMOURS = 3 };

/* One scan a patient; region r of a scan is a tumour for r < PAIRS_TUMOURS; every number follows from scan and region. A second
 * channel is 100 times the first, less 150. */
static inline void pairs_cache_make_of(const char *dir, int channels)
{
    struct cache c;
    struct error e = {0};
    if (cache_writer_open(&c, dir, &e))
        fail_msg("%s", e.text);
    for (int n = 0; n < PAIRS_PATIENTS; n++) {
        struct rng rng = rng_make(5, RNG_TEST, (uint64_t)n);
        struct regions_message m = {.count = PAIRS_EACH, .channels = channels};
        scan_facts_init(&m.facts);
        format_into(m.facts.patient, sizeof m.facts.patient, "p%03d", n);
        format_into(m.facts.study, sizeof m.facts.study, "study%d", n);
        format_into(m.facts.scan, sizeof m.facts.scan, "0");
        m.facts.volume_mean = 0.25;
        m.facts.volume_sd = 2;
        m.facts.ct_mean = -800;
        m.facts.ct_sd = 350;
        m.facts.simulated = 1;
        grid_set(&m.grid, (const int64_t[3]){2, 3, 4}, (const double[3]){3, 2, 2}, (const double[3]){0, 0, 0});
        m.turned = (struct turn){{0, 1, 2}, {0, 0, 0}};
        m.region = xalloc(PAIRS_EACH, sizeof *m.region);
        m.box = xalloc((size_t)(PAIRS_EACH * channels * BOX_VOXELS), sizeof *m.box);
        for (int r = 0; r < PAIRS_EACH; r++) {
            m.region[r] =
                (struct region){.component = r + 1, .label = r < PAIRS_TUMOURS, .voxels = 3, .ml = 0.036, .overlap = 1};
            for (int form = 0; form < POSITION_FORMS; form++)
                for (int k = 0; k < POSITION_SIZE; k++)
                    m.region[r].position[form][k] = (float)(n * 1000 + r * 100 + form * 10 + k);
        }
        for (int i = 0; i < PAIRS_EACH * BOX_VOXELS; i++) {
            float *x = m.box + i / BOX_VOXELS * channels * BOX_VOXELS + i % BOX_VOXELS;
            *x = 4.0f * rng_uniform(&rng);
            if (channels > BOX_CT)
                x[BOX_VOXELS] = 100 * *x - 150;
        }
        uint32_t label[24] = {0, 1, 1};
        labels_encode(label, 24, &m.label_runs);
        if (cache_add(&c, (struct item_key){9, (uint64_t)n}, &m, &e))
            fail_msg("%s", e.text);
        regions_message_free(&m);
    }
    if (cache_split(&c, 0.25, 0.25, 1, true, &e))
        fail_msg("%s", e.text);
    cache_close(&c);
}

static inline void pairs_cache_make(const char *dir)
{
    pairs_cache_make_of(dir, 1);
}

static inline void pairs_recipe(struct recipe *r)
{
    recipe_defaults(r);
    r->batch = 16;
    r->pairs_per_epoch = 100;
    r->classifier_batch = 24;
}
#endif
