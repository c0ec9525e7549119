/* SPDX-License-Identifier: Apache-2.0 */
/* run_record -- what names a run, and its lock.   [train] */
#include "stages/train/run_record.h"
#include "common/file.h"
#include "common/log.h"
#include "stages/model_patients.h"
#include "stages/train/batches/batch_source.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- settings ---- */

static void add_line(char **text, const char *key, const char *value)
{
    char *longer = xprintf("%s%s = %s\n", *text, key, value);
    free(*text);
    *text = longer;
}

static int add_digest(char **text, const char *key, const char *path, struct error *e)
{
    char hex[65] = "none";
    if (path && file_sha256(path, hex, e))
        return -1;
    add_line(text, key, hex);
    return 0;
}

char *run_record_settings(const struct train *t, struct error *e)
{
    struct recipe copy = t->recipe;
    struct option table[RECIPE_ROWS];
    bool pretrain = !strcmp(t->phase, "pretrain");
    unsigned groups = RECIPE_BOXES | RECIPE_NETWORK | RECIPE_SAMPLING | RECIPE_AUGMENT |
                      (pretrain ? RECIPE_PRETRAIN : RECIPE_CLASSIFIER);
    size_t rows = recipe_options(&copy, groups, table, RECIPE_ROWS);
    char number[64], *text = xprintf("phase = %s\n", t->phase);
    for (size_t i = 0; i < rows; i++) {
        bool others =
            !strncmp(table[i].name, "classifier-", 11) && pretrain; /* in shared groups, but not of this phase */
        if (table[i].flags & OPT_HIDDEN || others)
            continue;
        char *value = opts_value(&table[i]);
        add_line(&text, table[i].name, value);
        free(value);
    }
    add_line(&text, "cache", t->cache.digest);
    cache_splits_name(&t->cache, number);
    add_line(&text, "splits", number);
    format_into(number, sizeof number, "%llu", (unsigned long long)t->seed);
    add_line(&text, "seed", number);
    add_line(&text, "backend", t->backend->name);
    if (train_augments(t))
        add_line(&text, "augment-on", t->augment_on);
    if (!ranks_alone(&t->world)) {
        format_into(number, sizeof number, "%d", t->world.size);
        add_line(&text, "ranks", number);
    }
    if (add_digest(&text, "init", t->init, e) || add_digest(&text, "pair-list", t->pair_list, e)) {
        free(text);
        return NULL;
    }
    return text;
}

/* centroid,size and size,centroid are the same parts of the position vector */
static bool same_parts(const struct recipe *a, const struct recipe *b)
{
    struct error e = {0};
    unsigned of_a, of_b;
    return !recipe_position_parts(a, &of_a, &e) && !recipe_position_parts(b, &of_b, &e) && of_a == of_b;
}

int run_record_check_init(struct train *t, struct error *e)
{
    const char *settings = safetensors_get(&t->init_file, "settings"),
               *cohort = safetensors_get(&t->init_file, "cohort");
    if (cohort && *cohort && !*t->cohort)
        t->cohort = "partly simulated cohort";
    bool pretrain =
        !strcmp(t->phase, "pretrain"); /* may begin from another network's parts, but not from half of a PEB */
    const bool has_peb = t->recipe.position && model_has_part(&t->init_file, "peb");
    if (!settings)
        return 0;
    struct recipe there;
    if (model_settings_read(settings, &there, e))
        return fail_in(e, "cannot use '%s'", t->init);
    struct option a[RECIPE_ROWS], b[RECIPE_ROWS];
    size_t rows = recipe_options(&there, RECIPE_BOXES | RECIPE_NETWORK, a, RECIPE_ROWS);
    recipe_options(&t->recipe, RECIPE_BOXES | RECIPE_NETWORK, b, RECIPE_ROWS);
    int result = 0;
    for (size_t i = 0; i < rows && !result; i++) {
        bool parts = !strcmp(a[i].name, "position-parts"), backbone = !strcmp(a[i].name, "backbone");
        if (a[i].flags & OPT_HIDDEN || !strncmp(a[i].name, "classifier-", 11) ||
            (pretrain && !backbone && !(parts && has_peb)))
            continue;
        char *was = opts_value(&a[i]), *is = opts_value(&b[i]);
        if (strcmp(was, is) && !(parts && same_parts(&there, &t->recipe)))
            result =
                fail_as(e, EX_CONFIG, "'%s' was pretrained with %s = %s, but it is %s now: give the same recipe%s",
                        t->init, a[i].name, was, is,
                        strcmp(a[i].name, "position") ? ""
                        : there.position ? " (--classifier-position no leaves the PEB out of the classifier)"
                                         : " (--no-position --classifier-position yes gives the classifier a PEB)");
        free(was);
        free(is);
    }
    return result;
}

/* ---- whom it learns from ---- */

int run_record_patients(struct train *t, struct error *e)
{
    bool *shard = xalloc(t->cache.shard_count + 1, sizeof *shard);
    int result = 0;
    for (int i = 0; i < 2 && !result; i++) {
        const char *before =
            t->init ? safetensors_get(&t->init_file, i ? MODEL_PATIENTS_VALIDATION : MODEL_PATIENTS) : NULL;
        for (size_t s = 0; s < t->cache.shard_count; s++)
            shard[s] = t->cache.shard[s].split == (i ? SPLIT_VALIDATION : SPLIT_TRAIN) && !t->pair_list;
        if (t->pair_list && !i)
            result = batch_list_shards(t, shard, e); /* whatever the splits say */
        t->patients[i] = model_patients_list(&t->cache, shard, before);
    }
    free(shard);
    if (t->init && safetensors_get(&t->init_file, "petrel") && !safetensors_get(&t->init_file, MODEL_PATIENTS))
        log_warn("'%s' does not say which patients it learned from, so nor can the new model", t->init);
    return result;
}

/* ---- one at a time ---- */

int run_lock(const char *run_dir, struct error *e)
{
    char *path = path_join(run_dir, "train.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660), result = 0; /* who may read it may hold it */
    if (fd < 0)
        result = fail_as(e, EX_CANTCREAT, "cannot open '%s': %s", path, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB))
        result = errno == EWOULDBLOCK
                     ? fail_as(e, EX_TEMPFAIL, "another petrel-train works in '%s': wait for it, or give another --run",
                               run_dir)
                     : fail_as(e, EX_OSERR, "cannot lock '%s': %s", path, strerror(errno));
    free(path);
    return result;
}

static const char *failing_run;
static void tell(int code, const char *sentence)
{
    if (code != EX_TEMPFAIL)
        run_fail(failing_run, code, sentence);
}

void run_tell_failure(const struct train *t)
{
    failing_run = t->stage_options.run;
    if (!t->pair_list)
        die_hook(tell);
}
