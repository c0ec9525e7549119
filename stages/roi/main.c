/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-roi -- finds the high-uptake regions of each volume.   load -> suv -> [roi] -> cache, classify */
#include "common/given.h"
#include "common/log.h"
#include "proto/made_with.h"
#include "stages/roi/method.h"
#include "stages/roi/regions.h"
#include "stages/stage.h"
#include <stdlib.h>
#include <string.h>

/* What the cache keeps of how the regions were found. */
static void facts_tell(struct scan_facts *f, const struct recipe *r, const struct regions_summary *s)
{
    format_into(f->regions_how, sizeof f->regions_how, "%s %s%s%s%s%s", r->roi_method, s->how,
                *s->liver ? "; liver " : "", s->liver, *s->left_out ? "; left out: " : "", s->left_out);
}

/* The SUV settings are those the volume came with; who was asked for others would not get what was asked for. */
static void settings_tell(struct regions_message *m, const struct recipe *r, const struct scan_facts *suv,
                          const struct opts *o)
{
    struct recipe both = *r;
    struct error e = {0};
    if (*suv->made_with &&
        record_adopt(&both, suv->made_with, RECIPE_SUV, o->table, o->count, "the volume from petrel-suv", &e))
        die_of(&e);
    made_with_write(m, &both);
}

static void scan_move(struct regions_message *to, struct volume *v)
{
    struct given *const given = to->scan.given; /* regions_find has it */
    given_free(&v->given);
    to->scan = *v;
    to->scan.mask = NULL; /* lesions tell of it */
    to->scan.given = given;
    v->voxel = NULL, v->ct = NULL, v->organ = NULL, v->given = NULL;
}

int main(int argc, char **argv)
{
    struct recipe recipe;
    struct opt_reals liver = {0};
    bool with_scan = false;
    struct stage_options ends;
    struct option table[RECIPE_ROWS + 32];
    struct error e = {0};
    recipe_defaults(&recipe);
    stage_defaults(&ends);
    size_t rows = stage_option_rows(&ends, "suv", "regions", table, COUNT_OF(table));
    table[rows++] = (struct option){.name = "method",
                                    .kind = OPT_CHOICE,
                                    .value = &recipe.roi_method,
                                    .group = "Regions",
                                    .argument = "fcm|fixed|relative|percist|given",
                                    .help = "short for --roi-method"};
    table[rows++] =
        (struct option){.name = "liver",
                        .kind = OPT_REALS,
                        .value = &liver,
                        .group = "Regions",
                        .argument = "X,Y,Z",
                        .help = "where the liver is, mm as the scanner has it, RAS (one scan); default: it is found"};
    table[rows++] =
        (struct option){.name = "with-scan",
                        .kind = OPT_FLAG,
                        .value = &with_scan,
                        .help = "give the scan's voxels along with its regions: petrel-classify measures by them"};
    rows += recipe_options(&recipe, RECIPE_REGIONS | RECIPE_BOXES, table + rows, COUNT_OF(table) - rows);
    struct opts opts = {
        .program = "petrel-roi",
        .usage = "[options] --in suv --out regions",
        .table = table,
        .count = rows,
        .purpose = "finds the high-uptake regions of each volume, their boxes and their positions",
        .epilogue =
            "Takes volumes in SUV from --in and gives each scan's regions to --out.\n"
            "fcm: fuzzy c-means of the SUV histogram, plain and smoothed, then growing from every peak that "
            "stands out\n"
            "fixed: SUV >= --fixed-suv; relative: SUV >= 41 % of each region's own SUVmax, at least 2.5\n"
            "percist: SUV >= 1.5 x mean + 2 sd of a sphere in the liver, which is found and said\n"
            "given: the regions that petrel-load read with --regions, as they are\n"
            "--exclude: by the scan's organ map (1 spleen 2 kidneys 3 liver 4 bladder 5 lungs 6 brain 7 heart "
            "8 stomach\n"
            "9 prostate 10 glands 12 aorta 13 vertebrae) where it has one; else by where organs lie from the liver\n",
    };
    if (opts_parse(&opts, argc, argv, &e) || recipe_check(&recipe, &e))
        die_of(&e);
    if (opts.rest_count)
        die(EX_USAGE, "'%s' is one word too many: petrel-roi takes volumes from a channel", opts.rest[0]);

    if (liver.count != 0 && liver.count != 3)
        die(EX_USAGE, "--liver wants three numbers, mm to the right, to the front, up");

    struct stage st;
    struct taken item;
    struct progress bar;
    uint64_t scans = 0, regions = 0, tumours = 0;
    stage_open(&st, "roi", &ends, true, true);
    progress_begin(&bar, "regions", "scans", 0, 0);
    while (stage_take(&st, &item)) {
        if (stage_pass_refusal(&st, &item))
            continue;
        struct volume_message in;
        struct regions_message out;
        struct regions_summary found;
        struct buffer bytes;
        double begun_s = now_s();
        if (volume_message_decode(&item.bytes, &in, &e))
            die_of(&e);
        buffer_free(&item.bytes); /* the scan is held once, not twice */
        if (in.volume.given && strcmp(recipe.roi_method, "given") != 0)
            log_warn("scan '%s' came with regions that somebody drew, and roi-method %s does not look at them: give "
                     "--roi-method given",
                     in.facts.source, recipe.roi_method);
        if (regions_find(&in.volume, &recipe, liver.count ? liver.value : NULL, &out, &found, &e)) {
            stage_refuse(&st, &item, in.facts.source, &e);
            volume_message_free(&in);
            continue;
        }
        out.facts = in.facts;
        facts_tell(&out.facts, &recipe, &found);
        settings_tell(&out, &recipe, &in.facts, &opts);
        if (with_scan)
            scan_move(&out, &in.volume);
        regions_message_encode(&out, &bytes);
        stage_give(&st, &item, &bytes);
        scans++, regions += found.regions, tumours += found.tumours;
        log_record("regions", metric_text("scan", in.facts.source),
                   metric_number("regions", "%.0f", (double)found.regions),
                   metric_number("tumours", "%.0f", (double)found.tumours),
                   metric_number("clipped", "%.0f", (double)found.clipped), metric_text("how", found.how),
                   metric_number("seconds", "%.2f", now_s() - begun_s));
        if (*found.liver)
            log_event("liver", "scan=%s reference=\"%s\"", in.facts.source, found.liver);
        if (*found.left_out)
            log_event("excluded", "scan=%s regions=%zu tumours=%zu what=\"%s\"", in.facts.source, out.excluded_count,
                      found.excluded_tumours, found.left_out);
        progress_update(&bar, scans, "%llu regions", (unsigned long long)regions);
        regions_message_free(&out);
        volume_message_free(&in);
    }
    progress_end(&bar);
    return stage_close(&st, "%llu scans, %llu regions, %llu tumours", (unsigned long long)scans,
                       (unsigned long long)regions, (unsigned long long)tumours);
}
