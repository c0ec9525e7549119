/* SPDX-License-Identifier: Apache-2.0 */
/* forecast -- how long a pretraining will take here: its own steps on made-up boxes, timed.   petrel-train describe --hours
 *
 * Network, method, optimiser, batch and back end are those of the recipe; what is not in it is the wait for pairs, which overlaps where there
 * are enough pair makers. Early stopping may end it sooner: what is said is the most. */
#include "common/rng.h"
#include "stages/train/method_settings.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const double LOOK_S = 4; /* of steps, after the first, in which memory is touched and plans are made */
enum { STEPS_LEAST = 2, BOX_EDGE = 16 };

/* Pairs as they come in: labels of both classes, positions anywhere. */
struct made_up {
    float *box, *position;
    int32_t *label, *window;
    struct batch_facts facts;
};

static void make_up(struct made_up *m, const struct learner *l, int pairs, int channels, size_t voxels)
{
    size_t rows = (size_t)(l->views * pairs), floats = rows * (size_t)channels * voxels;
    struct rng rng = rng_make(1, RNG_FORECAST, 0);
    *m = (struct made_up){.box = xalloc(floats, sizeof *m->box),
                          .position = xalloc(rows * POSITION_SIZE, sizeof *m->position),
                          .label = xalloc(rows, sizeof *m->label),
                          .window = xalloc(rows * VIEW_WINDOW, sizeof *m->window)};
    for (size_t i = 0; i < floats; i++)
        m->box[i] = rng_normal(&rng);
    for (size_t i = 0; i < rows * POSITION_SIZE; i++)
        m->position[i] = rng_uniform(&rng);
    for (size_t i = 0; i < rows; i++) {
        m->label[i] = (int32_t)(i % (size_t)pairs % 2);
        m->window[i * VIEW_WINDOW + 3] = BOX_EDGE;
    }
    m->facts = (struct batch_facts){
        .pairs = pairs, .views = l->views, .label = m->label, .position = m->position, .window = m->window};
}

static void made_up_free(struct made_up *m)
{
    free(m->box);
    free(m->position);
    free(m->label);
    free(m->window);
}

/* Seconds a step. */
static double step_s(struct learner *l, int pairs, int channels, const int box[3])
{
    struct made_up m;
    struct learner_tape *on = learner_tape(l, pairs);
    double terms[1 + METHOD_TERMS], begun = 0;
    int64_t steps = 0;
    make_up(&m, l, pairs, channels, (size_t)box[0] * (size_t)box[1] * (size_t)box[2]);
    do {
        if (steps == 1)
            begun = now_s();
        learner_put(l, on, m.box, &m.facts);
        learner_rates(l, 1e-6, &(struct training_time){.step = steps, .steps = 1000, .epochs = 10});
        learner_step(l, on);
        learner_terms(l, terms); /* waits for a GPU */
        steps++;
    } while (steps <= STEPS_LEAST || now_s() - begun < LOOK_S);
    double const each = (now_s() - begun) / (double)(steps - 1);
    made_up_free(&m);
    return each;
}

/* Steps an epoch, training's and validation's: the cache's, where one is given, else the recipe's. */
static int epoch_steps(struct train *t, int64_t *train, int64_t *validation, struct error *e)
{
    const struct recipe *r = &t->recipe;
    *train = (r->pairs_per_epoch + r->batch - 1) / r->batch;
    *validation = 0;
    if (!t->cache_dir)
        return 0;
    if (cache_open(&t->cache, t->cache_dir, e) || cache_settings_adopt(&t->cache, &t->recipe, t->option, t->options, e) ||
        cache_rows(&t->cache, &t->rows, e) || sampling_plan_make(&t->plan, &t->recipe, &t->cache, t->rows, e))
        return -1;
    *train = t->plan.pretrain_steps;
    *validation = t->plan.pretrain_validation_steps;
    return 0;
}

int forecast_print(struct train *t, FILE *to, struct error *e)
{
    const struct recipe *r = &t->recipe;
    struct learner l;
    struct learner_settings settings;
    struct rusage usage;
    int64_t train, validation;
    t->channels = recipe_channels(r);
    t->world = (struct world){.size = 1};
    if (epoch_steps(t, &train, &validation, e) || model_network(r, t->channels, false, &t->network, e) ||
        !(t->backend = backend_choose(&(struct backend_wish){t->backend_name, r->precision, t->threads}, e)) ||
        method_settings_make(t, &settings, e) || learner_open(&l, t->backend, &settings, e))
        return -1;
    free((void *)(uintptr_t)settings.own);
    params_init(l.params, t->seed);
    learner_begin(&l);
    double const step = step_s(&l, (int)r->batch, t->channels, t->network.box);
    double const epoch = step * ((double)train + (double)validation / 3); /* a pass forward is a third of a step */
    getrusage(RUSAGE_SELF, &usage);
    fprintf(to, "forecast: method %s, backbone %s, %lld pairs a step, back end %s (%s), made-up boxes\n", r->method,
            t->network.backbone->name, (long long)r->batch, t->backend->name, r->precision);
    fprintf(to, "a step    %10.3f s   %8.0f boxes a second\n", step, (double)l.views * (double)r->batch / step);
    fprintf(to, "an epoch  %10.1f s   %lld steps, %lld of validation%s\n", epoch, (long long)train,
            (long long)validation, t->cache_dir ? "" : " (none known without --cache)");
    fprintf(to, "hours     %10.2f at most, for %lld epochs (patience %lld may end it sooner)\n",
            epoch * (double)r->epochs / 3600, (long long)r->epochs, (long long)r->patience);
    fprintf(to, "memory    %10.2f GiB of this process\n", (double)usage.ru_maxrss / (1 << 20));
    learner_close(&l);
    return 0;
}
