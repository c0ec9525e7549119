/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-suv -- scale each volume to SUV.   load -> [suv] -> roi */
#include "common/log.h"
#include "stages/stage.h"
#include "stages/suv/suv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    struct opt_reals spacing, clip;
    const char *formula, *crop;
    double low_mm, high_mm; /* of crop, unless it is "thighs" */
    double thigh_mm;
    bool accept_implausible;
};

/* What is asked of one scan. */
static int scan_convert(struct volume_message *m, const struct settings *s, struct error *e)
{
    if (suv_factor(&m->facts, s->formula, e) < 0)
        return -1;
    suv_apply(&m->volume, &m->facts);
    suv_statistics(&m->volume, &m->facts);
    if (suv_gate(&m->volume, &m->facts, s->accept_implausible, e) < 0)
        return -1;
    if (s->crop && strcmp(s->crop, "thighs") == 0)
        volume_crop_thighs(&m->volume, s->thigh_mm, m->facts.cropped, sizeof m->facts.cropped);
    else if (s->crop && volume_crop(&m->volume, s->low_mm, s->high_mm, e) < 0)
        return -1;
    if (s->spacing.count && volume_resample(&m->volume, s->spacing.value, e) < 0)
        return -1;
    if (s->clip.count)
        suv_clip(&m->volume, s->clip.value[0], s->clip.value[1]);
    if (s->crop || s->spacing.count || s->clip.count) /* of the volume as it leaves */
        suv_statistics(&m->volume, &m->facts);
    return 0;
}

/* --crop: "thighs", or two heights. */
static void crop_read(struct settings *s)
{
    char rest;
    if (s->crop && strcmp(s->crop, "thighs") != 0 &&
        (sscanf(s->crop, "%lf,%lf%c", &s->low_mm, &s->high_mm, &rest) != 2 || !(s->low_mm <= s->high_mm)))
        die(EX_USAGE, "--crop is '%s': give 'thighs', or two heights in mm, the lower first, such as -900,0", s->crop);
}

int main(int argc, char **argv)
{
    struct settings settings = {.formula = "bw", .thigh_mm = THIGH_MM};
    struct stage_options ends;
    stage_defaults(&ends);
    struct option table[24] = {
        {"formula", OPT_CHOICE, &settings.formula, SUV_FORMULAS, 0, 0,
         "SUV by body weight, by lean mass (SUL) after James or Janmahasatian, or by body surface after Du Bois", 0,
         NULL},
        {"spacing", OPT_REALS, &settings.spacing, "MM,MM,MM", 0, 0,
         "resample to voxels of this size (slices, rows, columns): linear, masks nearest; default: as scanned", 0, NULL},
        {"crop", OPT_STRING, &settings.crop, "MM,MM|thighs", 0, 0,
         "keep the slices between these two heights in the scanner's coordinates, such as -900,0; or cut at the "
         "thighs, found by "
         "where the legs part; default: all",
         0, NULL},
        {"thigh-mm", OPT_REAL, &settings.thigh_mm, "MM", 0, 1000,
         "--crop thighs: keep this much below the place where the legs part", 0, NULL},
        {"clip", OPT_REALS, &settings.clip, "LOW,HIGH", 0, 0, "SUV below and above become these; default: as they are",
         0, NULL},
        {"accept-implausible", OPT_FLAG, &settings.accept_implausible, NULL, 0, 0,
         "tell, and do not refuse, what no patient's scan can be like: for phantoms", 0, NULL},
    };
    struct opts opts = {.program = "petrel-suv",
                        .usage = "[options] --in volumes --out suv",
                        .purpose = "scales each volume to SUV",
                        .epilogue = "Bq/mL with decay corrected to START, ADMIN or NONE, Philips' counts, and volumes "
                                    "that are SUV already; the\n"
                                    "formula and the figures it took travel with the scan. Lean mass wants height and "
                                    "sex, surface wants height.\n"
                                    "Exit codes: 0 all well, 65 some scan was refused (the rest went on).",
                        .table = table,
                        .count = 6};
    opts.count += stage_option_rows(&ends, "volumes", "suv", table + opts.count, COUNT_OF(table) - opts.count);
    struct error e = {0};
    if (opts_parse(&opts, argc, argv, &e) < 0)
        die_of(&e);
    if (opts.rest_count)
        die(EX_USAGE, "'%s' is one word too many: petrel-suv takes volumes from a channel", opts.rest[0]);
    if (settings.spacing.count != 0 && settings.spacing.count != 3)
        die(EX_USAGE, "--spacing wants three numbers, mm between slices, rows and columns");
    crop_read(&settings);
    if (settings.clip.count != 0 && (settings.clip.count != 2 || !(settings.clip.value[0] < settings.clip.value[1])))
        die(EX_USAGE, "--clip wants two SUV, the lower first");

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
        if (scan_convert(&m, &settings, &e) < 0) {
            stage_refuse(&st, &item, m.facts.source, &e);
        } else {
            log_event(
                "suv",
                "scan=%s patient=%s vendor=\"%s\" factor=%.6g delay_s=%.0f suv_max=%.2f seconds=%.2f formula=\"%s\"",
                m.facts.source, m.facts.patient, *m.facts.vendor ? m.facts.vendor : "-", m.facts.suv_factor,
                m.facts.delay_s, m.facts.suv_max, now_s() - begun_s, m.facts.suv_formula);
            if (*m.facts.told)
                log_warn("'%s': %s", m.facts.source, m.facts.told);
            if (*m.facts.cropped)
                log_event("cropped", "scan=%s patient=%s how=\"%s\"", m.facts.source, m.facts.patient, m.facts.cropped);
            volume_message_encode(&m, &out);
            stage_give(&st, &item, &out);
            progress_update(&bar, ++scans, "SUVmax %.1f", m.facts.suv_max);
        }
        volume_message_free(&m);
    }
    progress_end(&bar);
    return stage_close(&st, "%zu scans", scans);
}
