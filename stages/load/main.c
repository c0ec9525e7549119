/* petrel-load -- reads scans from files and gives them to the pipeline.   scans on disk -> [load] -> suv */
#include "common/log.h"
#include "proto/cache.h"
#include "proto/recipe.h"
#include "proto/suv.h"
#include "stages/load/load.h"
#include "stages/stage.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Foreign files cannot make this process larger than it was allowed to be. (The address sanitizer reserves terabytes
 * for itself, so there the limit holds for declared sizes only.) */
static void memory_limit(struct load_options *o, double gib)
{
    o->memory_limit = (size_t)(gib * (1 << 30));
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {o->memory_limit, o->memory_limit};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        die(EX_OSERR, "cannot limit memory to %g GiB: %s", gib, strerror(errno));
#endif
}

/* Which of the scans a cache already holds: they need not be read again. */
static size_t already_cached(const char *dir, uint64_t run, const struct sources *s, bool *skip)
{
    struct cache cache = {0};
    struct error e = {0};
    size_t skipped = 0;
    if (!dir || !dir_exists(dir))
        return 0;
    if (cache_open(&cache, dir, &e) < 0) {
        if (e.code != EX_NOINPUT) /* a directory without anything in it is a cache to be */
            die_of(&e);
        return 0;
    }
    for (size_t i = 0; i < s->count; i++)
        skipped += skip[i] = cache_has(&cache, (struct item_key){run, i});
    cache_close(&cache);
    return skipped;
}

/* People here are told the true path; what travels on, into caches and reports, is told without the patient's id. */
static void refuse(struct stage *st, struct item_key key, const struct source *from, const struct load_options *o,
                   const struct scan_facts *f, const struct error *why)
{
    struct refusal_message told = {.code = why->code};
    struct buffer out = {0};
    log_warn("refused '%s': %s", from->label, why->text);
    format_into(told.scan, sizeof told.scan, "%s", f->source);
    format_into(told.stage, sizeof told.stage, "%s", st->name);
    format_into(told.sentence, sizeof told.sentence, "%s", why->text);
    scan_scrub(from, o, f, told.sentence, sizeof told.sentence);
    refusal_message_encode(&told, &out);
    stage_give_new(st, key, &out);
    st->refused++;
}

/* Of what was found, what is asked for. */
static int scans_choose(struct sources *s, const struct load_options *o, struct error *e)
{
    if (o->metadata && metadata_join(s, o->metadata, e) < 0)
        return -1;
    return sources_choose(s, &o->diagnosis, o->first_study, e);
}

/* --check: the table on stdout, and the exit code. An archive with nothing but bad scans is news here, not death. */
static int check(const struct opts *opts, struct load_options *o, const char *formula)
{
    struct sources sources;
    struct error e = {0};
    o->salt = ""; /* nothing leaves this screen */
    if (sources_find(&sources, opts->rest, opts->rest_count, o, &e) < 0 && (e.code == EX_NOINPUT || e.code == EX_USAGE))
        die_of(&e);
    if (scans_choose(&sources, o, &e) < 0)
        die_of(&e);
    size_t const refused = check_print(&sources, o, formula, stdout), scans = sources.count;
    sources_free(&sources);
    log_last("%zu scans checked, %zu would be refused", scans, refused);
    return refused ? EX_DATAERR : EX_OK;
}

