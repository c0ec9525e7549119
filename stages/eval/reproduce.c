/* SPDX-License-Identifier: Apache-2.0 */
/* reproduce -- is a training what its record says, and does it come out again?   RUN, cache -> [reproduce] */
#include "stages/eval/reproduce.h"
#include "common/file.h"
#include "common/safetensors.h"
#include "stages/eval/rerun.h"
#include "stages/eval/score.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MOST = 1 << 20, PHASES = 2, SAID_MOST = 5 };
static const char *const phase_name[PHASES] = {"pretrain", "classifier"};
/* Folders a phase's record may lie in: train.sh's, supervised.sh's. */
static const char *const folder[PHASES][2] = {{"pretrain", NULL}, {"classifier", "supervised"}};

struct reproduce {
    const struct reproduce_wish *wish;
    FILE *to;
    char *file, *made; /* the model or encoder of RUN; the one made anew */
    struct model model;
    struct buffer record[PHASES]; /* "key = value" lines; data NULL: that phase is not of this folder */
    char *out;
    size_t differences;
};

/* ---- what is said ---- */

static void say(struct reproduce *p, bool same, char *text)
{
    fprintf(p->to, "%s\t%s\n", same ? "same" : "differs", text);
    p->differences += !same;
    free(text);
}

/* ---- records ---- */

/* The value of a key in "key = value" lines, '-' and '_' alike; "" where there is none. The caller's. */
static char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        size_t i = 0;
        while (i < length && (line[i] == key[i] || (strchr("-_", line[i]) != NULL && strchr("-_", key[i]) != NULL)))
            i++;
        if (i == length && strncmp(line + i, " = ", 3) == 0)
            return xprintf("%.*s", (int)strcspn(line + i + 3, "\n"), line + i + 3);
    }
    return xstrdup("");
}

static const char *record(const struct reproduce *p, size_t phase)
{
    return (const char *)p->record[phase].data;
}

static int open_run(struct reproduce *p, struct error *e)
{
    const struct reproduce_wish *w = p->wish;
    if (!dir_exists(w->run))
        return fail_as(e, EX_NOINPUT, "there is no run directory '%s'", w->run);
    for (size_t k = 0; k < PHASES; k++)
        for (size_t i = 0; i < 2 && folder[k][i] != NULL && p->record[k].data == NULL; i++) {
            char *path = xprintf("%s/%s/%s.done", w->run, folder[k][i], phase_name[k]);
            int rc = file_exists(path) ? file_read(path, RECORD_MOST, &p->record[k], e) : 0;
            free(path);
            if (rc < 0)
                return -1;
        }
    if (record(p, 0) == NULL && record(p, 1) == NULL)
        return fail_as(e, EX_NOINPUT,
                       "'%s' has no record of a finished training (pretrain/pretrain.done, classifier/classifier.done)",
                       w->run);
    p->file = path_join(w->run, record(p, 1) != NULL ? "model.safetensors" : "encoder.safetensors");
    if (!file_exists(p->file))
        return fail_as(e, EX_NOINPUT, "'%s' is not there, though its training is on record as finished", p->file);
    return model_open_facts(&p->model, p->file, e);
}

/* The model's settings are all there are; a record's are those its phase depends on. */
static void compare_settings(struct reproduce *p)
{
    size_t differ = 0;
    struct recipe copy = p->model.recipe;
    struct option row[RECIPE_ROWS];
    size_t rows = recipe_options(&copy, RECIPE_ALL, row, RECIPE_ROWS);
    for (size_t k = 0; k < PHASES; k++)
        for (size_t i = 0; record(p, k) != NULL && i < rows; i++) {
            char *own = opts_value(&row[i]), *there = value_of(record(p, k), row[i].name);
            if (*there != '\0' && strcmp(own, there) != 0 && differ++ < SAID_MOST)
                say(p, false,
                    xprintf("setting %s: %s in the record of the %s, %s in the model", row[i].name, there,
                            phase_name[k], own));
            free(own);
            free(there);
        }
    if (differ == 0)
        say(p, true,
            xprintf("settings of recipe %s, seed %llu", p->model.recipe_name, (unsigned long long)p->model.seed));
}

static int compare_cache(struct reproduce *p, struct error *e)
{
    struct cache c;
    char splits[17];
    if (p->wish->cache == NULL)
        return fail_as(e, EX_NOINPUT, "the run learned from cache %.12s: say where it lies, --cache DIR",
                       p->model.cache_digest);
    if (cache_open(&c, p->wish->cache, e) < 0)
        return -1;
    bool same = strcmp(c.digest, p->model.cache_digest) == 0;
    say(p, same,
        same ? xprintf("cache %.12s", c.digest)
             : xprintf("cache: the run learned from %.12s, '%s' is %.12s", p->model.cache_digest, c.dir, c.digest));
    cache_splits_name(&c, splits);
    for (size_t k = 0; k < PHASES; k++) {
        char *there = record(p, k) != NULL ? value_of(record(p, k), "splits") : xstrdup(splits);
        if (strcmp(there, splits) != 0)
            say(p, false, xprintf("split: other patients learn, validate or test than in the %s", phase_name[k]));
        free(there);
    }
    cache_close(&c);
    return 0;
}

