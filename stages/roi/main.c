/* petrel-roi -- finds the high-uptake regions of each volume.   load -> suv -> [roi] -> cache, classify */
#include "common/log.h"
#include "proto/recipe.h"
#include "stages/roi/method.h"
#include "stages/roi/regions.h"
#include "stages/stage.h"

int main(int argc, char **argv)
{
    struct recipe recipe;
    struct stage_options ends;
    struct option table[RECIPE_ROWS + 32];
    struct error e = { 0 };
    recipe_defaults(&recipe);
    stage_defaults(&ends);
    size_t rows = stage_option_rows(&ends, "suv", "regions", table, COUNT_OF(table));
    table[rows++] = (struct option){ .name = "method", .kind = OPT_CHOICE, .value = &recipe.roi_method, .group = "Regions",
                                     .argument = "fcm|fixed|relative|percist", .help = "short for --roi-method" };
    rows += recipe_options(&recipe, RECIPE_REGIONS | RECIPE_BOXES, table + rows, COUNT_OF(table) - rows);
    struct opts opts = {
        .program = "petrel-roi", .usage = "[options] --in suv --out regions", .table = table, .count = rows,
        .purpose = "finds the high-uptake regions of each volume, their boxes and their positions",
        .epilogue = "Takes volumes in SUV from --in and gives each scan's regions to --out.\n"
                    "fcm: fuzzy c-means of the SUV histogram, plain and smoothed, then growing from local maxima\n"
                    "fixed: SUV >= --fixed-suv; relative: SUV >= 41 % of each region's own SUVmax, at least 2.5\n",
    };
    if (opts_parse(&opts, argc, argv, &e) || recipe_check(&recipe, &e) || method_check(&recipe, &e))
        die_of(&e);
    if (opts.rest_count)
        die(EX_USAGE, "'%s' is one word too many: petrel-roi takes volumes from a channel", opts.rest[0]);

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
        if (regions_find(&in.volume, &recipe, &out, &found, &e)) {
            stage_refuse(&st, &item, in.facts.source, &e);
            volume_message_free(&in);
            continue;
        }
        out.facts = in.facts;
        out.settings = recipe_digest(&recipe, RECIPE_REGIONS);
        regions_message_encode(&out, &bytes);
        stage_give(&st, &item, &bytes);
        scans++, regions += found.regions, tumours += found.tumours;
        log_event("regions", "scan=%s regions=%zu tumours=%zu clipped=%zu %s seconds=%.2f", in.facts.source,
                  found.regions, found.tumours, found.clipped, found.how, now_s() - begun_s);
        progress_update(&bar, scans, "%llu regions", (unsigned long long)regions);
        regions_message_free(&out);
        volume_message_free(&in);
    }
    progress_end(&bar);
    return stage_close(&st, "%llu scans, %llu regions, %llu tumours", (unsigned long long)scans, (unsigned long long)regions,
                       (unsigned long long)tumours);
}
