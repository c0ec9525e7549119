/* SPDX-License-Identifier: Apache-2.0 */
/* cache_scale -- what a cache of very many scans costs to open, to learn the rows of, to split, to draw from, to add to.   tests/bench
 *
 *     cache_scale DIR [SCANS] [REGIONS]     default 100000 scans of 100 regions
 *
 * The shards are synthetic: 20 different ones are made and linked under as many names as there are scans (DIR on one file system), so the
 * boxes of ten million rows take 35 MB of disk and every line of the manifest is right. So reading is from memory: what is measured is ours
 * and the file system's names, not a disk. One line a step: name, seconds, and the largest the process was. */
#include "common/file.h"
#include "common/seal.h"
#include "proto/cache_internal.h"
#include "tests/unit/cache_scans.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DISTINCT = 20, DRAWN = 20000, VERIFIED = 2000, ADDED = 50 };

static double begun;
static void step_begin(void)
{
    begun = now_s();
}
static void step_end(const char *what, size_t count)
{
    struct rusage u;
    double const s = now_s() - begun;
    getrusage(RUSAGE_SELF, &u);
    printf("%-34s %9zu   %9.3f s   %10.1f us each   peak %7.1f MiB\n", what, count, s, 1e6 * s / (double)count,
           (double)u.ru_maxrss / 1024);
    fflush(stdout);
}

static void must(int result, const struct error *e)
{
    if (result)
        die_of(e);
}

static void shard_make(struct regions_message *m, size_t n, size_t regions)
{
    scan_make(m, (int)n, (int)n, regions, regions / 8);
}

/* DISTINCT shards, and the lines of SCANS: each names one of them, linked. */
static void cache_make(const char *dir, size_t scans, size_t regions)
{
    struct cache c;
    struct error e = {0};
    must(cache_writer_open(&c, dir, &e), &e);
    for (size_t n = 0; n < DISTINCT; n++) {
        struct regions_message m;
        shard_make(&m, n, regions);
        must(cache_add(&c, (struct item_key){9, n}, &m, &e), &e);
        regions_message_free(&m);
    }
    char *manifest = cache_path(&c, CACHE_MANIFEST);
    struct publish p;
    must(publish_open(&p, manifest, &e), &e);
    manifest_head_write(p.to);
    for (size_t n = 0; n < scans; n++) {
        struct shard_entry s = c.shard[n % DISTINCT];
        s.key.index = n;
        format_into(s.patient, sizeof s.patient, "p%07zu", n / 2);
        if (n >= DISTINCT) {
            format_into(s.file, sizeof s.file, "%06zu-0.h5", n);
            char *from = cache_path(&c, c.shard[n % DISTINCT].file), *to = cache_path(&c, s.file);
            if (link(from, to) && errno != EEXIST)
                die(EX_CANTCREAT, "cannot link '%s': %s", to, strerror(errno));
            free(from);
            free(to);
        }
        manifest_line_write(p.to, &s);
    }
    must(publish_commit(&p, &e), &e);
    cache_close(&c);
    must(seal_publish(manifest, &e), &e); /* as whoever wrote all these lines would have */
    free(manifest);
}

int main(int argc, char **argv)
{
    struct cache c;
    struct error e = {0};
    if (argc < 2)
        die(EX_USAGE, "cache_scale DIR [SCANS] [REGIONS]");
    size_t const scans = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
    size_t const regions = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;

    step_begin();
    cache_make(argv[1], scans, regions);
    step_end("make (links and one manifest)", scans);

    step_begin();
    must(cache_open(&c, argv[1], &e), &e);
    step_end("open, scans", scans);
    step_begin();
    must(cache_split(&c, 0.2, 0.2, 1, SPLIT_REPLACE, &e), &e);
    step_end("split, patients", (scans + 1) / 2);
    cache_close(&c);
    step_begin();
    must(cache_open(&c, argv[1], &e), &e);
    step_end("open with its split, scans", scans);

    struct cache_row *rows;
    for (int again = 0; again < 2; again++) {
        step_begin();
        must(cache_rows(&c, &rows, &e), &e);
        step_end(again ? "rows, again" : "rows", c.regions);
        if (!again)
            free(rows);
    }
    struct box_reader *reader;
    float box[BOX_VOXELS];
    must(box_reader_open(&reader, &c, 1, &e), &e);
    step_begin();
    for (size_t k = 0; k < DRAWN; k++) {
        struct rng r = rng_make(1, RNG_TEST, k);
        must(box_read(reader, rng_below(&r, (uint32_t)c.regions), box, &e), &e);
    }
    step_end("draw, boxes from anywhere", DRAWN);
    box_reader_close(&reader);
    free(rows);
    step_begin();
    for (size_t k = 0; k < VERIFIED && k < scans; k++)
        must(cache_verify_shard(&c, k, &e), &e);
    step_end("verify, scans", VERIFIED < scans ? VERIFIED : scans);
    cache_close(&c);

    step_begin();
    must(cache_writer_open(&c, argv[1], &e), &e);
    step_end("open to write, scans", scans);
    step_begin();
    for (size_t n = 0; n < ADDED; n++) {
        struct regions_message m;
        shard_make(&m, DISTINCT + n, regions);
        must(cache_add(&c, (struct item_key){9, scans + n}, &m, &e), &e);
        regions_message_free(&m);
    }
    step_end("add, scans", ADDED);
    cache_close(&c);
    return EX_OK;
}
