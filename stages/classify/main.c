/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-classify -- which regions of a scan are tumour: table, masks, picture.   roi -> [classify] */
#include "common/file.h"
#include "common/log.h"
#include "stages/classify/after.h"
#include "stages/classify/cohort.h"
#include "stages/classify/page.h"
#include "stages/classify/result.h"
#include "stages/classify/upstream.h"
#include "stages/classify/watch/watch.h"
#include "stages/classify/words.h"
#include "stages/stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *model, *out, *keep;
    struct upstream_words words;
    double threshold; /* < 0: the model's own */
    double settle_s, every_s, limit_s, limit_gib;
    bool once;
    struct backend_wish backend;
    struct after after;
};

/* One scan's message to files; what is wrong with one scan is news, not the end. */
static void classify(struct stage *st, struct taken *item, struct model *model, struct settings *s, uint64_t *tumours)
{
    struct regions_message m;
    struct result r;
    struct error e = {0};
    if (regions_message_decode(&item->bytes, &m, &e) < 0)
        die_of(&e);
    if (result_make(&r, &m, model, &e) < 0)
        die_of(&e);
    if (result_write(&r, model, s->out, strcmp(s->keep, "tumour") == 0, &s->after, &e) < 0)
        die_of(&e);
    *tumours += r.tumours;
    log_record("classified", metric_text("scan", m.facts.source), metric_number("regions", "%.0f", (double)m.count),
               metric_number("tumours", "%.0f", (double)r.tumours), metric_number("tumour_ml", "%.2f", r.tumour_ml));
    result_free(&r);
    regions_message_free(&m);
    stage_done(st, item);
}

/* What all results of the folder are together. */
static void gather(const char *out)
{
    struct cohort c;
    struct error e = {0};
    if (cohort_read(&c, out, &e) < 0 || cohort_write(&c, out, &e) < 0 || index_write(&c, out, &e) < 0)
        die_of(&e);
    cohort_free(&c);
}

static void note_refusal(struct stage *st, struct taken *item, bool tell)
{
    struct refusal_message f;
    struct error e = {0};
    if (refusal_message_decode(&item->bytes, &f, &e) < 0)
        die_of(&e);
    if (tell)
        log_warn("refused by %s: %s: %s", f.stage, f.scan, f.sentence);
    st->refused++;
    stage_done(st, item);
}

/* The earlier scan is read as this one is. */
static void earlier_begin(struct settings *s, const struct option *table, size_t rows)
{
    static const char *const passed[] = {"model", "backend", "precision", "units", "threshold"};
    struct words w = {0};
    struct error e = {0};
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < COUNT_OF(passed); k++)
            if (strcmp(table[i].name, passed[k]) == 0) {
                char *value = opts_value(&table[i]), *word = xprintf("--%s=%s", passed[k], value);
                words_add(&w, word);
                free(word);
                free(value);
            }
    if (s->words.accept_implausible)
        words_add(&w, "--accept-implausible");
    if (s->words.keep_identifiers)
        words_add(&w, "--keep-identifiers");
    if (after_begin(&s->after, s->out, (const char *const *)w.word, &e) < 0)
        die_of(&e);
    words_free(&w);
}

/* The words of a reading: ours, less what is the watcher's own. */
static char **reading_words(char **argv, int argc, const char *dir)
{
    static const char *const own[] = {"--out", "--settle", "--every", "--limit", "--limit-size"};
    char **word = xalloc((size_t)argc + 1, sizeof *word);
    size_t n = 0;
    bool named = false;
    for (int i = 0; i < argc; i++) {
        bool ours = strcmp(argv[i], "--once") == 0 || strncmp(argv[i], "--once=", 7) == 0;
        for (size_t k = 0; k < COUNT_OF(own); k++) {
            size_t const length = strlen(own[k]);
            if (strcmp(argv[i], own[k]) == 0) {
                ours = true;
                i++; /* and its value */
                break;
            }
            ours |= strncmp(argv[i], own[k], length) == 0 && argv[i][length] == '=';
        }
        if (!ours && !named && (strcmp(argv[i], "watch") == 0 || strcmp(argv[i], "--") == 0))
            ours = true;
        if (!ours && argv[i] == dir)
            ours = named = true;
        if (!ours)
            word[n++] = argv[i];
    }
    return word;
}

static int watch_folder(const struct settings *s, char **argv, int argc, const char *dir, struct error *e)
{
    char *beside = path_join(dir, "readings"), **word = reading_words(argv, argc, dir);
    struct watch const w = {.dir = dir,
                            .out = s->out ? s->out : beside,
                            .settle_s = s->settle_s,
                            .every_s = s->every_s,
                            .limit_s = s->limit_s,
                            .limit_bytes = s->limit_gib * (1 << 30),
                            .once = s->once,
                            .word = word,
                            .gather = gather};
    int const code = watch_run(&w, e);
    if (code < 0)
        die_of(e);
    free(word);
    free(beside);
    return code;
}

