/* SPDX-License-Identifier: Apache-2.0 */
/* fault -- what the programs that attack share: a scan of numbers drawn at random, a folder of their own, the line a count is told by.
 *
 * A line of results is: RESULT, promise, attack, count, what was counted, lost, repeated, wrong (unseen, accepted, unclean: the attack's
 * name says which), between tabs. tests/fault/run.sh makes its table of them. */
#ifndef PETREL_TESTS_FAULT_H
#define PETREL_TESTS_FAULT_H
#include "common/child.h"
#include "common/file.h"
#include "common/rng.h"
#include "proto/cache.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fault_result {
    const char *promise, *attack, *unit;
    uint64_t count, lost, repeated, wrong;
};

/* child_fork, of a process that goes with its parent; what it cannot do ends the campaign. */
static inline pid_t fault_fork(void)
{
    struct error e = {0};
    pid_t const pid = child_fork(SIGKILL, &e);
    if (pid < 0)
        die_of(&e);
    return pid;
}

/* Prints it; the program's exit code. */
static inline int fault_tell(const struct fault_result *r)
{
    printf("RESULT\t%s\t%s\t%llu\t%s\t%llu\t%llu\t%llu\n", r->promise, r->attack, (unsigned long long)r->count, r->unit,
           (unsigned long long)r->lost, (unsigned long long)r->repeated, (unsigned long long)r->wrong);
    return r->lost || r->repeated || r->wrong ? 1 : 0;
}

/* A new folder; the caller's text. */
static inline char *fault_dir(const char *name)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = xprintf("%s/petrel-%s.XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
    if (!mkdtemp(dir))
        die(EX_OSERR, "cannot make a folder '%s'", dir);
    return dir;
}

/* Scan n of a seed, with `regions` regions, of which every second is a tumour and one is left out, two lesions and a picture. */
static inline void fault_scan(struct regions_message *m, uint64_t seed, uint64_t n, size_t regions)
{
    struct rng rng = rng_make(seed, RNG_TEST, n);
    *m = (struct regions_message){.count = regions, .channels = 1, .excluded_count = 1};
    scan_facts_init(&m->facts);
    format_into(m->facts.patient, sizeof m->facts.patient, "p%llu", (unsigned long long)n / 2);
    format_into(m->facts.study, sizeof m->facts.study, "study%llu", (unsigned long long)n);
    format_into(m->facts.scan, sizeof m->facts.scan, "0");
    m->facts.suv_factor = 0.25, m->facts.weight_g = 70000, m->facts.dose_bq = 3e8;
    grid_set(&m->grid, (const int64_t[3]){8, 8, 8}, (const double[3]){3, 2, 2}, (const double[3]){0, 0, 0});
    m->turned = (struct turn){{0, 1, 2}, {0, 0, 0}};
    m->region = xalloc(regions + 1, sizeof *m->region);
    m->excluded = xalloc(1, sizeof *m->excluded);
    m->box = xalloc(regions * BOX_VOXELS + 1, sizeof *m->box);
    for (size_t i = 0; i < regions * BOX_VOXELS; i++)
        m->box[i] = 4.0f * rng_uniform(&rng);
    for (size_t i = 0; i < regions; i++)
        m->region[i] = (struct region){
            .component = (int32_t)i + 1, .label = (int32_t)(i % 2), .voxels = 3, .ml = 0.036, .overlap = 1};
    m->excluded[0] = (struct region){.component = (int32_t)regions + 1, .voxels = 9, .ml = 0.1, .organ = 1};
    m->lesions = (struct lesions){.known = 1, .count = regions ? 1 : 0, .part_count = regions ? 1 : 0};
    m->lesions.lesion = xalloc(1, sizeof *m->lesions.lesion);
    m->lesions.part = xalloc(1, sizeof *m->lesions.part);
    m->lesions.lesion[0] = (struct lesion){.id = 1, .voxels = 5, .ml = 0.06, .suv_max = 7, .region = 1, .covered = 0.6};
    m->lesions.part[0] = (struct lesion_part){1, 1, 3};
    uint32_t label[512] = {0, 1};
    labels_encode(label, 512, &m->label_runs);
    m->mip_angles = 1, m->mip_height = 2, m->mip_width = 3, m->mip_mm = 4;
    m->mip = xalloc(6, 1);
}
#endif
