/* SPDX-License-Identifier: Apache-2.0 */
/* train -- pretraining on pairs, then the classifier on a frozen encoder.   tasks ─▶ pairs ─▶ [train] ═▶ model files
 *
 *     petrel-train pretrain    --cache DIR --run DIR                 encoder, PEB, heads by a method (--method)
 *     petrel-train classifier  --cache DIR --run DIR --init FILE     the two-layer head
 *     petrel-train describe    [--recipe FILE] [--cache DIR]         the network as a table; what training on the cache takes
 *     petrel-train export      --init FILE --onnx FILE               weights in other clothes */
#include "common/file.h"
#include "common/log.h"
#include "stages/train/batches/augmented_batch.h"
#include "stages/train/batches/batch_source.h"
#include "stages/train/checkpoint/model_publish.h"
#include "stages/train/given.h"
#include "stages/train/run_record.h"
#include <stdlib.h>
#include <string.h>

enum { TABLE_ROOM = RECIPE_ROWS + STAGE_OPTION_ROWS + 24 };

/* ---- options ---- */

static size_t own_rows(struct train *t, struct option *table)
{
    const struct option rows[] = {
        {"cache", OPT_STRING, &t->cache_dir, "DIR", 0, 0, "cache of regions, split by patient", 0, NULL},
        {"init", OPT_STRING, &t->init, "FILE", 0, 0,
         "weights to begin from (the classifier needs an encoder); parts that are not in it are drawn anew", 0, NULL},
        {"out", OPT_STRING, &t->out, "FILE", 0, 0,
         "the best model (default RUN/pretrained.safetensors, or RUN/model.safetensors for the classifier)", 0, NULL},
        {"backend", OPT_CHOICE, &t->backend_name, BACKEND_CHOICES, 0, 0,
         "who computes; auto: a usable GPU, else the cpu", 0, NULL},
        {"resume", OPT_FLAG, &t->resume, NULL, 0, 0,
         "go on from the run directory's checkpoint if it holds one of the same settings; --no-resume is --restart", 0,
         NULL},
        {"restart", OPT_FLAG, &t->restart, NULL, 0, 0,
         "begin anew, taking away what the run directory holds of this phase", 0, NULL},
        {"steps", OPT_INT, &t->step_limit, "K", 0, 1e12,
         "stop after so many steps in all; --out is then the state after them (0: until done)", 0, NULL},
        {"checkpoint-s", OPT_REAL, &t->checkpoint_s, "S", 0, 1e6, "seconds between checkpoints, at least", 0, NULL},
        {"ahead", OPT_INT, &t->ahead, "N", 1, 4096, "batches asked for ahead", 0, NULL},
        {"pair-list", OPT_STRING, &t->pair_list, "FILE", 0, 0,
         "pretrain: pairs from a file (two row numbers a line), boxes read from the cache as they are; no "
         "petrel-pairs, no validation",
         0, NULL},
        {"ranks", OPT_CHOICE, &t->ranks, "alone|environment", 0, 0,
         "pretrain: environment: one of several that share every batch, as srun, mpirun or torchrun started them (NCCL "
         "between GPUs, MPI between processors)",
         0, NULL},
        {"augment-on", OPT_CHOICE, &t->augment_on, "pairs|backend", 0,
         0, "pretrain: who applies what petrel-pairs draws: pairs themselves, or the back end (cuda), to rounding the same",
         0, NULL},
        {"tensorboard", OPT_STRING, &t->tensorboard, "DIR", 0, 0,
         "event files for TensorBoard under DIR/pretrain and DIR/classifier: loss terms, rate, boxes a second", 0, NULL},
        {"onnx", OPT_STRING, &t->export_onnx, "FILE", 0, 0, "export: backbone, PEB and classifier as ONNX (opset 17)",
         0, NULL},
        {"compact", OPT_STRING, &t->export_compact, "FILE", 0, 0,
         "export: a model file without the weights no output depends on; --init, petrel-eval and petrel-classify take "
         "it",
         0, NULL},
        {"model", OPT_STRING, &t->export_model, "FILE", 0, 0,
         "export: a whole model file, of a compact one or of weights from elsewhere", 0, NULL},
    };
    memcpy(table, rows, sizeof rows);
    return COUNT_OF(rows);
}

