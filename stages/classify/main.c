/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-classify -- which regions of a scan are tumour: table, masks, picture.   roi -> [classify] */
#include "common/file.h"
#include "common/log.h"
#include "stages/classify/result.h"
#include "stages/classify/upstream.h"
#include "stages/stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *model, *out;
    struct upstream_words words;
    double threshold; /* < 0: the model's own */
    struct backend_wish backend;
};

/* One scan's message to files; what is wrong with one scan is news, not the end. */
static void classify(struct stage *st, struct taken *item, struct model *model, const char *out, uint64_t *tumours)
{
    struct regions_message m;
    struct result r;
    struct error e = {0};
    if (regions_message_decode(&item->bytes, &m, &e) < 0)
        die_of(&e);
    if (result_make(&r, &m, model, &e) < 0)
        die_of(&e);
    if (result_write(&r, model, out, &e) < 0)
        die_of(&e);
    *tumours += r.tumours;
    log_record("classified", metric_text("scan", m.facts.source), metric_number("regions", "%.0f", (double)m.count),
               metric_number("tumours", "%.0f", (double)r.tumours), metric_number("tumour_ml", "%.2f", r.tumour_ml));
    result_free(&r);
    regions_message_free(&m);
    stage_done(st, item);
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

int main(int argc, char **argv)
{
    struct settings s = {.backend = {"auto", "float32", 0}, .words = {.units = "auto"}, .threshold = -1};
    struct stage_options so;
    struct stage st;
    struct option table[9 + STAGE_OPTION_ROWS] = {
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
        {"keep-identifiers", OPT_FLAG, &s.words.keep_identifiers, NULL, 0, 0,
         "ids of patients, and names of files and folders, in the results; default: salted hashes", 0, NULL},
        {"threshold", OPT_REAL, &s.threshold, "P", -1, 1,
         "a region is called a tumour from this probability on; below 0: the model's own threshold", 0, NULL},
    };
    stage_defaults(&so);
    size_t rows = 9 + stage_option_rows(&so, "regions", NULL, table + 9, COUNT_OF(table) - 9);
    struct opts o = {
        .program = "petrel-classify",
        .usage =
            "--model FILE SCAN... --out DIR | --model FILE --run DIR --in regions --out DIR | settings --model FILE",
        .purpose = "says which high-uptake regions of a scan are tumour",
        .epilogue =
            "With scans, load, suv and roi are started with the model's own settings; without, regions are taken from "
            "a channel.\n"
            "settings: prints the settings the model was trained with, as a recipe for the stages before this one.\n",
        .table = table,
        .count = rows,
        .common = {.seed = 1}};
    struct error e = {0};
    struct model model;
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
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
    if (!alone) /* first, so that the others hear of it should the model be no good */
        stage_open(&st, "classify", &so, true, false);
    s.backend.threads = o.common.threads;
    if (model_open(&model, s.model, &s.backend, &e) < 0)
        die_of(&e);
    if (s.threshold >= 0)
        model.recipe.threshold = s.threshold;
    if (!model.has_classifier)
        die(EX_DATAERR, "model '%s' has no classifier: train one with petrel-train classifier", s.model);
    if (dir_make(s.out, &e) < 0)
        die_of(&e);
    if (model.simulated)
        log_warn("the model was trained on a %s: this shows that the program works, not what is tumour", model.cohort);

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
            classify(&st, &item, &model, s.out, &tumours);
        progress_update(&bar, st.taken, NULL);
    }
    progress_end(&bar);
    uint64_t scans = st.taken - st.refused;
    int rc = stage_close(&st, "%llu scans, %llu tumours", (unsigned long long)scans, (unsigned long long)tumours);
    int before = alone ? upstream_end() : EX_OK;
    model_close(&model);
    return before != EX_OK ? before : rc;
}
