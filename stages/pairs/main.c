/* SPDX-License-Identifier: Apache-2.0 */
/* pairs -- pair batches for training: which regions, which views, augmented.   task -> [pairs] -> train
 *
 * A batch is a pure function of the task (seed, phase, epoch, step), the recipe and the cache, so any number of copies may
 * serve one trainer, and any may be killed. */
#include "common/log.h"
#include "common/opts.h"
#include "stages/pairs/batch.h"
#include "stages/pairs/inspect.h"
#include "stages/pairs/workers.h"
#include "stages/stage.h"
#include <stdlib.h>
#include <string.h>

enum { TABLE_ROOM = RECIPE_ROWS + 24 };
enum { SHOWN_GROUPS = RECIPE_BOXES | RECIPE_SAMPLING | RECIPE_AUGMENT };

/* What all three uses share. */
struct common_settings {
    struct recipe recipe;
    const char *cache;
    double memory_gib;
};

static size_t common_rows(struct common_settings *s, struct option *table)
{
    recipe_defaults(&s->recipe);
    s->memory_gib = 4;
    const struct option own[] = {
        {"cache", OPT_STRING, &s->cache, "DIR", 0, 0, "cache of regions, split by patient (or the first word)", 0, NULL},
        {"memory", OPT_REAL, &s->memory_gib, "GIB", 0, 1e6,
         "keep boxes in memory if they fit into this many GiB; read them each time otherwise", 0, NULL},
    };
    memcpy(table, own, sizeof own);
    return COUNT_OF(own);
}

static size_t recipe_rows(struct common_settings *s, struct option *table, size_t used)
{
    return used + recipe_options(&s->recipe, SHOWN_GROUPS, table + used, TABLE_ROOM - used);
}

static void parse(struct opts *o, struct common_settings *s, int argc, char **argv)
{
    struct error e = {0};
    if (opts_parse(o, argc, argv, &e))
        die_of(&e);
    if (o->rest_count > 1 || (o->rest_count == 1 && s->cache))
        die(EX_USAGE, "too many words: '%s' and '%s'; one cache is enough", s->cache ? s->cache : o->rest[0],
            o->rest[o->rest_count - 1]);
    if (o->rest_count == 1)
        s->cache = o->rest[0];
    if (!s->cache)
        die(EX_USAGE, "no cache given: name its directory, as in '%s DIR'", o->program);
}

static void open_bench(struct workbench *b, struct common_settings *s, bool preload)
{
    struct error e = {0};
    if (workbench_open(b, &s->recipe, s->cache, preload ? (uint64_t)(s->memory_gib * 0x1p30) : 0, &e))
        die_of(&e);
}

/* ---- petrel-pairs apply ---- */

static int apply_main(int argc, char **argv)
{
    struct common_settings s = {0};
    const char *ops = NULL, *out = NULL;
    int64_t row = 0;
    struct option table[TABLE_ROOM];
    size_t used = common_rows(&s, table);
    table[used++] = (struct option){
        "op",
        OPT_STRING,
        &ops,
        "LIST",
        0,
        0,
        "augmentations, in order: affine,flip,rotate,noise,histogram,contrast; none: the box as training sees it raw",
        0,
        NULL};
    table[used++] = (struct option){"row", OPT_INT, &row, "K", 0, 1e15, "row of the cache", 0, NULL};
    table[used++] = (struct option){
        "out", OPT_STRING, &out, "FILE", 0, 0, "where to write the box, .nii or .nii.gz; its CT goes to FILE_CT",
        0,     NULL};
    struct opts o = {.program = "petrel-pairs apply",
                     .usage = "--op LIST [--seed S] DIR --row K --out FILE",
                     .purpose =
                         "writes one region's box, standardised and augmented, for looking at; prints what was drawn",
                     .table = table,
                     .count = recipe_rows(&s, table, used),
                     .common = {.seed = 1}};
    parse(&o, &s, argc, argv);
    if (!ops || !out)
        die(EX_USAGE, "nothing to do without --%s", ops ? "out" : "op");
    struct workbench b;
    struct error e = {0};
    open_bench(&b, &s, false);
    if (inspect_box(&b, row, ops, (uint64_t)o.common.seed, out, stdout, &e))
        die_of(&e);
    workbench_close(&b);
    return EX_OK;
}

/* ---- petrel-pairs show ---- */

static const char *const phase_names[SAMPLING_PHASES] = {"pretrain", "pretrain-validation", "classifier",
                                                         "classifier-validation"};