static size_t channel_rows(struct train *t, struct option *table)
{
    size_t n = stage_option_rows(&t->stage_options, "pairs", "tasks", table, STAGE_OPTION_ROWS), kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(table[i].name, "out")) /* here that is the model file */
            continue;
        table[kept] = table[i];
        table[kept].flags = strcmp(table[i].name, "channel-out") ? table[i].flags : 0;
        kept++;
    }
    return kept;
}

static void parse(struct train *t, int argc, char **argv)
{
    static struct option table[TABLE_ROOM];
    struct error e = {0};
    *t = (struct train){.backend_name = "auto",
                        .checkpoint_s = 60,
                        .ahead = 6,
                        .resume = true,
                        .cohort = "",
                        .ranks = "alone",
                        .augment_on = "pairs"};
    stage_defaults(&t->stage_options);
    recipe_defaults(&t->recipe);
    size_t n = own_rows(t, table);
    n += channel_rows(t, table + n);
    n += recipe_options(&t->recipe, RECIPE_NETWORK | RECIPE_PRETRAIN | RECIPE_CLASSIFIER, table + n, TABLE_ROOM - n);
    struct opts o = {
        .program = "petrel-train",
        .usage = "pretrain|classifier --cache DIR --run DIR [--init FILE] [options]\n       petrel-train "
                 "describe [--recipe FILE] [--cache DIR]\n       petrel-train settings paper|released\n       "
                 "petrel-train export --init FILE [--onnx FILE] "
                 "[--compact FILE] [--model FILE]",
        .purpose = "learns representations of region pairs, then a classifier on them",
        .epilogue = "Batches come from petrel-pairs, started beside it with the same run directory and recipe.\n"
                    "Killed or stopped, run the same command again: it ends in the same bytes.",
        .table = table,
        .count = n,
        .common = {.seed = 1}};
    if (opts_parse(&o, argc, argv, &e) || recipe_check(&t->recipe, &e))
        die_of(&e);
    if (o.rest_count == 2 && !strcmp(o.rest[0], "settings")) {
        if (recipe_file_write(o.rest[1], stdout, &e))
            die_of(&e);
        exit(fflush(stdout) ? EX_IOERR : EX_OK);
    }
    if (o.rest_count != 1)
        die(EX_USAGE, "say one of pretrain, classifier, describe, export ('petrel-train --help' explains)");
    t->option = table;
    t->options = n;
    t->phase = o.rest[0];
    t->seed = (uint64_t)o.common.seed;
    t->threads = o.common.threads;
    t->restart = t->restart || !t->resume;
    if (given_check_backbone(t, &e))
        die_of(&e);
}

/* ---- opening ---- */

static void check_words(const struct train *t)
{
    bool classifier = !strcmp(t->phase, "classifier");
    if (!t->cache_dir)
        die(EX_USAGE, "no cache given: --cache DIR");
    if (!t->stage_options.run)
        die(EX_USAGE, "no run directory given: --run DIR");
    if (classifier && !t->init && !t->recipe.unfreeze)
        die(EX_USAGE, "the classifier stands on an encoder: give --init pretrained.safetensors, or --unfreeze to learn "
                      "all of it from scratch");
    if (classifier && t->pair_list)
        die(EX_USAGE, "--pair-list is for pretrain");
    if ((classifier || t->pair_list) && train_augments(t))
        die(EX_USAGE, "--augment-on is for pretrain with petrel-pairs");
    if (classifier && !ranks_alone(&t->world) && !t->recipe.unfreeze)
        die(EX_USAGE, "--ranks is for pretrain, and for the classifier with --unfreeze: its head alone is learned in "
                      "seconds by one");
    if (classifier && !ranks_alone(&t->world) && !strcmp(t->recipe.classifier_best, "f1"))
        die(EX_USAGE, "--classifier-best f1 is for one trainer: a rank sees its part of a batch alone");
    if (t->recipe.box_slices > 0 && train_augments(t))
        die(EX_USAGE, "--augment-on backend is for volumes, and box_slices is %lld", (long long)t->recipe.box_slices);
}