int main(int argc, char **argv)
{
    struct load_options load = {.units = "auto"};
    struct recipe recipe;
    struct stage_options ends;
    const char *skip_cache = NULL, *formula = "bw";
    bool check_only = false;
    double gib = 8;
    stage_defaults(&ends);
    recipe_defaults(&recipe);
    struct option table[14 + STAGE_OPTION_ROWS + RECIPE_ROWS] = {
        {"units", OPT_CHOICE, &load.units, "auto|suv|bqml", 0, 0, "units of images that do not say", 0, NULL},
        {"mask", OPT_STRING, &load.mask, "FILE", 0, 0, "truth of the scan (one scan only): an image, RTSTRUCT or SEG", 0, NULL},
        {"ct", OPT_STRING, &load.ct, "PATH", 0, 0, "CT of the scan (one scan only): an image, or a folder with a CT series", 0, NULL},
        {"organs", OPT_STRING, &load.organs, "FILE", 0, 0,
         "organ map of the scan (one scan only): an image of labels; default: ORGANS.nii.gz beside it, if there", 0, NULL},
        {"roi", OPT_STRINGS, &load.roi, "NAME", 0, 0,
         "region of the RTSTRUCT or segment of the SEG to take as truth; default: all of them", 0, NULL},
        {"metadata", OPT_STRING, &load.metadata, "CSV", 0, 0, "autoPET's table: diagnosis, sex, age and day of each study", 0, NULL},
        {"diagnosis", OPT_STRINGS, &load.diagnosis, "NAME", 0, 0, "read scans of this diagnosis alone, such as MELANOMA", 0, NULL},
        {"first-study", OPT_FLAG, &load.first_study, NULL, 0, 0, "read the first study of each patient alone", 0, NULL},
        {"salt", OPT_STRING, &load.salt, "TEXT", 0, 0, "salt of the patient hash; default: your own, made on first use", 0, NULL},
        {"keep-identifiers", OPT_FLAG, &load.keep_identifiers, NULL, 0, 0, "show patients by their ids, not by a hash", 0, NULL},
        {"memory-limit", OPT_REAL, &gib, "GIB", 0.25, 1024, "memory this program may take, GiB", 0, NULL},
        {"check", OPT_FLAG, &check_only, NULL, 0, 0,
         "read everything, convert nothing, and print a table of what would be refused and why; needs no run", 0, NULL},
        {"formula", OPT_CHOICE, &formula, SUV_FORMULAS, 0, 0, "with --check: the SUV that petrel-suv will be asked for", 0, NULL},
        {"skip-cache", OPT_STRING, &skip_cache, "DIR", 0, 0, "do not read again what this cache holds of the same run", 0, NULL},
    };
    struct opts opts = {
        .program = "petrel-load",
        .usage = "[options] [--channel-out volumes] SCAN|DIR|LIST.tsv ...",
        .purpose = "reads scans from files and gives them to the pipeline",
        .epilogue = "A scan is an image (.nii .nii.gz .hdr .mha .mhd .nrrd .nhdr), a folder with a DICOM PET series, or an autoPET study; a\n"
                    "folder is searched for all of them. Truth: for X.nii.gz, X_mask.nii.gz (Y_mask for X = Y_image), else SEG.nii.gz\n"
                    "beside it, in any of these formats; for DICOM, the RTSTRUCT or segmentation (SEG) that\n"
                    "refers to the series. A list is tab-separated with a header: patient, study, scan, mask, ct, organs.\n"
                    "Organs: ORGANS.nii.gz beside the scan, numbered as petrel-roi --help says.\n"
                    "CT (--channels pet,ct): X_CTres, X_CT, CTres or CT beside an image; for DICOM, the CT series of the same study.\n"
                    "Exit codes: 0 all well, 65 some scan was refused (the rest went on), 66 no scan there.",
        .table = table,
        .count = 14};
    opts.count += stage_option_rows(&ends, NULL, "volumes", table + opts.count, COUNT_OF(table) - opts.count);
    opts.count += recipe_options(&recipe, RECIPE_CHANNELS, table + opts.count, COUNT_OF(table) - opts.count);
    struct error e = {0};
    struct sources sources;
    char own_salt[65];
    if (opts_parse(&opts, argc, argv, &e) < 0)
        die_of(&e);
    load.want_ct = recipe_channels(&recipe) > BOX_CT;
    if (load.ct && !load.want_ct)
        die(EX_USAGE, "--ct names a CT that channels = pet leaves out: give --channels pet,ct, too");
    if (opts.rest_count == 0)
        die(EX_USAGE, "no scan was named: petrel-load SCAN|DIR|LIST.tsv ...");
    if (check_only) {
        memory_limit(&load, gib);
        return check(&opts, &load, formula);
    }
    if (!load.salt) {
        if (hash_salt(own_salt, &e) < 0)
            die_of(&e);
        load.salt = own_salt;
    }
    memory_limit(&load, gib);

    struct stage st;
    stage_open(&st, "load", &ends, false, true);
    if (sources_find(&sources, opts.rest, opts.rest_count, &load, &e) < 0 || scans_choose(&sources, &load, &e) < 0)
        die_of(&e);
    uint64_t run = sources_run(&sources, &load);
    bool *skip = xalloc(sources.count, sizeof *skip);
    size_t skipped = already_cached(skip_cache, run, &sources, skip), done = skipped;
    struct progress bar;
    progress_begin(&bar, "load", "scans", skipped, sources.count);
    for (size_t i = 0; i < sources.count; i++) {
        const struct source *from = &sources.item[i];
        struct item_key key = {run, i};
        struct volume_message m;
        struct buffer out = {0};
        if (skip[i] || stage_arrived(&st, key)) {
            done += !skip[i];
            continue;
        }
        e = (struct error){0};
        if (scan_read(from, &load, &m, &e) < 0) {
            refuse(&st, key, from, &load, &m.facts, &e);
        } else {
            volume_message_encode(&m, &out);
            volume_message_free(&m);
            stage_give_new(&st, key, &out);
        }
        progress_update(&bar, ++done, "%s", from->label);
    }
    progress_end(&bar);
    size_t count = sources.count;
    sources_free(&sources);
    free(skip);
    return skipped ? stage_close(&st, "%zu scans, %zu of them in the cache already", count, skipped)
                   : stage_close(&st, "%zu scans", count);
}
