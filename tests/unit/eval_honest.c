/* SPDX-License-Identifier: Apache-2.0 */
/* eval_honest -- what would make a model look better than it is: patients no region covers, one scan under two names, stars for the worse of two
 * rows, tests of too few patients, rounding. */
#include "stages/eval/paper.h"
#include "stages/eval/patients.h"
#include "stages/eval/seen.h"
#include "stages/eval/verdict.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A: two regions, one a tumour. B: a lesion, and no region at all. C: well, a region. D: a lesion, a region that is none of it. */
enum { SHARDS = 4, REGIONS = 4 };
static struct shard_entry shard[SHARDS] = {{.patient = "A", .split = SPLIT_TEST},
                                           {.patient = "B", .split = SPLIT_TEST},
                                           {.patient = "C", .split = SPLIT_TEST},
                                           {.patient = "D", .split = SPLIT_TEST}};
static struct lesion lesion[] = {{.ml = 4}, {.ml = 7}, {.ml = 2}};
static struct lesions lesions[SHARDS] = {{.known = 1, .count = 1, .lesion = lesion},
                                         {.known = 1, .count = 1, .lesion = lesion + 1},
                                         {.known = 1},
                                         {.known = 1, .count = 1, .lesion = lesion + 2}};
static struct region region[REGIONS] = {{.ml = 3}, {.ml = 5}, {.ml = 1}, {.ml = 6}};
static struct scan_facts scan[SHARDS];
static const struct facts facts = {.region = region, .scan = scan, .lesions = lesions, .shards = SHARDS};
static const struct cache cache = {.shard = shard, .shard_count = SHARDS, .digest = "0"};

static void patients_whom_no_region_covers(void **state)
{
    (void)state;
    static size_t row[REGIONS] = {0, 1, 2, 3};
    static int32_t label[REGIONS] = {1, 0, 0, 0}, patient[REGIONS] = {0, 0, 2, 3}, of[REGIONS] = {0, 0, 2, 3};
    static float p[REGIONS] = {.9F, .1F, .8F, .2F};
    const struct scores s = {.n = REGIONS, .row = row, .label = label, .patient = patient, .shard = of, .probability = p};
    const bool looked_at[SHARDS] = {true, true, true, true};
    struct patients all;
    patients_make(&all, &cache, &s, &facts, looked_at, 0.5);
    assert_true(all.count == 4 && all.with_tumours == 3 && all.detected == 1 && all.uncovered == 2 && all.alarmed == 1);
    assert_string_equal(all.one[3].name, "B");
    assert_true(all.one[3].regions == 0 && all.one[3].lesions == 1 && all.one[3].lesions_ml == 7.0);
    /* said 3, 0, 1, 0 ml: of regions that are tumour 3, 0, 0, 0; of lesions 4, 7, 0, 2 */
    assert_true(fabs(all.regions.bias - 0.25) < 1e-12 && fabs(all.lesions.bias - (4.0 - 13.0) / 4) < 1e-12);
    patients_free(&all);
    lesions[2].known = 0; /* a scan that does not say: its patient is in the agreement with regions alone */
    patients_make(&all, &cache, &s, &facts, looked_at, 0.5);
    assert_true(all.lesions.n == 3 && all.regions.n == 4);
    patients_free(&all);
    lesions[2].known = 1;
}

static void one_scan_under_two_names(void **state)
{
    (void)state;
    const bool looked_at[SHARDS] = {true, false, true, false};
    assert_int_equal(seen_twins(&cache, &facts, looked_at), 0); /* no digests: nothing is said */
    strcpy(scan[0].sha256, "aa");
    strcpy(scan[1].sha256, "aa");
    strcpy(scan[2].sha256, "bb");
    assert_int_equal(seen_twins(&cache, &facts, looked_at), 0); /* B is of the same split */
    shard[1].split = SPLIT_TRAIN;
    assert_int_equal(seen_twins(&cache, &facts, looked_at), 1);
    struct seen seen = {.known = true, .patients = 2, .twins = 1};
    char *said = seen_sentence(&seen, "mine", "test");
    assert_non_null(strstr(said, "THE SAME SCANS UNDER TWO NAMES: 1 of the test split"));
    free(said);
    shard[1].split = SPLIT_NONE;
    assert_int_equal(seen_twins(&cache, &facts, looked_at), 0);
    shard[1].split = SPLIT_TEST;
}

/* ---- marks of the paper's tables ---- */
enum { N = 60 };
static int32_t label[N], patient[N];
static float good[N], poor[N];

static double part(double v)
{
    return v - floor(v);
}

static void draw_rows(void)
{
    for (int i = 0; i < N; i++) {
        label[i] = i % 2;
        patient[i] = i / 5;
        good[i] = (float)(0.5 + (label[i] ? 0.3 : -0.3) + 0.38 * (part(i * 0.618034) - 0.5));
        poor[i] = (float)(0.5 + (label[i] ? 0.02 : -0.02) + 0.9 * (part(i * 0.414214) - 0.5));
    }
}

