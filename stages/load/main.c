/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-load -- reads scans from files and gives them to the pipeline.   scans on disk -> [load] -> suv */
#include "common/file.h"
#include "common/log.h"
#include "common/pseudonym.h"
#include "common/utf8.h"
#include "proto/cache.h"
#include "proto/recipe.h"
#include "proto/suv.h"
#include "stages/load/hide.h"
#include "stages/load/reader.h"
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

/* --part K/N: of the scans, as sorted, every Nth from the Kth on is read here; the others are for others, under the keys they have in
 * the whole, so that the parts' caches become the whole's (petrel-cache merge). */
struct part {
    size_t number, of;
};
static struct part part_parse(const char *text)
{
    struct part p = {1, 1};
    char end;
    if (text && (sscanf(text, "%zu/%zu%c", &p.number, &p.of, &end) != 2 || p.number < 1 || p.number > p.of))
        die(EX_USAGE, "'--part' is '%s' (K/N: the Kth of N parts, 1/N to N/N)", text);
    return p;
}
static size_t part_size(struct part p, size_t count)
{
    return count >= p.number ? (count - p.number) / p.of + 1 : 0;
}

/* Which of the scans a cache already holds: they need not be read again. */
static size_t already_cached(const char *dir, uint64_t run, struct part part, size_t count, bool *skip)
{
    struct cache cache = {0};
    struct error e = {0};
    size_t skipped = 0;
    if (!dir || !dir_exists(dir))
        return 0;
    if (cache_open(&cache, dir, &e) < 0) {
        /* a directory without anything in it is a cache to be; of a damaged one its writer says what is wrong, or mends it */
        if (e.code != EX_NOINPUT && e.code != EX_DATAERR)
            die_of(&e);
        return 0;
    }
    for (size_t i = part.number - 1; i < count; i += part.of)
        skipped += skip[i] = cache_has(&cache, (struct item_key){run, i});
    cache_close(&cache);
    return skipped;
}

/* What cannot go on at all, or was asked to stop. */
static _Noreturn void leave(struct stage *st, struct reader **reader, enum reader_outcome outcome, const struct error *e)
{
    reader_close(reader);
    if (outcome == READER_STOPPED)
        stage_leave(st);
    die_of(e);
}

/* One line of --check, tab-separated, whatever a file's name holds. */
static void check_line(const char *stage, const char *scan, const char *reason)
{
    printf("%s\t", stage);
    utf8_put(stdout, scan, strlen(scan));
    putchar('\t');
    for (; *reason; reason++)
        putchar(*reason == '\t' || *reason == '\n' ? ' ' : *reason);
    putchar('\n');
    fflush(stdout);
}

/* --check: every scan is read whole, voxels and truth, and asked whether SUV could be made of it; nothing is converted. The table on
 * stdout is for whoever keeps the archive: it says paths and tags as they are. */
static int check(struct reader *reader, struct part part)
{
    struct reader_list list;
    struct error e = {0};
    struct progress bar;
    size_t refused = 0;
    if (reader_find(reader, &list, &e) != READER_READ)
        leave(NULL, &reader, READER_FAILED, &e);
    size_t const count = part_size(part, list.count);
    progress_begin(&bar, "check", "scans", 0, count);
    for (size_t i = part.number - 1, done = 0; i < list.count; i += part.of) {
        struct buffer out;
        struct refusal_message told = {.stage = "load"};
        e = (struct error){0};
        enum reader_outcome const outcome = reader_scan(reader, &list, i, &out, &e);
        if (outcome == READER_FAILED)
            leave(NULL, &reader, outcome, &e);
        if (outcome == READER_REFUSED) {
            struct error ours = {0};
            (void)!refusal_message_decode(&out, &told, &ours);
            if (refused++ == 0)
                puts("refused_by\tscan\treason");
            check_line(told.stage, list.scan[i].label, e.text);
        }
        if (outcome == READER_READ && out.size) { /* --explain */
            printf("%s%.*s", done ? "\n" : "", (int)out.size, (const char *)out.data);
            fflush(stdout);
            refused += *e.text != '\0';
        }
        buffer_free(&out);
        progress_update(&bar, ++done, "%s", list.scan[i].label);
    }
    progress_end(&bar);
    reader_close(&reader);
    log_last("%zu scans checked, %zu would be refused", count, refused);
    reader_list_free(&list);
    return refused ? EX_DATAERR : EX_OK;
}