static int show_main(int argc, char **argv)
{
    struct common_settings s = {0};
    const char *phase = phase_names[PHASE_PRETRAIN];
    struct pair_task_message task = {0};
    struct option table[TABLE_ROOM];
    size_t used = common_rows(&s, table);
    table[used++] = (struct option){
        "phase",    OPT_CHOICE, &phase, "pretrain|pretrain-validation|classifier|classifier-validation", 0, 0,
        "for what", 0,          NULL};
    table[used++] = (struct option){"epoch", OPT_INT, &task.epoch, "E", 0, 1e9, "which epoch, from 0", 0, NULL};
    table[used++] =
        (struct option){"step", OPT_INT, &task.step, "K", 0, 1e9, "which batch of the epoch, from 0", 0, NULL};
    struct opts o = {
        .program = "petrel-pairs show",
        .usage = "DIR --seed S --epoch E --step K",
        .purpose = "prints the pairs a batch holds: rows, labels, patients, what view 2 is and what was drawn for it",
        .table = table,
        .count = recipe_rows(&s, table, used),
        .common = {.seed = 1}};
    parse(&o, &s, argc, argv);
    while (strcmp(phase_names[task.phase], phase))
        task.phase++;
    task.seed = (uint64_t)o.common.seed;
    struct workbench b;
    struct error e = {0};
    open_bench(&b, &s, false);
    if (inspect_batch(&b, &task, stdout, &e))
        die_of(&e);
    workbench_close(&b);
    return EX_OK;
}

/* ---- petrel-pairs ---- */

struct serve {
    struct common_settings settings;
    struct stage_options stage;
    struct workbench bench;
    struct progress progress;
    int64_t jobs;
    bool json;
};

static void watch(void *context, const struct tally *tally)
{
    struct serve *s = context;
    if (tally->batches != s->progress.done)
        progress_update(&s->progress, tally->batches, NULL);
}

static int serve_loop(struct serve *s, struct tally *tally, bool watched)
{
    struct stage st;
    struct taken item;
    struct error e = {0};
    stage_open(&st, "pairs", &s->stage, true, true);
    while (stage_take(&st, &item)) {
        struct pair_task_message task;
        struct pair_batch_message batch;
        struct buffer bytes = {0};
        if (pair_task_decode(&item.bytes, &task, &e) || batch_make(&s->bench, &task, &batch, &e))
            die_of(&e);
        tally->boxes += (uint64_t)batch.views * (uint64_t)batch.count;
        tally->batches++;
        pair_batch_encode(&batch, &bytes);
        pair_batch_free(&batch);
        stage_give(&st, &item, &bytes);
        if (watched)
            watch(s, tally);
    }
    if (watched)
        progress_end(&s->progress);
    return stage_close(&st, "%llu batches, %llu boxes", (unsigned long long)tally->batches,
                       (unsigned long long)tally->boxes);
}

static int serve_child(void *context, struct tally *tally)
{
    struct serve *s = context;
    log_open(true, s->json); /* the parent speaks for all */
    return serve_loop(s, tally, false);
}

static const char *failing_run;
static void tell_run(int code, const char *sentence)
{
    run_fail(failing_run, code, sentence);
}

static int serve_main(int argc, char **argv)
{
    struct serve s = {.jobs = 1};
    struct option table[TABLE_ROOM];
    stage_defaults(&s.stage);
    size_t used = common_rows(&s.settings, table);
    table[used++] = (struct option){
        "j", OPT_INT, &s.jobs, "N", 1, WORKERS_MAX, "processes side by side; the batches do not depend on it", 0, NULL};
    used += stage_option_rows(&s.stage, "tasks", "pairs", table + used, TABLE_ROOM - used);
    struct opts o = {.program = "petrel-pairs",
                     .usage = "[options] DIR --run RUN | apply ... | show ...",
                     .purpose = "makes the batches petrel-train asks for: which regions, which views, augmented",
                     .epilogue = "petrel-pairs show prints the pairs of a batch; petrel-pairs apply writes an "
                                 "augmented box. Both have --help.",
                     .table = table,
                     .count = recipe_rows(&s.settings, table, used),
                     .common = {.seed = 1}};
    parse(&o, &s.settings, argc, argv);
    if (!s.stage.run || !*s.stage.run)
        die(EX_USAGE, "no run directory given: --run RUN");
    failing_run = s.stage.run;
    die_hook(tell_run); /* until stage_open sets its own */
    s.json = o.common.json;
    open_bench(&s.bench, &s.settings, true);
    progress_begin(&s.progress, "pairs", "batches", 0, 0);

    struct tally tally = {0};
    int code;
    if (s.jobs == 1) {
        code = serve_loop(&s, &tally, true);
    } else {
        const struct workers workers = {.count = (int)s.jobs, .work = serve_child, .watch = watch, .context = &s};
        code = workers_run(&workers, &tally);
        progress_end(&s.progress);
        log_last("%llu batches, %llu boxes, %d workers", (unsigned long long)tally.batches,
                 (unsigned long long)tally.boxes, (int)s.jobs);
    }
    workbench_close(&s.bench);
    return code;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "apply"))
        return apply_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "show"))
        return show_main(argc - 1, argv + 1);
    return serve_main(argc, argv);
}
