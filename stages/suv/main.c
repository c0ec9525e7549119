/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-suv -- scale each volume to SUV.   load -> [suv] -> roi */
#include "common/file.h"
#include "common/log.h"
#include "proto/recipe.h"
#include "stages/stage.h"
#include "stages/suv/suv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is asked of one scan. */
static int scan_convert(struct volume_message *m, const struct recipe *r, bool accept_implausible, struct error *e)
{
    double low_mm, high_mm;
    if (suv_factor(&m->facts, r->formula, e) < 0)
        return -1;
    suv_apply(&m->volume, &m->facts);
    suv_statistics(&m->volume, &m->facts);
    if (suv_gate(&m->volume, &m->facts, accept_implausible, e) < 0)
        return -1;
    switch (recipe_crop(r, &low_mm, &high_mm, e)) {
    case CROP_NONE: break;
    case CROP_THIGHS: volume_crop_thighs(&m->volume, r->thigh_mm, m->facts.cropped, sizeof m->facts.cropped); break;
    case CROP_HEIGHTS:
        if (volume_crop(&m->volume, low_mm, high_mm, e) < 0)
            return -1;
        break;
    default: return -1;
    }
    if (r->spacing.count && volume_resample(&m->volume, r->spacing.value, e) < 0)
        return -1;
    if (r->clip.count)
        suv_clip(&m->volume, r->clip.value[0], r->clip.value[1]);
    if (r->spacing.count || r->clip.count || strcmp(r->crop, "none") != 0) /* of the volume as it leaves */
        suv_statistics(&m->volume, &m->facts);
    return 0;
}

/* petrel-suv explain SCAN...: files are parsed by petrel-load alone, which says what the rules here make of them. */
static _Noreturn void explain(char **argv)
{
    char *load = program_beside("petrel-load");
    size_t count = 0;
    while (argv[count])
        count++;
    char **word = xalloc(count + 1, sizeof *word);
    memcpy(word, argv, count * sizeof *word);
    word[0] = (char[]){"petrel-load"};
    word[1] = (char[]){"--explain"};
    execv(load, word);
    die(EX_UNAVAILABLE, "cannot start '%s': %s", load, strerror(errno));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "explain") == 0)
        explain(argv);
    struct recipe recipe;
    struct stage_options ends;
    bool accept_implausible = false;
    struct option table[RECIPE_ROWS + STAGE_OPTION_ROWS + 1];
    struct error e = {0};
    recipe_defaults(&recipe);
    stage_defaults(&ends);
    size_t rows = recipe_options(&recipe, RECIPE_SUV, table, COUNT_OF(table));
    table[rows++] = (struct option){"accept-implausible",
                                    OPT_FLAG,
                                    &accept_implausible,
                                    NULL,
                                    0,
                                    0,
                                    "tell, and do not refuse, what no patient's scan can be like: for phantoms",
                                    0,
                                    NULL};
    rows += stage_option_rows(&ends, "volumes", "suv", table + rows, COUNT_OF(table) - rows);
    struct opts opts = {.program = "petrel-suv",
                        .usage = "[options] --in volumes --out suv\n"
                                 "       petrel-suv explain [options of petrel-load] SCAN...",
                        .purpose = "scales each volume to SUV",
                        .epilogue = "Bq/mL with decay corrected to START, ADMIN or NONE, Philips' counts, and volumes "
                                    "that are SUV already; the\n"
                                    "formula and the figures it took travel with the scan. Lean mass wants height and "
                                    "sex, surface wants height.\n"
                                    "Exit codes: 0 all well, 65 some scan was refused (the rest went on).",
                        .table = table,
                        .count = rows};
    if (opts_parse(&opts, argc, argv, &e) < 0 || recipe_check(&recipe, &e) < 0)
        die_of(&e);
    if (opts.rest_count)
        die(EX_USAGE, "'%s' is one word too many: petrel-suv takes volumes from a channel", opts.rest[0]);
    char *record = recipe_record(&recipe, RECIPE_SUV);

    struct stage st;
    stage_open(&st, "suv", &ends, true, true);
    size_t scans = 0;
    struct progress bar;
    progress_begin(&bar, "suv", "scans", 0, 0);
    for (struct taken item; stage_take(&st, &item);) {
        if (stage_pass_refusal(&st, &item))
            continue;
        double begun_s = now_s();
        struct volume_message m = {0};
        struct buffer out = {0};
        e = (struct error){0};
        if (volume_message_decode(&item.bytes, &m, &e) < 0)
            die_of(&e);
        buffer_free(&item.bytes); /* the scan is held once, not twice */
        if (scan_convert(&m, &recipe, accept_implausible, &e) < 0) {
            stage_refuse(&st, &item, m.facts.source, &e);
        } else {
            log_record("suv", metric_text("scan", m.facts.source), metric_text("patient", m.facts.patient),
                       metric_text("vendor", *m.facts.vendor ? m.facts.vendor : "-"),
                       metric_number("factor", "%.6g", m.facts.suv_factor),
                       metric_number("delay_s", "%.0f", m.facts.delay_s),
                       metric_number("suv_max", "%.2f", m.facts.suv_max),
                       metric_number("seconds", "%.2f", now_s() - begun_s), metric_text("formula", m.facts.suv_formula));
            if (*m.facts.told)
                log_warn("'%s': %s", m.facts.source, m.facts.told);
            if (*m.facts.cropped)
                log_event("cropped", "scan=%s patient=%s how=\"%s\"", m.facts.source, m.facts.patient, m.facts.cropped);
            format_into(m.facts.made_with, sizeof m.facts.made_with, "%s", record);
            volume_message_encode(&m, &out);
            stage_give(&st, &item, &out);
            progress_update(&bar, ++scans, "SUVmax %.1f", m.facts.suv_max);
        }
        volume_message_free(&m);
    }
    progress_end(&bar);
    free(record);
    return stage_close(&st, "%zu scans", scans);
}
