/* SPDX-License-Identifier: Apache-2.0 */
/* classify_result -- one scan's answer: probabilities, sums, table, and masks on the scan's own grid. */
#include "common/file.h"
#include "stages/classify/result.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char dir[64];

/* ---- a model of random weights ---- */

static void model_make_of(struct model *m, const char *cohort, double threshold, int channels)
{
    struct error e = {0};
    struct network_settings n;
    struct recipe r;
    struct safetensors s = {0};
    recipe_defaults(&r);
    r.backbone = "resnet10";
    r.backbone_width = 2;
    r.classifier_hidden = 5;
    r.threshold = threshold;
    r.position_box = "oriented";
    r.position_unit = "voxel";
    r.channels = box_channel_names(channels);
    assert_int_equal(model_network(&r, channels, true, &n, &e), 0);
    struct backend *b = backend_open("cpu", 1, FLOAT32, &e);
    struct params *p = params_open(b);
    struct tape *t = tape_open(p, 2, 1);
    (void)network_build(t, &n, NETWORK_ENCODER | NETWORK_CLASSIFIER);
    tape_seal(t, false, NULL);
    params_init(p, 3);
    float *host = xalloc(model_host_floats(p), sizeof *host);
    model_add_params(&s, p, host);
    model_add_facts(
        &s, &(struct model_facts){
                .phase = "classifier", .cache_digest = "abc", .cohort = cohort, .recipe = &r, .channels = channels});
    char *path = path_join(dir, "model.safetensors");
    assert_int_equal(safetensors_write(&s, path, &e), 0);
    safetensors_free(&s);
    free(host);
    tape_close(&t);
    params_close(&p);
    backend_close(&b);
    if (model_open(m, path, &(struct backend_wish){"cpu", "float32", 1}, &e))
        fail_msg("%s", e.text);
    free(path);
}

static void model_make(struct model *m, const char *cohort, double threshold)
{
    model_make_of(m, cohort, threshold, 1);
}

/* ---- a scan of 6 x 5 x 4 voxels, stored x slowest and from the left ---- */

enum { D = 6, H = 5, W = 4, REGIONS = 3 };
static const struct turn turned = {{2, 1, 0}, {0, 0, 1}};

static uint32_t label_at(int z, int y, int x)
{
    if (z == 5 && y == 4)
        return 300; /* more than a byte holds */
    return z == 0 && y < 2 ? 1 : z == 2 && x == 3 ? 7 : 0;
}