int main(int argc, char **argv)
{
    struct settings s = {.backend = {"auto", "float32", 0},
                         .words = {.units = "auto"},
                         .threshold = -1,
                         .keep = "all",
                         .settle_s = 20,
                         .every_s = 5,
                         .limit_s = 900,
                         .limit_gib = 16};
    struct stage_options so;
    struct stage st;
    const struct option own[] = {
        {"model", OPT_STRING, &s.model, "FILE", 0, 0, "a model file with a classifier", 0, NULL},
        {"out", OPT_STRING, &s.out, "DIR", 0, 0, "folder for the results; one folder a scan is made in it", 0, NULL},
        {"backend", OPT_CHOICE, &s.backend.name, BACKEND_CHOICES, 0, 0, "where the network runs", 0, NULL},
        {"precision", OPT_CHOICE, &s.backend.precision, PRECISION_CHOICES, 0, 0,
         "in which the network runs, however it learned", 0, NULL},
        {"units", OPT_CHOICE, &s.words.units, "auto|suv|bqml", 0, 0, "units of images that do not say", 0, NULL},
        {"override", OPT_STRINGS, &s.words.override, "NAME=VALUE,...|from=FILE.tsv", 0, 0,
         "facts in place of the files', as petrel-load has it", 0, NULL},
        {"accept-implausible", OPT_FLAG, &s.words.accept_implausible, NULL, 0, 0, "as petrel-suv has it: for phantoms",
         0, NULL},
        {"regions", OPT_STRING, &s.words.regions, "FILE", 0,
         0, "regions that somebody drew, in place of our own (one scan only): an image of labels or a mask, RTSTRUCT or SEG",
         0, NULL},
        {"keep", OPT_CHOICE, &s.keep, "all|tumour", 0, 0,
         "tumour: those regions are written back (kept.nii.gz) with what is no tumour taken out", 0, NULL},
        {"organs", OPT_STRING, &s.words.organs, "PATH", 0, 0, "organ map of the scan, as petrel-load has it", 0, NULL},
        {"organs-of", OPT_STRING, &s.words.organs_of, "WHOSE", 0, 0, "whose labels it has, as petrel-load has it", 0,
         NULL},
        {"roi-method", OPT_STRING, &s.words.roi_method, "METHOD", 0, 0,
         "as petrel-roi has it; given: regions are a list's; default: the model's own, or given with --regions", 0, NULL},
        {"given-parts", OPT_STRING, &s.words.given_parts, "auto|labels|components", 0, 0, "as petrel-roi has it", 0,
         NULL},
        {"liver", OPT_STRING, &s.words.liver, "X,Y,Z", 0, 0, "where the liver is, as petrel-roi has it", 0, NULL},
        {"dicom", OPT_STRING, &s.after.dicom, "seg,sr,rtstruct,probability", 0, 0,
         "DICOM objects of the results, with the patient's identity, as petrel-export has them", 0, NULL},
        {"bids", OPT_STRING, &s.after.bids, "DIR", 0, 0, "a BIDS derivative to add the results to, likewise", 0, NULL},
        {"from", OPT_STRINGS, &s.after.from, "PATH", 0, 0,
         "where the scans' DICOM series lie, for --dicom; default: SCAN...", 0, NULL},
        {"earlier", OPT_STRING, &s.after.earlier, "SCAN|RESULT", 0, 0,
         "an earlier scan of the patient, or its result: what became of its lesions (petrel-followup)", 0, NULL},
        {"same-patient", OPT_FLAG, &s.after.same_patient, NULL, 0, 0, "as petrel-followup has it", 0, NULL},
        {"settle", OPT_REAL, &s.settle_s, "S", 0, 86400,
         "watch: a study is complete when it has not changed for so long", 0, NULL},
        {"every", OPT_REAL, &s.every_s, "S", 0.05, 86400, "watch: the folder is looked at so often", 0, NULL},
        {"limit", OPT_REAL, &s.limit_s, "S", 1, 86400, "watch: a study that takes longer is refused", 0, NULL},
        {"limit-size", OPT_REAL, &s.limit_gib, "GIB", 1e-6, 4096, "watch: a study that is larger is refused", 0, NULL},
        {"once", OPT_FLAG, &s.once, NULL, 0, 0, "watch: leave when every study is done or refused", 0, NULL},
        {"keep-identifiers", OPT_FLAG, &s.words.keep_identifiers, NULL, 0, 0,
         "ids of patients, and names of files and folders, in the results; default: salted hashes", 0, NULL},
        {"threshold", OPT_REAL, &s.threshold, "P", -1, 1,
         "a region is called a tumour from this probability on; below 0: the model's own threshold", 0, NULL},
    };
    struct option table[COUNT_OF(own) + STAGE_OPTION_ROWS];
    memcpy(table, own, sizeof own);
    stage_defaults(&so);
    size_t rows = COUNT_OF(own);
    rows += stage_option_rows(&so, "regions", NULL, table + rows, COUNT_OF(table) - rows);
    struct opts o = {
        .program = "petrel-classify",
        .usage =
            "--model FILE SCAN... --out DIR | --model FILE --run DIR --in regions --out DIR | settings --model FILE | "
            "watch DIR --model FILE [--out DIR]",
        .purpose = "says which high-uptake regions of a scan are tumour",
        .epilogue =
            "With scans, load, suv and roi are started with the model's own settings; without, regions are taken from "
            "a channel.\n"
            "watch: reads each study (a folder of DIR) when it is complete, once, until it is stopped; results in "
            "DIR/readings "
            "unless --out.\n"
            "settings: prints the settings the model was trained with, as a recipe for the stages before this one.\n",
        .table = table,
        .count = rows,
        .common = {.seed = 1}};
    struct error e = {0};
    struct model model;
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    bool watching = o.rest_count > 0 && strcmp(o.rest[0], "watch") == 0;
    if (watching && (o.rest_count != 2 || s.model == NULL))
        die(EX_USAGE, "watch wants one folder and a model: petrel-classify watch DIR --model FILE [--out DIR]");
    if (watching)
        return watch_folder(&s, argv, argc, o.rest[1], &e);
    bool settings = o.rest_count == 1 && strcmp(o.rest[0], "settings") == 0, alone = o.rest_count > 0;
    if (s.model == NULL)
        die(EX_USAGE, "--model is missing: name a model file");
    if (!settings && s.out == NULL)
        die(EX_USAGE, "--out is missing: name a folder for the results");
    if (!alone && (so.run == NULL || *so.run == '\0'))
        die(EX_USAGE, "no scan was named, and no run directory to take regions from: petrel-classify --model FILE "
                      "SCAN... --out DIR");
    if (settings) {
        if (model_open_facts(&model, s.model, &e) < 0)
            die_of(&e);
        fputs(model.settings, stdout);
        model_close(&model);
        return EX_OK;
    }
    s.after.keep = strcmp(s.keep, "tumour") == 0;
    if (after_check(&s.after, o.rest, o.rest_count, s.words.regions, &e) < 0)
        die_of(&e);
    if (!alone) /* first, so that the others hear of it should the model be no good */
        stage_open(&st, "classify", &so, true, false);
    s.backend.threads = o.common.threads;
    if (model_open(&model, s.model, &s.backend, &e) < 0)
        die_of(&e);
    if (file_sha256(s.model, model.sha256, &e) < 0)
        die_of(&e);
    if (s.threshold >= 0)
        model.recipe.threshold = s.threshold;
    if (!model.has_classifier)
        die(EX_DATAERR, "model '%s' has no classifier: train one with petrel-train classifier", s.model);
    if (dir_make(s.out, &e) < 0)
        die_of(&e);
    if (model.simulated)
        log_warn("the model was trained on a %s: this shows that the program works, not what is tumour", model.cohort);

    earlier_begin(&s, table, rows);
    if (alone) {
        s.words.out = s.out;
        if (upstream_start(o.rest, o.rest_count, &s.words, model.settings, &so.run, &e) < 0)
            die_of(&e);
        stage_open(&st, "classify", &so, true, false);
    }
    struct taken item;
    uint64_t tumours = 0;
    struct progress bar;
    progress_begin(&bar, "classify", "scans", 0, 0);
    while (stage_take(&st, &item)) {
        if (message_type_of(&item.bytes, &e) == MESSAGE_REFUSAL)
            note_refusal(&st, &item, !alone); /* alone, upstream tells */
        else
            classify(&st, &item, &model, &s, &tumours);
        progress_update(&bar, st.taken, NULL);
    }
    progress_end(&bar);
    gather(s.out);
    int after = after_end(&s.after, s.out);
    uint64_t scans = st.taken - st.refused;
    int rc = stage_close(&st, "%llu scans, %llu tumours", (unsigned long long)scans, (unsigned long long)tumours);
    int before = alone ? upstream_end() : EX_OK;
    model_close(&model);
    return before != EX_OK ? before : rc != EX_OK ? rc : after;
}
