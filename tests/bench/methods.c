/* SPDX-License-Identifier: Apache-2.0 */
/* methods -- one step of a method of pretraining: the network, its loss, its teacher and states, LARS.   tests/bench
 *
 *     methods --recipe FILE [--backbone NAME] [--pairs 32] [--repeat 3] [--threads 0] [--backend cpu]
 * The settings are the recipe file's; boxes and positions are noise. The peer is methods_torch.py. Best of `repeat` after one that warms
 * up; cpu_s: the least processor time of a step, of all threads. One line. */
#include "common/file.h"
#include "common/opts.h"
#include "common/rng.h"
#include "stages/model.h"
#include "stages/train/method_settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ROOM = RECIPE_ROWS + 8 };

/* of all threads of this process */
static double cpu_s(void)
{
    struct rusage used;
    (void)!getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static float *noise(size_t count, uint64_t index)
{
    struct rng r = rng_make(1, RNG_TEST, index);
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = rng_normal(&r);
    return x;
}

static struct learner_tape *batch_put(struct learner *l, int pairs, size_t voxels)
{
    size_t rows = (size_t)(l->views * pairs);
    struct rng r = rng_make(1, RNG_TEST, 2);
    float *box = noise(rows * voxels, 0), *position = noise(rows * NETWORK_POSITION, 1);
    int32_t *label = xalloc(rows, sizeof *label), *window = xalloc(rows * 5, sizeof *window);
    for (size_t i = 0; i < rows; i++) {
        label[i] = (int32_t)(i % (size_t)pairs % 2);
        for (size_t a = 0; a < 3; a++)
            window[i * 5 + a] = (int32_t)rng_below(&r, 9);
        window[i * 5 + 4] = -1;
    }
    struct learner_tape *on = learner_tape(l, pairs);
    learner_put(l, on, box,
                &(struct batch_facts){
                    .pairs = pairs, .views = l->views, .label = label, .position = position, .window = window});
    free(box);
    free(position);
    free(label);
    free(window);
    return on;
}

int main(int argc, char **argv)
{
    static struct option table[ROOM];
    struct error e = {0};
    struct train t = {.world = {.size = 1}, .seed = 1};
    struct learner_settings s;
    struct learner l;
    const char *backend = "cpu";
    int64_t pairs = 32, repeat = 3;
    const struct option own[] = {
        {"pairs", OPT_INT, &pairs, "N", 2, 4096, "pairs a step", 0, NULL},
        {"repeat", OPT_INT, &repeat, "N", 1, 1000, "steps, of which the fastest counts", 0, NULL},
        {"backend", OPT_CHOICE, &backend, BACKEND_CHOICES, 0, 0, "who computes", 0, NULL},
    };
    recipe_defaults(&t.recipe);
    memcpy(table, own, sizeof own);
    size_t rows = COUNT_OF(own);
    rows += recipe_options(&t.recipe, RECIPE_ALL, table + rows, ROOM - rows);
    struct opts o = {.program = "methods",
                     .usage = "--recipe FILE [options]",
                     .purpose = "one step of a method",
                     .table = table,
                     .count = rows,
                     .common = {.seed = 1}};
    if (opts_parse(&o, argc, argv, &e))
        die_of(&e);
    t.recipe.batch = pairs;
    t.backend = backend_open(backend, (int)o.common.threads, FLOAT32, &e);
    if (!t.backend || model_network(&t.recipe, 1, false, &t.network, &e) || method_settings_make(&t, &s, &e) ||
        learner_open(&l, t.backend, &s, &e))
        die_of(&e);
    free((void *)(uintptr_t)s.own);
    params_init(l.params, 1);
    learner_begin(&l);
    struct learner_tape *on = batch_put(&l, (int)pairs, model_input_floats(&t.network));
    double best = 1e9, least = 1e9, terms[1 + METHOD_TERMS];
    for (int64_t i = 0; i <= repeat; i++) {
        double begun = now_s(), cpu = cpu_s();
        learner_rates(&l, 0.05, &(struct training_time){i, 1000, 1, 10});
        learner_step(&l, on);
        learner_terms(&l, terms);
        double took = now_s() - begun;
        best = i && took < best ? took : best;
        cpu = cpu_s() - cpu;
        least = i && cpu < least ? cpu : least;
    }
    printf("petrel method=%s backbone=%s pairs=%lld views=%d step_s=%.5f cpu_s=%.5f loss=%.4g params=%zu\n",
           l.method->name, t.recipe.backbone, (long long)pairs, l.views, best, least, terms[0],
           params_elements(l.params, ""));
    learner_close(&l);
    backend_close(&t.backend);
    return 0;
}