/* Names of files and folders go no further than the table beside the run. */
static void names_hide(const struct load_options *o, const struct stage_options *ends, char *const *argument,
                       size_t count)
{
    const char *const more[] = {o->mask, o->ct, o->organs, o->regions, o->metadata};
    struct error e = {0};
    if (!ends->run || !*ends->run) /* stage_open says so */
        return;
    char *path = pseudonyms_path(ends->run), *within = path_join(ends->run, "names");
    if (hide_open(o->salt, path, &e) < 0 && (dir_make(ends->run, &e) < 0 || hide_open(o->salt, within, &e) < 0))
        die_of(&e);
    free(within);
    free(path);
    for (size_t i = 0; i < count; i++) {
        char *real = realpath(argument[i], NULL);
        hide_know(real ? real : argument[i]);
        hide_know(argument[i]);
        free(real);
    }
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (more[i])
            hide_know(more[i]);
}

/* Whoever started this program is told the file; a run's log and records are told what the cache will be. */
static void refused_tell(const struct reader_scan *scan, const struct buffer *refusal, const struct error *why)
{
    struct refusal_message told;
    struct error e = {0};
    if (metric_watched() && refusal_message_decode(refusal, &told, &e) == 0)
        log_refused(told.scan, told.sentence);
    else
        log_refused(scan->label, why->text);
}

