/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation -- everything a report says of its models.   score, figures, baselines -> [evaluation] -> report, page, metrics.json */
#ifndef PETREL_EVAL_EVALUATION_H
#define PETREL_EVAL_EVALUATION_H
#include "stages/eval/baselines.h"
#include "stages/eval/comparison.h"
#include "stages/eval/figures.h"
#include "stages/eval/lesions.h"
#include "stages/eval/losses.h"
#include "stages/eval/missed.h"
#include "stages/eval/patients.h"
#include "stages/eval/seen.h"
#include "stages/eval/strata.h"
#include "stages/model.h"

enum { LOSSES_MOST = 8, MODEL_NAME = 96 };
struct evaluation {
    const char *path;
    char name[MODEL_NAME]; /* the user's, or "with position", ...; no two alike */
    char digest[65];       /* SHA-256 of the file */
    struct model model;    /* its facts; the network is given back once it has answered */
    struct splits splits;  /* train: of the first model alone */
    struct figures figures;
    struct seen seen;
    double auc_of[3]; /* by enum split: of its training, validation and test patients, where they were asked about; else NAN */
    size_t border,
        border_tumours; /* labelled regions of the split that the recipe's border leaves out; of them tumours: FROC counts them */
    struct end_to_end end_to_end; /* at its threshold; scans 0: the cache does not say which lesions there are */
};
struct report {
    const struct cache *cache;
    enum split split;
    uint64_t seed;
    struct cache_row *rows;
    struct facts facts;
    bool *looked_at; /* by shard: is in the split and has truth */
    struct truth truth;
    struct missed missed;
    struct evaluation *model;
    size_t models;
    struct comparison *against; /* [models - 1]: the first against each other */
    struct baselines baselines; /* of the first */
    struct strata strata;       /* of the first, at its threshold */
    struct patients patients;   /* likewise */
    struct losses losses[LOSSES_MOST];
    size_t losses_count;
    char cohort[64]; /* "simulated cohort", ... or "" */
};
struct report_wish {
    const struct opt_strings *models, *names; /* names: none, or one a model */
    enum split split;
    struct backend_wish backend;
    uint64_t seed;
    bool baselines;
    const char *sites; /* a table patient, site; NULL: none */
};
/* Opens the models, scores the split, computes everything but the losses. -1: a model without classifier, no labelled regions, two names
 * alike, ... */
int report_make(struct report *r, const struct cache *c, const struct report_wish *w, struct error *e) MUST_USE;
/* losses.csv and classifier-losses.csv of a run directory; which are not there are not drawn. */
int report_losses(struct report *r, const char *run_dir, struct error *e) MUST_USE;
void report_free(struct report *r);

int report_html(const struct report *r, const char *path, struct error *e) MUST_USE;
int report_json(const struct report *r, const char *path, struct error *e) MUST_USE;
/* What people see at the end of a run. */
void report_print(const struct report *r, FILE *to);
/* A metric's value for people: "95.4 %", MCC as "0.71", "-" for none. */
const char *metric_format(int metric, double value, char text[16]);
#endif
