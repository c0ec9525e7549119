/* SPDX-License-Identifier: Apache-2.0 */
/* batch -- the boxes, positions and labels of a drawn batch, standardised and augmented.   task -> [pairs] -> train */
#ifndef PETREL_STAGES_PAIRS_BATCH_H
#define PETREL_STAGES_PAIRS_BATCH_H
#include "stages/pairs/augment.h"
#include "stages/pairs/boxes.h"
#include "stages/pairs/sampler.h"

/* Everything a pairs process has in hand. Its parts point at each other: open it where it stays. */
struct workbench {
    struct recipe *recipe;
    struct cache cache;
    struct cache_row *rows;
    struct sampler sampler;
    struct boxes boxes;
    struct chain pretrain, classifier;
};

/* Opens the cache and preloads its boxes within memory_bytes (boxes.h). The recipe is borrowed. */
int workbench_open(struct workbench *b, struct recipe *r, const char *cache_dir, uint64_t memory_bytes,
                   struct error *e) MUST_USE;
void workbench_close(struct workbench *b);
const struct chain *workbench_chain(const struct workbench *b, int32_t phase);

/* Makes what the task asks for; pair_batch_free() it. Refuses a task whose sampling digest is another's (EX_CONFIG). */
int batch_make(struct workbench *b, const struct pair_task_message *task, struct pair_batch_message *m,
               struct error *e) MUST_USE;
#endif
