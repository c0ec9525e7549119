/* SPDX-License-Identifier: Apache-2.0 */
/* cache_scans -- made-up scans for tests and benches of the cache: all numbers of scan n follow from n.   tests */
#ifndef PETREL_TESTS_CACHE_SCANS_H
#define PETREL_TESTS_CACHE_SCANS_H
#include "common/rng.h"
#include "proto/message.h"
#include <math.h>
#include <stdlib.h>

static int32_t channels_made = 1; /* the second channel of a box is -100 times the first */
/* Scan n of a patient: `count` regions, of which the first `tumours` are tumours; all numbers follow from n. */
static void scan_make(struct regions_message *m, int n, int patient, size_t count, size_t tumours)
{
    struct rng rng = rng_make(5, RNG_TEST, (uint64_t)n);
    *m = (struct regions_message){.count = count, .channels = channels_made, .settings = 77};
    scan_facts_init(&m->facts);
    format_into(m->facts.patient, sizeof m->facts.patient, "p%03d", patient);
    format_into(m->facts.study, sizeof m->facts.study, "study %d", n);
    format_into(m->facts.scan, sizeof m->facts.scan, "0");
    m->facts.suv_max = n + 0.5;
    m->facts.volume_mean = 0.25;
    m->facts.volume_sd = 2;
    m->facts.simulated = 1;
    grid_set(&m->grid, (const int64_t[3]){2, 3, 4}, (const double[3]){3, 2, 2}, (const double[3]){0, 0, 0});
    m->turned = (struct turn){{0, 1, 2}, {0, 1, 0}};
    m->region = xalloc(count + 1, sizeof *m->region);
    m->box = xalloc(count * (size_t)m->channels * BOX_VOXELS + 1, sizeof(float));
    if (m->channels > BOX_CT)
        m->facts.ct_mean = -800, m->facts.ct_sd = 350;
    for (size_t i = 0; i < count; i++) {
        m->region[i] = (struct region){.component = (int32_t)i + 1,
                                       .label = i < tumours,
                                       .voxels = 3,
                                       .ml = 0.036,
                                       .clipped = i % 2,
                                       .overlap = (double)NAN};
        for (int form = 0; form < POSITION_FORMS; form++)
            for (int k = 0; k < POSITION_SIZE; k++)
                m->region[i].position[form][k] = rng_uniform(&rng);
    }
    /* lesions of every second scan: the others are as of a cache from before they were kept */
    m->lesions = (struct lesions){.known = n % 2};
    if (m->lesions.known && count) {
        m->lesions.count = m->lesions.part_count = 1;
        m->lesions.lesion = xalloc(1, sizeof *m->lesions.lesion);
        m->lesions.part = xalloc(1, sizeof *m->lesions.part);
        m->lesions.lesion[0] = (struct lesion){.id = 1,
                                               .voxels = 5,
                                               .ml = 0.06 + n,
                                               .suv_max = 7,
                                               .from_liver_mm = {-1, 2, (double)NAN},
                                               .region = 1,
                                               .covered = 0.6};
        m->lesions.part[0] = (struct lesion_part){1, 1, 3};
    }
    for (size_t i = 0; i < count * BOX_VOXELS; i++) {
        size_t at = i / BOX_VOXELS * (size_t)m->channels * BOX_VOXELS + i % BOX_VOXELS;
        m->box[at] = rng_uniform(&rng);
        if (m->channels > BOX_CT)
            m->box[at + BOX_VOXELS] = -100 * m->box[at];
    }
    uint32_t label[24] = {0, 1, 1};
    labels_encode(label, 24, &m->label_runs);
    if (n % 2) {
        m->mip_angles = 1, m->mip_height = 2, m->mip_width = 3, m->mip_mm = 4;
        m->mip = xalloc(6, 1);
        m->mip[5] = 200;
    }
}
#endif