static struct paper paper_of(struct rows *rows, struct evaluation model[2], struct report *r, float *first,
                             float *second)
{
    draw_rows();
    *rows = (struct rows){.table = "T", .row = xalloc(2, sizeof *rows->row), .count = 2};
    for (int i = 0; i < 2; i++) {
        struct row *row = &rows->row[i];
        *row = (struct row){.seeds = 1, .models = 1};
        strcpy(row->name, i == 0 ? "one" : "other");
        model[i] = (struct evaluation){
            .splits = {.test = {.n = N, .label = label, .patient = patient, .probability = i == 0 ? first : second}}};
    }
    *r = (struct report){.model = model, .models = 2, .seed = 1};
    /* the last row's model stands first in a report */
    struct scores kept = model[0].splits.test;
    model[0].splits.test = model[1].splits.test;
    model[1].splits.test = kept;
    for (int i = 0; i < 2; i++)
        metrics_at(model[i].splits.test.probability, label, N, 0.5, model[i].figures.value);
    struct paper p;
    paper_make(&p, rows, &cache, r);
    return p;
}

static void stars_only_for_the_better(void **state)
{
    (void)state;
    static struct evaluation model[2];
    struct rows rows;
    static struct report r;
    struct paper p = paper_of(&rows, model, &r, good, poor); /* best against second */
    assert_true(p.row[0].mean[METRIC_AUC] > 0.95 && p.row[1].mean[METRIC_AUC] < 0.7);
    assert_true(p.row[0].star[METRIC_AUC] && p.row[0].dagger && !p.row[1].star[METRIC_AUC] && !p.row[1].dagger);
    paper_free(&p);
    free(rows.row);

    for (int worse = 0; worse < 2; worse++) { /* "other" is held against "one", and is the better of them or the worse */
        p = paper_of(&rows, model, &r, worse ? good : poor, worse ? poor : good);
        paper_free(&p);
        strcpy(rows.row[1].against, "one");
        paper_make(&p, &rows, &cache, &r);
        assert_int_equal(p.tests, 1);
        assert_true(p.test[0].p_wilcoxon < 0.001 && p.test[0].p_holm < 0.05 && p.test[0].p_permutation < 0.05);
        assert_int_equal(p.test[0].smaller, !worse);
        assert_int_equal(p.row[1].star[METRIC_AUC], !worse);
        assert_int_equal(p.row[1].dagger, !worse);
        assert_false(p.row[0].star[METRIC_AUC] || p.row[0].dagger);
        paper_free(&p);
        free(rows.row);
    }
}

static void beats_a_baseline_only_by_both_tests(void **state)
{
    (void)state;
    static struct evaluation model[2];
    struct rows rows;
    static struct report r;
    struct paper p = paper_of(&rows, model, &r, good, good);
    paper_free(&p);
    static float baseline[N];
    r.baselines = (struct baselines){.count = BASELINES, .best = 3};
    r.baselines.one[3] = (struct baseline){.name = "b", .probability = baseline};
    for (int close = 0; close < 2; close++) {
        memcpy(baseline, close ? good : poor, sizeof baseline);
        baseline[0] = close ? 0.75F : baseline[0]; /* one region worse: above, and no more */
        double value[METRICS];
        metrics_at(baseline, label, N, 0.5, value);
        r.baselines.one[3].figures.value[METRIC_AUC] = value[METRIC_AUC];
        paper_make(&p, &rows, &cache, &r);
        assert_true(p.row[0].above);
        assert_int_equal(p.row[0].beats, !close);
        paper_free(&p);
    }
    free(rows.row);
}

static void words_of_what_cannot_be_known(void **state)
{
    (void)state;
    struct baselines b = {.count = BASELINES, .patients = 1};
    b.one[0] = (struct baseline){
        .name = "trees", .against = {.auc_a = 1, .auc_b = .5, .p = NAN}, .p_holm = NAN, .permutation = {.p = 1}};
    char *said = verdict_sentence(&b, "mine"), text[16];
    assert_int_equal(verdict_of(&b), VERDICT_NOT_BETTER);
    assert_non_null(strstr(said, "does NOT beat"));
    assert_non_null(strstr(said, "not defined"));
    assert_null(strstr(said, "nan"));
    free(said);
    assert_string_equal(metric_format(METRIC_AUC, 1.0, text), "100.0 %");
    assert_string_equal(metric_format(METRIC_AUC, 0.99951, text), "> 99.9 %");
    assert_string_equal(metric_format(METRIC_AUC, 0.9994, text), "99.9 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patients_whom_no_region_covers), cmocka_unit_test(one_scan_under_two_names),
        cmocka_unit_test(stars_only_for_the_better),      cmocka_unit_test(beats_a_baseline_only_by_both_tests),
        cmocka_unit_test(words_of_what_cannot_be_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