/* The file a phase began with, whose digest is on record; NULL and no error: with none. */
static int init_of(struct reproduce *p, size_t phase, char **path, struct error *e)
{
    char *wanted = value_of(record(p, phase), "init"), hex[65];
    const char *named = p->wish->init;
    int rc = 0;
    *path = NULL;
    if (strcmp(wanted, "none") != 0) {
        *path = named != NULL ? xstrdup(named) : path_join(p->wish->run, "encoder.safetensors");
        if (!file_exists(*path))
            rc = fail_as(e, EX_NOINPUT,
                         "the %s began with weights of digest %.12s, which are not in '%s': name them, --init FILE",
                         phase_name[phase], wanted, *path);
        else if ((rc = file_sha256(*path, hex, e)) == 0)
            say(p, strcmp(hex, wanted) == 0,
                strcmp(hex, wanted) == 0 ? xprintf("weights the %s began with %.12s", phase_name[phase], hex)
                                         : xprintf("weights the %s began with: %.12s on record, '%s' is %.12s",
                                                   phase_name[phase], wanted, *path, hex));
    }
    free(wanted);
    return rc;
}

static int refuse_others(const struct reproduce *p, struct error *e)
{
    for (size_t k = 0; k < PHASES; k++) {
        static const char *const key[] = {"pair-list", "ranks", "augment-on"};
        for (size_t i = 0; record(p, k) != NULL && i < COUNT_OF(key); i++) {
            char *value = value_of(record(p, k), key[i]);
            bool plain = *value == '\0' || strcmp(value, "none") == 0;
            if (!plain)
                (void)fail_as(e, EX_UNAVAILABLE,
                              "the %s ran with %s = %s, which is not run anew here: use --no-rerun, and run it by hand",
                              phase_name[k], key[i], value);
            free(value);
            if (!plain)
                return -1;
        }
    }
    return 0;
}

/* ---- once more ---- */

static int run_phase(struct reproduce *p, size_t phase, const char *recipe, const char *init, const char *out,
                     struct error *e)
{
    char *run = path_join(p->out, phase_name[phase]), *backend = value_of(record(p, phase), "backend");
    struct rerun r = {phase_name[phase], p->wish->cache,          recipe, run, out, backend, init,
                      p->model.seed,     p->wish->backend.threads};
    int rc = rerun_phase(&r, e);
    free(backend);
    free(run);
    return rc;
}

static int run_again(struct reproduce *p, struct error *e)
{
    char *recipe = path_join(p->out, "recipe.conf"), *encoder = path_join(p->out, "encoder.safetensors"),
         *model = path_join(p->out, "model.safetensors"), *init[PHASES] = {NULL};
    int rc = refuse_others(p, e);
    for (size_t k = 0; k < PHASES && rc == 0; k++)
        rc = record(p, k) != NULL ? init_of(p, k, &init[k], e) : 0;
    if (rc == 0 && p->differences == 0) {
        rc = dir_make(p->out, e) < 0 || publish_bytes(recipe, p->model.settings, strlen(p->model.settings), e) < 0 ? -1
                                                                                                                   : 0;
        if (rc == 0 && record(p, 0) != NULL)
            rc = run_phase(p, 0, recipe, init[0], encoder, e);
        if (rc == 0 && record(p, 1) != NULL)
            rc = run_phase(p, 1, recipe, record(p, 0) != NULL ? encoder : init[1], model, e);
        if (rc == 0)
            p->made = xstrdup(record(p, 1) != NULL ? model : encoder);
    }
    for (size_t k = 0; k < PHASES; k++)
        free(init[k]);
    free(recipe);
    free(encoder);
    free(model);
    return rc;
}

/* ---- what came out ---- */

static void compare_metadata(struct reproduce *p, const struct safetensors *a, const struct safetensors *b)
{
    for (size_t i = 0; i < a->metadata_count; i++) {
        const char *key = a->metadata[i].key, *was = a->metadata[i].value, *is = safetensors_get(b, key);
        if (strcmp(key, "petrel_xxh3") != 0 && (is == NULL || strcmp(is, was) != 0))
            say(p, false, xprintf("%s: %.60s then, %.60s now", key, was, is != NULL ? is : "nothing"));
    }
}

