/* SPDX-License-Identifier: Apache-2.0 */
/* find -- what finding regions costs: processor time and memory, a scan.   tests/bench
 *
 *     find REPEAT SCAN|DIR...       as petrel-roi does it by its defaults, of scans in memory, each REPEAT times
 * A line a scan: the least processor time of the repetitions, the most memory beside the scan's own, and a digest of everything that
 * was found, so that two versions of petrel can be told to find the same. tests/bench/find.sh runs two in turns. */
#include "common/file.h"
#include "stages/load/load.h"
#include "stages/roi/regions.h"
#include "stages/suv/suv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "VmRSS:", "VmHWM:" of this process, MiB; NAN where the system does not tell. */
static double memory_mib(const char *what)
{
    char line[256];
    double kib = NAN;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, strlen(what)) == 0)
            kib = atof(line + strlen(what));
    if (f)
        fclose(f);
    return kib / 1024;
}

/* From here on the peak is what is in memory now. */
static void peak_forget(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

struct cost {
    double cpu_s, mib;
    size_t regions;
    uint64_t digest;
};

static struct cost find(const struct volume *v, const struct recipe *r, int repeat)
{
    struct cost least = {.cpu_s = HUGE_VAL};
    for (int i = 0; i < repeat; i++) {
        struct regions_message m;
        struct regions_summary s;
        struct error e = {0};
        struct buffer bytes;
        peak_forget();
        double before_mib = memory_mib("VmRSS:"), begun_s = (double)clock() / CLOCKS_PER_SEC;
        if (regions_find(v, r, NULL, &m, &s, &e) < 0)
            die_of(&e);
        least.cpu_s = fmin(least.cpu_s, (double)clock() / CLOCKS_PER_SEC - begun_s);
        least.mib = fmax(least.mib, memory_mib("VmHWM:") - before_mib);
        least.regions = m.count;
        regions_message_encode(&m, &bytes);
        least.digest = bytes_xxh3(bytes.data, bytes.size);
        buffer_free(&bytes);
        regions_message_free(&m);
    }
    return least;
}

int main(int argc, char **argv)
{
    struct load_options o = {.units = "auto", .organs_of = "auto", .salt = "bench", .memory_limit = (size_t)8 << 30};
    struct sources s;
    struct error e = {0};
    struct recipe r;
    double cpu_s = 0, mib = 0;
    program_name_set("bench find");
    recipe_defaults(&r);
    if (argc < 3 || atoi(argv[1]) < 1)
        die(EX_USAGE, "find REPEAT SCAN|DIR...");
    if (sources_find(&s, argv + 2, (size_t)argc - 2, &o, &e) < 0)
        die_of(&e);
    for (size_t i = 0; i < s.count; i++) {
        struct volume_message m;
        if (scan_read(&s.item[i], &o, &m, &e) < 0 || suv_factor(&m.facts, "bw", &e) < 0)
            die_of(&e);
        suv_apply(&m.volume, &m.facts);
        struct cost c = find(&m.volume, &r, atoi(argv[1]));
        printf("scan=%zu cpu_s=%.4f mib=%.1f regions=%zu digest=%016llx\n", i + 1, c.cpu_s, c.mib, c.regions,
               (unsigned long long)c.digest);
        fflush(stdout);
        cpu_s += c.cpu_s, mib = fmax(mib, c.mib);
        volume_message_free(&m);
    }
    printf("scans=%zu cpu_s_a_scan=%.4f most_mib=%.1f\n", s.count, cpu_s / (double)s.count, mib);
    sources_free(&s);
    return 0;
}
