/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-cache -- collects regions into a directory of checked files and keeps it.   roi -> [cache] -> pairs, eval */
#include "stages/cache/cache.h"
#include <string.h>

static const struct {
    const char *name;
    int (*act)(const char *dir, const struct cache_options *o, const struct opts_common *common);
} commands[] = {{"collect", cache_collect}, {"verify", cache_verify}, {"ls", cache_list},
                {"split", cache_divide},    {"recall", cache_recall}, {"pictures", cache_pictures}};

int main(int argc, char **argv)
{
    struct cache_options o = {.validation = 0.2, .test = 0.2};
    struct option table[RECIPE_ROWS + STAGE_OPTION_ROWS + 6];
    struct error e = {0};
    stage_defaults(&o.ends);
    recipe_defaults(&o.recipe);
    size_t rows = stage_option_rows(&o.ends, "regions", NULL, table, COUNT_OF(table));
    table[rows++] = (struct option){.name = "validation",
                                    .kind = OPT_REAL,
                                    .value = &o.validation,
                                    .argument = "SHARE",
                                    .low = 0,
                                    .high = 0.9,
                                    .help = "split: share of the patients to validate with",
                                    .group = "Split"};
    table[rows++] = (struct option){.name = "test",
                                    .kind = OPT_REAL,
                                    .value = &o.test,
                                    .argument = "SHARE",
                                    .low = 0,
                                    .high = 0.9,
                                    .help = "split: share of the patients to test with",
                                    .group = "Split"};
    table[rows++] = (struct option){.name = "force",
                                    .kind = OPT_FLAG,
                                    .value = &o.force,
                                    .help = "split: replace another split that is there",
                                    .group = "Split"};
    table[rows++] = (struct option){.name = "keep",
                                    .kind = OPT_FLAG,
                                    .value = &o.keep,
                                    .help = "split: patients stay where they are, those that came since are placed",
                                    .group = "Split"};
    table[rows++] = (struct option){.name = "link",
                                    .kind = OPT_FLAG,
                                    .value = &o.link,
                                    .help = "merge: hard links in place of copies (one file system)",
                                    .group = "Merge"};
    /* a pipeline gives all its stages the same words: its recipe is welcome here, and petrel-roi's short one */
    table[rows++] = (struct option){.name = "method",
                                    .kind = OPT_CHOICE,
                                    .value = &o.recipe.roi_method,
                                    .flags = OPT_HIDDEN,
                                    .argument = "fcm|fixed|relative|percist"};
    rows += recipe_options(&o.recipe, 0, table + rows, COUNT_OF(table) - rows);
    struct opts opts = {
        .program = "petrel-cache",
        .usage = "collect|verify|ls|split|merge|recall|pictures [options] DIR [CACHE ...]",
        .table = table,
        .count = rows,
        .purpose = "keeps regions in a directory: one HDF5 file a scan, and a manifest",
        .epilogue =
            "collect  takes regions from --in and publishes each scan's; run again, it goes on where it was\n"
            "verify   reads everything back and checks every sum\n"
            "ls       lists the scans: patient, regions, tumours, split, SUVmax (--json: every fact)\n"
            "split    divides the patients into train, validation and test by --seed, tumours about equal\n"
            "merge    CACHE ... into DIR: the parts that tasks of a cluster made become the cache of the whole\n"
            "recall   says which lesions of the truth no region holds half of, by volume, SUVmax and site\n"
            "pictures draws each scan's regions on its maximum-intensity projection: DIR/pictures/SCAN.png\n"
            "Exit codes: 65 a scan was refused or something is damaged (named), 66 no cache there, 75 another\n"
            "program writes this cache, 78 the cache was made with other settings.",
    };
    if (opts_parse(&opts, argc, argv, &e))
        die_of(&e);
    if (opts.rest_count > 2 && strcmp(opts.rest[0], "merge") == 0)
        return cache_gather(opts.rest + 1, opts.rest_count - 1, &o, &opts.common);
    if (opts.rest_count != 2)
        die(EX_USAGE, "give one of collect, verify, ls, split, recall, pictures and one directory, or merge, a "
                      "directory and the caches "
                      "to merge into it");
    if (o.force && o.keep)
        die(EX_USAGE, "--keep and --force contradict each other: keep the patients' split, or replace it");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(opts.rest[0], commands[i].name) == 0)
            return commands[i].act(opts.rest[1], &o, &opts.common);
    die(EX_USAGE, "'%s' is none of collect, verify, ls, split, merge, recall, pictures", opts.rest[0]);
}