static struct regions_message scan_make(void)
{
    static const struct {
        int32_t component, label;
        int64_t voxels;
    } made[REGIONS] = {{1, 0, 8}, {7, 1, 5}, {300, -1, 4}};
    struct regions_message m = {.count = REGIONS, .channels = 1, .turned = turned};
    scan_facts_init(&m.facts);
    format_into(m.facts.patient, sizeof m.facts.patient, "p");
    format_into(m.facts.study, sizeof m.facts.study, "s");
    format_into(m.facts.scan, sizeof m.facts.scan, "late");
    format_into(m.facts.source, sizeof m.facts.source, "scans/late.nii.gz");
    grid_set(&m.grid, (const int64_t[3]){D, H, W}, (const double[3]){3, 2, 1}, (const double[3]){10, 20, 30});
    m.region = xalloc(REGIONS, sizeof *m.region);
    m.box = xalloc(REGIONS * BOX_VOXELS, sizeof *m.box);
    for (size_t i = 0; i < REGIONS * BOX_VOXELS; i++)
        m.box[i] = (float)(1 + sin(0.7 * (double)i) + (double)(i / BOX_VOXELS));
    for (size_t i = 0; i < REGIONS; i++) {
        m.region[i] = (struct region){.component = made[i].component,
                                      .label = made[i].label,
                                      .voxels = made[i].voxels,
                                      .ml = 0.006 * (double)made[i].voxels,
                                      .suv_mean = 2 + (double)i,
                                      .suv_max = 9,
                                      .suv_peak = 5};
        for (int k = 0; k < POSITION_SIZE; k++)
            m.region[i].position[POSITION_ORIENTED_VOXEL][k] = (float)(i + 1) * (float)k;
    }
    uint32_t label[D * H * W];
    for (int z = 0; z < D; z++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                label[grid_at(&m.grid, z, y, x)] = label_at(z, y, x);
    labels_encode(label, D * H * W, &m.label_runs);
    return m;
}

static void sums_are_of_tumours_alone(void **state)
{
    (void)state;
    static const double thresholds[] = {0, 0.5, 1};
    for (size_t t = 0; t < COUNT_OF(thresholds); t++) {
        struct model model;
        struct error e = {0};
        model_make(&model, "", thresholds[t]);
        struct regions_message m = scan_make();
        struct result r;
        assert_int_equal(result_make(&r, &m, &model, &e), 0);
        double ml = 0, grams = 0;
        size_t tumours = 0;
        for (size_t i = 0; i < REGIONS; i++) {
            assert_true(r.probability[i] > 0 && r.probability[i] < 1);
            assert_int_equal(r.tumour[i], (double)r.probability[i] >= thresholds[t]);
            tumours += r.tumour[i];
            ml += r.tumour[i] ? m.region[i].ml : 0;
            grams += r.tumour[i] ? m.region[i].ml * m.region[i].suv_mean : 0;
        }
        assert_int_equal(r.tumours, tumours);
        assert_true(fabs(r.tumour_ml - ml) < 1e-12 && fabs(r.glycolysis_g - grams) < 1e-12);
        if (thresholds[t] != 0.5)
            assert_int_equal(tumours, thresholds[t] == 0 ? REGIONS : 0);
        /* what was asked for is what the model says of these boxes, standardised, with these positions */
        float alone;
        assert_int_equal(
            model_predict(&model, m.box, m.region[0].position[POSITION_ORIENTED_VOXEL], 1, &alone, NULL, &e), 0);
        assert_true(fabsf(alone - r.probability[0]) < 1e-6F);
        assert_true(fabsf(r.probability[0] - r.probability[1]) > 1e-7F);
        result_free(&r);
        regions_message_free(&m);
        model_close(&model);
    }
}

/* A model of the PET takes the PET of boxes that have a CT, too; one of both cannot do without. */
static void channels_are_the_models(void **state)
{
    (void)state;
    struct model model;
    struct error e = {0};
    struct result r;
    model_make(&model, "", 0.5);
    struct regions_message m = scan_make();
    struct regions_message both = scan_make();
    both.channels = 2;
    both.box = xresize(both.box, 2 * REGIONS * BOX_VOXELS, sizeof *both.box);
    for (size_t i = 0; i < REGIONS; i++) {
        memcpy(both.box + 2 * i * BOX_VOXELS, m.box + i * BOX_VOXELS, BOX_VOXELS * sizeof *m.box);
        for (size_t k = 0; k < BOX_VOXELS; k++)
            both.box[(2 * i + 1) * BOX_VOXELS + k] = (float)(900 * (k % 2) + i);
    }
    struct result of_both;
    assert_int_equal(result_make(&r, &m, &model, &e), 0);
    assert_int_equal(result_make(&of_both, &both, &model, &e), 0);
    assert_memory_equal(of_both.probability, r.probability, REGIONS * sizeof *r.probability);
    result_free(&of_both);
    result_free(&r);
    regions_message_free(&both);
    regions_message_free(&m);
    model_close(&model);

    model_make_of(&model, "", 0.5, 2);
    m = scan_make();
    assert_int_equal(result_make(&r, &m, &model, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "'late' has boxes of pet, the model takes pet,ct"));
    regions_message_free(&m);
    model_close(&model);
}

/* ---- files ---- */

/* A .nii.gz's voxels of `size` bytes, whose grid must be the stored one. */
static void *mask_read(const char *path, int type, size_t size)
{
    uint8_t header[352];
    gzFile in = gzopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(gzread(in, header, sizeof header), (int)sizeof header);
    int16_t dim[4], datatype;
    float sform[12];
    memcpy(dim, header + 40, sizeof dim);
    memcpy(&datatype, header + 70, sizeof datatype);
    memcpy(sform, header + 280, sizeof sform);
    assert_int_equal(datatype, type);
    /* fastest first: our z, y, x */
    assert_true(dim[0] == 3 && dim[1] == D && dim[2] == H && dim[3] == W);
    /* ours: x from 10 to the left by 1 mm, y from 20 to the back by 2, z from 30 up by 3; stored x begins at its other end */
    const float wanted[12] = {0, 0, 1, 10 - (W - 1), 0, -2, 0, 20, 3, 0, 0, 30};
    for (int i = 0; i < 12; i++)
        assert_true(fabsf(sform[i] - wanted[i]) < 1e-5F);
    void *voxel = xalloc(D * H * W, size);
    assert_int_equal(gzread(in, voxel, (unsigned)(D * H * W * size)), (int)(D * H * W * size));
    assert_int_equal(gzread(in, header, 1), 0);
    gzclose(in);
    return voxel;
}

static char *line_of(const char *text, int number)
{
    for (; number > 0; number--)
        text = strchr(text, '\n') + 1;
    return xprintf("%.*s", (int)strcspn(text, "\n"), text);
}

static void files_say_what_was_found(void **state)
{
    (void)state;
    struct model model;
    struct error e = {0};
    struct result r;
    model_make(&model, "simulated cohort", 0.5);
    struct regions_message m = scan_make();
    assert_int_equal(result_make(&r, &m, &model, &e), 0);
    for (size_t i = 0; i < REGIONS; i++)
        r.tumour[i] = i == 1;
    r.tumours = 1;
    if (result_write(&r, &model, dir, false, &e))
        fail_msg("%s", e.text);
    char *numbers = xprintf("%s/p_s_late/labels.nii.gz", dir), *tumours = xprintf("%s/p_s_late/tumour.nii.gz", dir);
    char *table = xprintf("%s/p_s_late/regions.tsv", dir), *picture = xprintf("%s/p_s_late/mip.png", dir);
    uint16_t *number = mask_read(numbers, 512, 2);
    uint8_t *tumour = mask_read(tumours, 2, 1);
    for (int x = 0; x < W; x++)
        for (int y = 0; y < H; y++)
            for (int z = 0; z < D; z++) {
                int at = ((W - 1 - x) * H + y) * D + z;
                assert_int_equal(number[at], label_at(z, y, x));
                assert_int_equal(tumour[at], label_at(z, y, x) == 7);
            }
    assert_false(file_exists(picture)); /* the scan came without a projection */
    struct buffer text;
    assert_int_equal(file_read(table, 1 << 20, &text, &e), 0);
    char *head = line_of((char *)text.data, 0), *second = line_of((char *)text.data, 6),
         *third = line_of((char *)text.data, 7);
    assert_non_null(strstr(head, "simulated cohort"));
    assert_int_equal(strncmp(second, "7\t", 2), 0);
    assert_non_null(strstr(second, "\t1\t9.000\t3.000\t5.000\t0.030\t5\t"));
    assert_string_equal(second + strlen(second) - 4, "\t0\t1");
    assert_string_equal(third + strlen(third) - 3, "\t0\t"); /* no truth */
    char *end = line_of((char *)text.data, 8);
    assert_string_equal(end, "");
    free(end);
    free(third);
    free(second);
    free(head);
    buffer_free(&text);
    free(number);
    free(tumour);
    free(picture);
    free(table);
    free(tumours);
    free(numbers);
    result_free(&r);
    regions_message_free(&m);
    model_close(&model);
}

static void a_scan_of_no_regions_has_empty_files(void **state)
{
    (void)state;
    struct model model;
    struct error e = {0};
    struct result r;
    model_make(&model, "", 0.5);
    struct regions_message m = scan_make();
    uint32_t nothing[D * H * W] = {0};
    m.count = 0;
    buffer_free(&m.label_runs);
    labels_encode(nothing, D * H * W, &m.label_runs);
    format_into(m.facts.scan, sizeof m.facts.scan, "empty");
    assert_int_equal(result_make(&r, &m, &model, &e), 0);
    assert_int_equal(r.tumours, 0);
    assert_int_equal(result_write(&r, &model, dir, false, &e), 0);
    char *numbers = xprintf("%s/p_s_empty/labels.nii.gz", dir);
    uint16_t *number = mask_read(numbers, 512, 2);
    for (int i = 0; i < D * H * W; i++)
        assert_int_equal(number[i], 0);
    free(number);
    free(numbers);
    result_free(&r);
    regions_message_free(&m);
    model_close(&model);
}

static void a_label_map_that_does_not_fill_the_grid_is_refused(void **state)
{
    (void)state;
    struct model model;
    struct error e = {0};
    struct result r;
    model_make(&model, "", 0.5);
    struct regions_message m = scan_make();
    m.grid.dim[0] = D + 1;
    assert_int_equal(result_make(&r, &m, &model, &e), -1);
    assert_true(e.text[0] != '\0');
    result_free(&r);
    regions_message_free(&m);
    model_close(&model);
}

int main(void)
{
    format_into(dir, sizeof dir, "/tmp/petrel-result-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_of_tumours_alone),
        cmocka_unit_test(channels_are_the_models),
        cmocka_unit_test(files_say_what_was_found),
        cmocka_unit_test(a_scan_of_no_regions_has_empty_files),
        cmocka_unit_test(a_label_map_that_does_not_fill_the_grid_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dir_remove(dir);
    return failed;
}