static void compare_tensors(struct reproduce *p, const struct safetensors *a, const struct safetensors *b)
{
    size_t differ = 0;
    double most = 0.0;
    char first[128] = "";
    for (size_t i = 0; i < a->tensor_count; i++) {
        const struct tensor_entry *x = &a->tensor[i], *y = safetensors_find(b, x->name);
        size_t n = tensor_count(x);
        if (y == NULL || x->type != TENSOR_F32 || y->type != TENSOR_F32 || tensor_count(y) != n) {
            say(p, false, xprintf("tensor %s has another shape or is not there", x->name));
            continue;
        }
        if (memcmp(x->data, y->data, n * sizeof(float)) == 0)
            continue;
        if (differ++ == 0)
            format_into(first, sizeof first, "%s", x->name);
        for (size_t k = 0; k < n; k++)
            most = fmax(most, fabs((double)((const float *)x->data)[k] - (double)((const float *)y->data)[k]));
    }
    if (differ > 0)
        say(p, false,
            xprintf("%zu of %zu tensors, by %.3g at most, beginning with %s", differ, a->tensor_count, most, first));
    else
        say(p, true, xprintf("all %zu tensors", a->tensor_count));
}

/* Both on the test split. */
static int compare_words(struct reproduce *p, struct error *e)
{
    struct cache c;
    struct scores s[2] = {{0}, {0}};
    double auc[2] = {NAN, NAN}, most = 0.0;
    int rc = cache_open(&c, p->wish->cache, e);
    if (rc < 0)
        return -1;
    for (size_t k = 0; k < 2 && rc == 0; k++) {
        struct model m;
        rc = model_open(&m, k == 0 ? p->file : p->made, &p->wish->backend, e);
        if (rc < 0)
            break;
        rc = scores_make(&s[k], &c, &m, SPLIT_TEST, e);
        if (rc == 0 && s[k].probability != NULL)
            auc[k] = auc_trapezoid(s[k].probability, s[k].label, s[k].n);
        model_close(&m);
    }
    for (size_t i = 0; rc == 0 && s[0].probability != NULL && s[1].probability != NULL && i < s[0].n; i++)
        most = fmax(most, fabs((double)s[0].probability[i] - (double)s[1].probability[i]));
    if (rc == 0 && s[0].probability != NULL)
        say(p, most == 0.0,
            xprintf("test split: AUC %.6f then, %.6f now; a region's probability by %.3g at most", auc[0], auc[1], most));
    scores_free(&s[0]);
    scores_free(&s[1]);
    cache_close(&c);
    return rc;
}

static int compare_files(struct reproduce *p, struct error *e)
{
    char hex[2][65];
    struct safetensors a = {0}, b = {0};
    if (file_sha256(p->file, hex[0], e) < 0 || file_sha256(p->made, hex[1], e) < 0)
        return -1;
    if (strcmp(hex[0], hex[1]) == 0) {
        say(p, true, xprintf("the same bytes: SHA-256 %s", hex[0]));
        return 0;
    }
    say(p, false, xprintf("%s: SHA-256 %.12s then, %.12s now", path_base(p->file), hex[0], hex[1]));
    int rc = safetensors_read(&a, p->file, e) < 0 || safetensors_read(&b, p->made, e) < 0 ? -1 : 0;
    if (rc == 0) {
        compare_metadata(p, &a, &b);
        compare_tensors(p, &a, &b);
    }
    safetensors_free(&a);
    safetensors_free(&b);
    return rc == 0 ? compare_words(p, e) : -1;
}

int reproduce_run(const struct reproduce_wish *w, FILE *to, struct error *e)
{
    struct reproduce p = {.wish = w, .to = to};
    size_t length = strlen(w->run);
    while (length > 1 && w->run[length - 1] == '/')
        length--;
    p.out = w->out != NULL ? xstrdup(w->out) : xprintf("%.*s.again", (int)length, w->run);
    int rc = open_run(&p, e);
    if (rc == 0) {
        compare_settings(&p);
        /* another version is no reason not to look whether it makes the same */
        bool same = strcmp(p.model.version, program_version()) == 0;
        fprintf(to, "%s\tversion: %s made it, this is %s\n", same ? "same" : "note", p.model.version, program_version());
        rc = compare_cache(&p, e);
    }
    if (rc == 0 && w->rerun) {
        rc = p.differences == 0 ? run_again(&p, e) : 0;
        if (rc == 0 && p.made != NULL)
            rc = compare_files(&p, e);
        else if (rc == 0)
            fprintf(to, "note\tnot run anew: it would be another training\n");
    }
    if (rc == 0 && p.made != NULL && p.differences == 0)
        dir_remove(p.out);
    else if (rc == 0 && p.made != NULL)
        fprintf(to, "note\twhat was made anew is in '%s'\n", p.out);
    for (size_t k = 0; k < PHASES; k++)
        buffer_free(&p.record[k]);
    model_close(&p.model);
    free(p.file);
    free(p.made);
    free(p.out);
    return rc < 0 ? -1 : (p.differences > 0 ? EX_DATAERR : EX_OK);
}
