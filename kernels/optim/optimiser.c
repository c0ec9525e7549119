/* SPDX-License-Identifier: Apache-2.0 */
/* optimiser -- a row an optimiser.   kernels/optim */
#include "kernels/optim/optimiser.h"
#include <string.h>

/* ---- lars ---- */

static void lars_begin(struct optimiser *o, struct params *p, const struct optimiser_settings *s)
{
    lars_open(&o->of.lars, p, s->momentum, s->weight_decay, s->trust);
}
static void lars_end(struct optimiser *o)
{
    lars_close(&o->of.lars);
}
static void lars_at(struct optimiser *o, double lr)
{
    lars_rate(&o->of.lars, lr);
}
static void lars_go(struct optimiser *o)
{
    lars_step(&o->of.lars, o->clip_norm);
}
static size_t lars_state(const struct optimiser *o, struct optimiser_state state[OPTIMISER_STATES])
{
    state[0] = (struct optimiser_state){"momentum", o->of.lars.momentum};
    return 1;
}

/* ---- sgd ---- */

static void sgd_begin(struct optimiser *o, struct params *p, const struct optimiser_settings *s)
{
    sgd_open(&o->of.sgd, p, s->momentum, s->weight_decay);
}
static void sgd_end(struct optimiser *o)
{
    sgd_close(&o->of.sgd);
}
static void sgd_at(struct optimiser *o, double lr)
{
    sgd_rate(&o->of.sgd, lr);
}
static void sgd_go(struct optimiser *o)
{
    sgd_step(&o->of.sgd, o->clip_norm);
}
static size_t sgd_state(const struct optimiser *o, struct optimiser_state state[OPTIMISER_STATES])
{
    state[0] = (struct optimiser_state){"momentum", o->of.sgd.momentum};
    return 1;
}

/* ---- adamw ---- */

static void adamw_begin(struct optimiser *o, struct params *p, const struct optimiser_settings *s)
{
    adamw_open(&o->of.adamw, p, s->weight_decay, s->coupled);
}
static void adamw_end(struct optimiser *o)
{
    adamw_close(&o->of.adamw);
}
static void adamw_at(struct optimiser *o, double lr)
{
    adamw_rate(&o->of.adamw, lr);
}
static void adamw_go(struct optimiser *o)
{
    adamw_clip(&o->of.adamw, o->clip_norm);
    adamw_step(&o->of.adamw);
}
static size_t adamw_state(const struct optimiser *o, struct optimiser_state state[OPTIMISER_STATES])
{
    state[0] = (struct optimiser_state){"adam_m", o->of.adamw.m};
    state[1] = (struct optimiser_state){"adam_v", o->of.adamw.v};
    return 2;
}

/* ---- the table ---- */

static const struct optimiser_kind KINDS[] = {
    {"lars", lars_begin, lars_end, lars_at, lars_go, lars_state},
    {"sgd", sgd_begin, sgd_end, sgd_at, sgd_go, sgd_state},
    {"adamw", adamw_begin, adamw_end, adamw_at, adamw_go, adamw_state},
};

const struct optimiser_kind *optimiser_find(const char *name, const struct backend *b, struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (strcmp(KINDS[i].name, name) != 0)
            continue;
        if (!strcmp(name, "sgd") && !b->sgd) {
            fail_as(e, EX_UNAVAILABLE, "the %s back end has no sgd: use --optimiser lars or --backend cpu", b->name);
            return NULL;
        }
        return &KINDS[i];
    }
    fail_as(e, EX_CONFIG, "no optimiser is called '%s': choose lars, sgd or adamw", name);
    return NULL;
}

void optimiser_open(struct optimiser *o, const struct optimiser_kind *kind, struct params *p,
                    const struct optimiser_settings *s)
{
    *o = (struct optimiser){.kind = kind, .clip_norm = s->clip_norm};
    kind->open(o, p, s);
}

void optimiser_close(struct optimiser *o)
{
    if (o->kind)
        o->kind->close(o);
    o->kind = NULL;
}

static bool counts(const struct optimiser *o)
{
    return o->kind->open == adamw_begin;
}

void optimiser_resume(struct optimiser *o, int64_t steps)
{
    if (counts(o))
        o->of.adamw.step = steps;
}

int64_t optimiser_steps(const struct optimiser *o)
{
    return counts(o) ? o->of.adamw.step : 0;
}