static void open_data(struct train *t)
{
    struct error e = {0};
    struct box_reader *reader;
    t->channels = recipe_channels(&t->recipe);
    if (cache_open(&t->cache, t->cache_dir, &e) ||
        cache_settings_adopt(&t->cache, &t->recipe, t->option, t->options, &e) ||
        cache_overridden(&t->cache, &t->overridden, &e) || cache_rows(&t->cache, &t->rows, &e) ||
        sampling_plan_make(&t->plan, &t->recipe, &t->cache, t->rows, &e) ||
        box_reader_open(&reader, &t->cache, t->channels, &e))
        die_of(&e);
    box_reader_close(&reader);
    t->cohort = t->cache.simulated == 0 ? "" : t->cache.simulated == 1 ? "simulated cohort" : "partly simulated cohort";
    if (t->init && model_read(&t->init_file, t->init, &e))
        die_of(&e);
    if (t->init && run_record_check_init(t, &e))
        die_of(&e);
    if (run_record_patients(t, &e))
        die_of(&e);
}

static void open_all(struct train *t)
{
    struct error e = {0};
    const char *name = !strcmp(t->phase, "pretrain") ? "pretrained.safetensors" : "model.safetensors";
    if (dir_make(t->stage_options.run, &e) || (ranks_writes(&t->world) && run_lock(t->stage_options.run, &e)))
        die_of(&e);
    t->out_path = t->out ? xstrdup(t->out) : path_join(t->stage_options.run, name);
    open_data(t);
    if (model_network(&t->recipe, t->channels, !strcmp(t->phase, "classifier"), &t->network, &e) ||
        !(t->backend = backend_choose(&(struct backend_wish){t->backend_name, t->recipe.precision, t->threads}, &e)) ||
        !(t->settings = run_record_settings(t, &e)) || augmented_batch_check(t, &e) ||
        (ranks_writes(&t->world) && checkpoint_clear(t, t->restart, &e)) || ranks_join(t, &e))
        die_of(&e);
}

static void close_all(struct train *t)
{
    backend_close(&t->backend);
    safetensors_free(&t->init_file);
    cache_close(&t->cache);
    free(t->overridden);
    free(t->patients[0]);
    free(t->patients[1]);
    free(t->rows);
    free(t->settings);
    free(t->out_path);
}

/* Whoever waits for tasks of a run that is over is told so. */
static int already_finished(struct train *t)
{
    if (!t->pair_list)
        batch_source_end_only(t);
    log_last("%s was finished before: nothing to do, '%s'", t->phase, t->out_path);
    return EX_OK;
}

static const struct {
    const char *name;
    int (*run)(struct train *t);
} PHASES[] = {{"pretrain", pretrain_run}, {"classifier", classifier_run}};

int main(int argc, char **argv)
{
    struct train t;
    struct error e = {0};
    size_t phase = 0;
    parse(&t, argc, argv);
    if (!strcmp(t.phase, "describe")) {
        if (describe_print(&t, stdout, &e))
            die_of(&e);
        return EX_OK;
    }
    if (!strcmp(t.phase, "export"))
        return export_run(&t);
    while (phase < COUNT_OF(PHASES) && strcmp(PHASES[phase].name, t.phase))
        phase++;
    if (phase == COUNT_OF(PHASES))
        die(EX_USAGE, "'%s' is none of pretrain, classifier, describe, export", t.phase);
    if (ranks_prepare(&t, &e))
        die_of(&e);
    check_words(&t);
    run_tell_failure(&t);
    train_catch_signals();
    open_all(&t);
    int finished = model_published(&t, &e);
    if (finished < 0)
        die_of(&e);
    int code = finished ? already_finished(&t) : PHASES[phase].run(&t);
    close_all(&t);
    return code;
}