int main(int argc, char **argv)
{
    exit_plainly();
    struct load_options load = {.units = "auto", .organs_of = "auto"};
    struct recipe recipe;
    struct stage_options ends;
    const char *skip_cache = NULL, *part_text = NULL;
    bool check_only = false;
    double gib = 8;
    stage_defaults(&ends);
    recipe_defaults(&recipe);
    const struct option own[] = {
        {"units", OPT_CHOICE, &load.units, "auto|suv|bqml", 0, 0, "units of images that do not say", 0, NULL},
        {"mask", OPT_STRING, &load.mask, "FILE", 0, 0, "truth of the scan (one scan only): an image, RTSTRUCT or SEG",
         0, NULL},
        {"ct", OPT_STRING, &load.ct, "PATH", 0, 0,
         "CT of the scan (one scan only): an image, or a folder with a CT series", 0, NULL},
        {"organs", OPT_STRING, &load.organs, "FILE", 0,
         0, "organ map of the scan (one scan only): an image of labels, or a folder of them; default: ORGANS.nii.gz beside it, if there",
         0, NULL},
        {"organs-of", OPT_CHOICE, &load.organs_of,
         "auto|petrel|totalsegmentator|totalsegmentator-v1|moose-organs|moose-cardiac|moose-vertebrae", 0, 0,
         "whose labels organ maps have; auto: by the names of files (liver.nii.gz, ..clin_ct_organs..), else our own",
         0, NULL},
        {"regions", OPT_STRING, &load.regions, "FILE", 0, 0,
         "regions that somebody drew on the scan (one scan only), for roi-method given: an image of labels or a mask, "
         "RTSTRUCT or SEG",
         0, NULL},
        {"roi", OPT_STRINGS, &load.roi, "NAME", 0, 0,
         "region of the RTSTRUCT or segment of the SEG to take as truth; default: all that may be tumour", 0, NULL},
        {"allow-empty-truth", OPT_FLAG, &load.allow_empty_truth, NULL, 0, 0,
         "read scans whose RTSTRUCT or SEG holds no voxel, too", 0, NULL},
        {"metadata", OPT_STRING, &load.metadata, "CSV", 0, 0,
         "autoPET's table: diagnosis, sex, age and day of each study", 0, NULL},
        {"diagnosis", OPT_STRINGS, &load.diagnosis, "NAME", 0, 0,
         "read scans of this diagnosis alone, such as MELANOMA", 0, NULL},
        {"first-study", OPT_FLAG, &load.first_study, NULL, 0, 0, "read the first study of each patient alone", 0, NULL},
        {"salt", OPT_STRING, &load.salt, "TEXT", 0, 0, "salt of the patient hash; default: your own, made on first use",
         0, NULL},
        {"keep-identifiers", OPT_FLAG, &load.keep_identifiers, NULL, 0, 0,
         "keep ids of patients, and names of files and folders, in caches, logs and reports; default: salted hashes", 0,
         NULL},
        {"memory-limit", OPT_REAL, &gib, "GIB", 0.25, 1024, "memory this program may take, GiB", 0, NULL},
        {"check", OPT_FLAG, &check_only, NULL, 0, 0,
         "read everything, convert nothing, and print a table of what would be refused and why; needs no run", 0, NULL},
        {"accept-implausible", OPT_FLAG, &load.accept_implausible, NULL, 0, 0,
         "with --check: as petrel-suv will be told", 0, NULL},
        {"explain", OPT_FLAG, &load.explain, NULL, 0, 0,
         "as --check, but print a page about each scan: how its SUV comes about, and what else its header could give",
         0, NULL},
        {"override", OPT_STRINGS, &load.override, "NAME=VALUE,...|from=FILE.tsv", 0, 0,
         "facts in place of the files', such as weight_g=70000, for all scans, or from a table with a column scan; "
         "recorded "
         "with the scans",
         0, NULL},
        {"skip-cache", OPT_STRING, &skip_cache, "DIR", 0, 0, "do not read again what this cache holds of the same run",
         0, NULL},
        {"part", OPT_STRING, &part_text, "K/N", 0, 0,
         "read every Nth scan from the Kth on: a task of N; petrel-cache merge makes one cache of what they keep", 0,
         NULL},
    };
    struct option table[COUNT_OF(own) + STAGE_OPTION_ROWS + RECIPE_ROWS];
    memcpy(table, own, sizeof own);
    struct opts opts = {
        .program = "petrel-load",
        .usage = "[options] [--channel-out volumes] SCAN|DIR|LIST.tsv ...",
        .purpose = "reads scans from files and gives them to the pipeline",
        .epilogue =
            "A scan is an image (.nii .nii.gz .hdr .mha .mhd .nrrd .nhdr), a folder with a DICOM PET series, or an "
            "autoPET study; a\n"
            "folder is searched for all of them. Truth: for X.nii.gz, X_mask.nii.gz (Y_mask for X = Y_image), else "
            "SEG.nii.gz\n"
            "beside it, in any of these formats; for DICOM, the RTSTRUCT or segmentation (SEG) that\n"
            "refers to the series. A list is tab-separated with a header: patient, study, scan, mask, ct, organs "
            "(docs/layouts.md has all).\n"
            "Organs: ORGANS.nii.gz beside the scan, numbered as petrel-roi --help says.\n"
            "CT (--channels pet,ct): X_CTres, X_CT, CTres or CT beside an image; for DICOM, the CT series of the same "
            "study.\n"
            "Exit codes: 0 all well, 65 some scan was refused (the rest went on), 66 no scan there.",
        .table = table,
        .count = COUNT_OF(own)};
    opts.count += stage_option_rows(&ends, NULL, "volumes", table + opts.count, COUNT_OF(table) - opts.count);
    opts.count +=
        recipe_options(&recipe, RECIPE_CHANNELS | RECIPE_SUV, table + opts.count, COUNT_OF(table) - opts.count);
    struct error e = {0};
    char own_salt[65];
    if (opts_parse(&opts, argc, argv, &e) < 0)
        die_of(&e);
    check_only |= load.explain;
    struct part const part = part_parse(part_text);
    load.want_ct = recipe_channels(&recipe) > BOX_CT;
    if (load.ct && !load.want_ct)
        die(EX_USAGE, "--ct names a CT that channels = pet leaves out: give --channels pet,ct, too");
    if (opts.rest_count == 0)
        die(EX_USAGE, "no scan was named: petrel-load SCAN|DIR|LIST.tsv ...");
    struct reader_job job = {
        .argument = opts.rest, .count = opts.rest_count, .options = &load, .formula = check_only ? recipe.formula : NULL};
    if (check_only) {
        load.salt = ""; /* nothing leaves this screen */
    } else if (!load.salt) {
        if (hash_salt(own_salt, &e) < 0)
            die_of(&e);
        load.salt = own_salt;
    }
    if (!check_only && !load.keep_identifiers)
        names_hide(&load, &ends, opts.rest, opts.rest_count);
    memory_limit(&load, gib);
    if (check_only)
        return check(reader_open(&job), part);

    struct stage st;
    struct reader_list list;
    job.stop = stage_stop_wanted;
    struct reader *reader = reader_open(&job); /* before the channel, of which it is to know nothing */
    stage_open(&st, "load", &ends, false, true);
    enum reader_outcome outcome = reader_find(reader, &list, &e);
    if (outcome != READER_READ)
        leave(&st, &reader, outcome, &e);
    bool *skip = xalloc(list.count, sizeof *skip);
    size_t skipped = already_cached(skip_cache, list.run, part, list.count, skip), done = skipped;
    size_t const count = part_size(part, list.count);
    struct progress bar;
    progress_begin(&bar, "load", "scans", skipped, count);
    for (size_t i = part.number - 1; i < list.count; i += part.of) {
        struct item_key key = {list.run, i};
        struct buffer out;
        if (skip[i] || stage_arrived(&st, key)) {
            done += !skip[i];
            continue;
        }
        e = (struct error){0};
        outcome = reader_scan(reader, &list, i, &out, &e);
        if (outcome == READER_STOPPED || outcome == READER_FAILED)
            leave(&st, &reader, outcome, &e);
        if (outcome == READER_REFUSED) {
            refused_tell(&list.scan[i], &out, &e);
            st.refused++;
        }
        stage_give_new(&st, key, &out);
        progress_update(&bar, ++done, "%s", list.scan[i].source);
    }
    progress_end(&bar);
    reader_close(&reader);
    reader_list_free(&list);
    free(skip);
    return skipped ? stage_close(&st, "%zu scans, %zu of them in the cache already", count, skipped)
                   : stage_close(&st, "%zu scans", count);
}
