/* SPDX-License-Identifier: Apache-2.0 */
/* check -- what a simulated cohort comes to, beside the published figures.   files, cache -> [check] -> stdout
 *
 * Published: organ volumes and lesion sites of autoPET studies; SUV tables; regions a scan and their classes from the paper
 * this project follows (15,890 regions, 2,023 tumours, 177 scans; brain, heart, kidneys and bladder removed). A '-' is a
 * figure nobody has published, as far as we know. */
#include "datasets/simulate/check.h"
#include "common/file.h"
#include "common/nifti.h"
#include "datasets/simulate/body.h"
#include "datasets/simulate/logistic.h"
#include "proto/cache.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t file_max = (size_t)2 << 30;

/* Over scans. */
struct spread {
    double *value;
    size_t count, room;
};

static void spread_add(struct spread *s, double v)
{
    if (s->count == s->room)
        s->value = xresize(s->value, s->room = s->room ? 2 * s->room : 256, sizeof *s->value);
    s->value[s->count++] = v;
}

static double spread_mean(const struct spread *s)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->count; i++)
        sum += s->value[i];
    return sum / (double)s->count;
}

static double spread_sd(const struct spread *s)
{
    double mean = spread_mean(s), sum = 0.0;
    for (size_t i = 0; i < s->count; i++)
        sum += (s->value[i] - mean) * (s->value[i] - mean);
    return s->count > 1 ? sqrt(sum / (double)(s->count - 1)) : 0.0;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts. */
static double spread_quantile(struct spread *s, double q)
{
    if (s->count == 0)
        return (double)NAN;
    qsort(s->value, s->count, sizeof *s->value, by_value);
    double at = q * (double)(s->count - 1);
    size_t low = (size_t)at, high = low + 1 < s->count ? low + 1 : low;
    return s->value[low] + (at - (double)low) * (s->value[high] - s->value[low]);
}

/* ml, SUVmean: mean and SD, 0 where nothing is published; suv_note: what is known instead. */
static const struct {
    const char *name;
    double ml, ml_sd, suv, suv_sd;
    const char *suv_note;
} organs[ANATOMY_LABELS] = {{"no organ", 0, 0, 0, 0, "-"},
                            {"spleen", 232, 99, 0, 0, "max 1.9"},
                            {"kidneys", 302, 71, 0, 0, "-"},
                            {"liver", 1543, 363, 2.2, 0.44, ""},
                            {"bladder", 147, 71, 0, 0, "max 66 to 90"},
                            {"lungs", 3053, 761, 0, 0, "max 0.7"},
                            {"brain", 932, 311, 0, 0, "about 8"},
                            {"heart", 611, 165, 0, 0, "max 8 to 13"},
                            {"stomach", 355, 139, 0, 0, "-"},
                            {"prostate", 0, 0, 0, 0, "-"},
                            {"head glands", 0, 0, 0, 0, "-"}};
enum { TUMOUR, OTHER, CLASSES };
static const char *const class_name[CLASSES] = {"tumour", "other"};

static const char *const bands[] = {"head and neck", "thorax", "upper abdomen", "pelvis", "legs"};
static const char *const band_published[] = {"3 %", "39 %", "26 %", "20 %", "12 %"};
enum {
    BANDS = COUNT_OF(bands),
    INTENSITIES = 3,
    PLACE = 9,
    SIZE = 3,
    WITH_POSITION = INTENSITIES + PLACE + SIZE,
    FEATURES = WITH_POSITION + PLACE
};

struct check {
    struct spread ml[ANATOMY_LABELS], suv[ANATOMY_LABELS];
    struct spread regions[CLASSES], kept[CLASSES]; /* a scan: all; without brain, heart, kidneys, bladder */
    struct spread suv_max[CLASSES], region_ml[CLASSES];
    size_t others_in[ANATOMY_LABELS];
    struct spread sites_a_scan; /* of those with any */
    size_t sites[ANATOMY_LABELS], in_band[BANDS], lesion_count;
    double *feature; /* [count][FEATURES], of the regions kept: intensities, place in the scan, size, place from the
                        liver */
    int *label;
    size_t *group, count, room;
};

static bool is_removed(int organ)
{
    return organ == 2 || organ == 4 || organ == 6 || organ == 7; /* as the paper does */
}

/* A place with its squares and products, in dm: a straight line in these draws an ellipsoid in the body. */
static void place_features(const double zyx_mm[3], double *f)
{
    double z = zyx_mm[0] / 100.0, y = zyx_mm[1] / 100.0, x = zyx_mm[2] / 100.0;
    const double own[PLACE] = {z, y, x, z * z, y * y, x * x, z * y, z * x, y * x};
    memcpy(f, own, sizeof own);
}

static void add_features(struct check *c, const struct region *r, const double liver_mm[3], size_t patient)
{
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 1024;
        c->feature = xresize(c->feature, c->room * FEATURES, sizeof *c->feature);
        c->label = xresize(c->label, c->room, sizeof *c->label);
        c->group = xresize(c->group, c->room, sizeof *c->group);
    }
    const float *at = r->position[POSITION_AXIS_MM];
    double *f = c->feature + c->count * FEATURES, in_scan[3], from_liver[3];
    for (int a = 0; a < 3; a++) {
        in_scan[a] = (double)at[a];
        from_liver[a] = in_scan[a] - liver_mm[a];
    }
    f[0] = log(r->suv_max), f[1] = log(r->suv_mean), f[2] = log(r->ml);
    place_features(in_scan, f + INTENSITIES);
    for (int a = 0; a < SIZE; a++)
        f[INTENSITIES + PLACE + a] = log((double)at[3 + a]);
    place_features(from_liver, f + WITH_POSITION);
    c->label[c->count] = r->label == 1;
    c->group[c->count++] = patient;
}

/* The liver's middle, from the middle of voxel (0,0,0); the scan's where there is none. */
static void find_liver(const struct nifti *map, double zyx_mm[3])
{
    double sum[3] = {0}, n = 0.0;
    size_t i = 0;
    int64_t at[3];
    for (at[0] = 0; at[0] < map->grid.dim[0]; at[0]++)
        for (at[1] = 0; at[1] < map->grid.dim[1]; at[1]++)
            for (at[2] = 0; at[2] < map->grid.dim[2]; at[2]++)
                if ((int)map->voxel[i++] == ORGAN_LABEL_LIVER) {
                    for (int a = 0; a < 3; a++)
                        sum[a] += (double)at[a];
                    n += 1.0;
                }
    for (int a = 0; a < 3; a++)
        zyx_mm[a] = map->grid.spacing_mm[a] * (n > 0.0 ? sum[a] / n : 0.5 * (double)map->grid.dim[a]);
}

static void add_regions(struct check *c, const struct regions_message *m, const struct nifti *map, size_t patient)
{
    size_t all[CLASSES] = {0}, kept[CLASSES] = {0};
    double liver_mm[3];
    find_liver(map, liver_mm);
    for (size_t i = 0; i < m->count; i++) {
        const struct region *r = &m->region[i];
        int class = r->label == 1 ? TUMOUR : OTHER;
        size_t at = grid_at(&map->grid, llround(r->centroid[0]), llround(r->centroid[1]), llround(r->centroid[2]));
        int organ = (int)map->voxel[at];
        all[class]++;
        if (class == OTHER)
            c->others_in[organ]++;
        if (class == OTHER && is_removed(organ))
            continue;
        kept[class]++;
        spread_add(&c->suv_max[class], r->suv_max);
        spread_add(&c->region_ml[class], r->ml);
        add_features(c, r, liver_mm, patient);
    }
    for (int class = 0; class < CLASSES; class ++) {
        spread_add(&c->regions[class], (double)all[class]);
        spread_add(&c->kept[class], (double)kept[class]);
    }
}

static void add_organs(struct check *c, const struct nifti *map, const struct nifti *pet, double suv_factor)
{
    double sum[ANATOMY_LABELS] = {0}, voxels[ANATOMY_LABELS] = {0};
    size_t n = grid_voxels(&map->grid);
    for (size_t i = 0; i < n; i++) {
        int organ = (int)map->voxel[i];
        sum[organ] += (double)pet->voxel[i];
        voxels[organ] += 1.0;
    }
    for (int o = 1; o < ANATOMY_LABELS; o++)
        if (voxels[o] > 0.0) {
            spread_add(&c->ml[o], voxels[o] * grid_voxel_ml(&map->grid));
            spread_add(&c->suv[o], sum[o] / voxels[o] * suv_factor);
        }
}

/* regions.tsv: site, place, ... of each lesion painted. */
static int add_lesions(struct check *c, const char *path, struct error *e)
{
    struct buffer file = {0};
    if (file_read(path, file_max, &file, e) < 0)
        return -1;
    unsigned long sites = 0;
    for (char *line = strtok((char *)file.data, "\n"); line; line = strtok(NULL, "\n")) {
        char *tab = strchr(line, '\t');
        unsigned long site;
        double up;
        if (line[0] == '#' || !tab || sscanf(tab, "%*f%*f%lf%*f%*f%*u%lu", &up, &site) != 2 ||
            site == 0) /* 0: no lesion */
            continue;
        sites = site > sites ? site : sites;
        *tab = '\0';
        bool named = false; /* by its height, or by the organ it lies in */
        for (size_t b = 0; b < BANDS; b++)
            if (strcmp(line, bands[b]) == 0)
                c->in_band[b]++, named = true;
        for (size_t o = 1; o < ANATOMY_LABELS; o++)
            c->sites[o] += strcmp(line, organ_name[anatomy_organ[o]]) == 0;
        if (!named)
            c->in_band[up > 240.0 ? 0 : up > 40.0 ? 1 : up > -120.0 ? 2 : 3]++;
        c->lesion_count++;
    }
    if (sites > 0)
        spread_add(&c->sites_a_scan, (double)sites);
    buffer_free(&file);
    return 0;
}

static int add_scan(struct check *c, const char *cohort, const struct cache *cache, size_t shard, size_t patient,
                    struct error *e)
{
    struct regions_message m;
    struct nifti map = {0}, pet = {0};
    if (cache_read_shard(cache, shard, false, &m, e) < 0)
        return -1;
    const struct shard_entry *s = &cache->shard[shard];
    char *dir = xprintf("%s/%s/%s", cohort, s->patient, s->study);
    char *organs_path = path_join(dir, "ORGANS.nii.gz"), *pet_path = path_join(dir, "PET.nii.gz"),
         *table = path_join(dir, "regions.tsv");
    int rc = nifti_read(organs_path, file_max, &map, e);
    if (rc == 0)
        rc = nifti_read(pet_path, file_max, &pet, e);
    if (rc == 0 && (!grid_same_shape(&map.grid, &pet.grid) || !grid_same_shape(&map.grid, &m.grid)))
        rc = fail(e, "cannot check '%s': its organs, its scan and its regions are not of one shape", dir);
    for (size_t i = 0, n = rc == 0 ? grid_voxels(&map.grid) : 0; rc == 0 && i < n; i++)
        if (!(map.voxel[i] >= 0.0F && map.voxel[i] < (float)ANATOMY_LABELS))
            rc = fail(e, "cannot check '%s': voxel %zu is no organ", organs_path, i);
    if (rc == 0) {
        add_organs(c, &map, &pet, m.facts.suv_factor);
        add_regions(c, &m, &map, patient);
        rc = add_lesions(c, table, e);
    }
    free(map.voxel);
    free(pet.voxel);
    free(table);
    free(pet_path);
    free(organs_path);
    free(dir);
    regions_message_free(&m);
    return rc;
}

/* ---- the report ---- */

/* "1543 +- 363: within", where the mean here lies in that spread. */
static void print_published(double here, double mean, double sd, const char *note)
{
    if (mean > 0.0)
        printf(" %.4g +- %.4g: %s |", mean, sd, fabs(here - mean) <= sd ? "within" : "**outside**");
    else
        printf(" %s |", note);
}

static void print_organs(const struct check *c)
{
    printf("\n| organ | ml here | ml published | SUVmean here | SUVmean published |\n|---|---|---|---|---|\n");
    for (int o = 1; o < ANATOMY_LABELS; o++) {
        if (c->ml[o].count == 0)
            continue;
        double ml = spread_mean(&c->ml[o]), suv = spread_mean(&c->suv[o]);
        printf("| %s | %.0f +- %.0f |", organs[o].name, ml, spread_sd(&c->ml[o]));
        print_published(ml, organs[o].ml, organs[o].ml_sd, "-");
        printf(" %.2f +- %.2f |", suv, spread_sd(&c->suv[o]));
        print_published(suv, organs[o].suv, organs[o].suv_sd, organs[o].suv_note);
        printf("\n");
    }
}

static void print_lesions(struct check *c)
{
    double all = fmax((double)c->lesion_count, 1.0);
    size_t in_organs = 0;
    for (size_t o = 1; o < ANATOMY_LABELS; o++)
        in_organs += c->sites[o];
    printf("\n| lesions painted | here | published (melanoma) |\n|---|---|---|\n");
    printf("| sites a scan with any: 5, 25, 50, 75, 95 %% | %.0f, %.0f, %.0f, %.0f, %.0f | 1, 3, 6, 10, over 10 |\n",
           spread_quantile(&c->sites_a_scan, 0.05), spread_quantile(&c->sites_a_scan, 0.25),
           spread_quantile(&c->sites_a_scan, 0.5), spread_quantile(&c->sites_a_scan, 0.75),
           spread_quantile(&c->sites_a_scan, 0.95));
    printf("| outside mapped organs | %.0f %% | 82 %% |\n", 100.0 * (all - (double)in_organs) / all);
    printf("| lungs, liver, spleen | %.1f, %.1f, %.1f %% | 9, 5.7, 2.2 %% |\n", 100.0 * (double)c->sites[5] / all,
           100.0 * (double)c->sites[3] / all, 100.0 * (double)c->sites[1] / all);
    for (size_t b = 0; b < BANDS; b++)
        printf("| %s | %.0f %% | %s |\n", bands[b], 100.0 * (double)c->in_band[b] / all, band_published[b]);
}

static void print_regions(struct check *c)
{
    static const char *const published[CLASSES] = {"11", "78"};
    printf("\n| regions found a scan | here | without brain, heart, kidneys, bladder | published, without them "
           "|\n|---|---|---|---|\n");
    for (int k = 0; k < CLASSES; k++)
        printf("| %s | %.1f +- %.1f | %.1f +- %.1f | %s |\n", class_name[k], spread_mean(&c->regions[k]),
               spread_sd(&c->regions[k]), spread_mean(&c->kept[k]), spread_sd(&c->kept[k]), published[k]);
    double tumours = (double)c->suv_max[TUMOUR].count;
    printf("| share of tumours | | %.3f | 0.127 |\n", tumours / fmax(tumours + (double)c->suv_max[OTHER].count, 1.0));
    printf("\nwhere the others lie, a scan:");
    for (int o = 0; o < ANATOMY_LABELS; o++)
        printf(" %s %.1f%s", organs[o].name, (double)c->others_in[o] / (double)c->regions[OTHER].count,
               o + 1 < ANATOMY_LABELS ? "," : "\n");
    printf("\n| | 5 %% | 25 %% | 50 %% | 75 %% | 95 %% |\n|---|---|---|---|---|---|\n");
    for (int k = 0; k < CLASSES; k++)
        for (int what = 0; what < 2; what++) {
            struct spread *s = what == 0 ? &c->suv_max[k] : &c->region_ml[k];
            printf("| %s, %s | %.2f | %.2f | %.2f | %.2f | %.2f |\n", class_name[k], what == 0 ? "SUVmax" : "ml",
                   spread_quantile(s, 0.05), spread_quantile(s, 0.25), spread_quantile(s, 0.5),
                   spread_quantile(s, 0.75), spread_quantile(s, 0.95));
        }
}

/* The two classes' SUVmax side by side, as shares of each; and how much of them is common. */
static void print_overlap(const struct check *c)
{
    enum { BINS = 12, WIDE = 36 };
    static const double edge[BINS + 1] = {0, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 15, 20, 1e9};
    double share[CLASSES][BINS] = {{0}}, common = 0.0;
    for (int k = 0; k < CLASSES; k++)
        for (size_t i = 0; i < c->suv_max[k].count; i++)
            for (int b = 0; b < BINS; b++)
                if (c->suv_max[k].value[i] >= edge[b] && c->suv_max[k].value[i] < edge[b + 1])
                    share[k][b] += 1.0 / (double)c->suv_max[k].count;
    printf("\nSUVmax, share of each class:\n\n");
    for (int b = 0; b < BINS; b++) {
        char bar[CLASSES][WIDE + 1];
        for (int k = 0; k < CLASSES; k++) {
            size_t length = (size_t)fmin(share[k][b] * 100.0 + 0.5, WIDE);
            memset(bar[k], k == TUMOUR ? '#' : 'o', length);
            bar[k][length] = '\0';
        }
        common += fmin(share[TUMOUR][b], share[OTHER][b]);
        if (b + 1 < BINS)
            printf("    %4.1f to %4.1f  tumour %4.1f %% %-*s  other %4.1f %% %s\n", edge[b], edge[b + 1],
                   100.0 * share[TUMOUR][b], WIDE, bar[TUMOUR], 100.0 * share[OTHER][b], bar[OTHER]);
        else
            printf("    %4.1f and over tumour %4.1f %% %-*s  other %4.1f %% %s\n", edge[b], 100.0 * share[TUMOUR][b],
                   WIDE, bar[TUMOUR], 100.0 * share[OTHER][b], bar[OTHER]);
    }
    printf("\n%.0f %% of the two distributions is common to both\n", 100.0 * common);
}

static double area_from(const struct check *c, const int *column, size_t columns)
{
    double *f = xalloc(c->count * columns + 1, sizeof *f);
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < columns; k++)
            f[i * columns + k] = c->feature[i * FEATURES + (size_t)column[k]];
    double auc = columns == 1 ? auc_of(f, c->label, c->count) : logistic_auc(f, c->label, c->group, c->count, columns);
    free(f);
    return auc;
}

static void print_difficulty(const struct check *c)
{
    static const struct {
        const char *from, *wanted;
        int first[2], last[2];
    } rows[] = {
        {"SUVmax", "", {0}, {1}},
        {"SUVmax, SUVmean, volume", "below 0.90", {0}, {INTENSITIES}},
        {"and size of the box", "", {0, INTENSITIES + PLACE}, {INTENSITIES, WITH_POSITION}},
        {"SUVmax, SUVmean, volume and place in the scan", "clearly above", {0}, {INTENSITIES + PLACE}},
        {"SUVmax, SUVmean, volume and place from the liver", "clearly above", {0, WITH_POSITION}, {INTENSITIES, FEATURES}},
        {"place from the liver alone", "", {WITH_POSITION}, {FEATURES}},
    };
    printf("\n| tumour or not, from | AUC | wanted |\n|---|---|---|\n");
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        int column[FEATURES], columns = 0;
        for (int part = 0; part < 2; part++)
            for (int k = rows[r].first[part]; k < rows[r].last[part]; k++)
                column[columns++] = k;
        printf("| %s | %.3f | %s |\n", rows[r].from, area_from(c, column, (size_t)columns), rows[r].wanted);
    }
    printf("\nlogistic regressions, %d folds by patient; logarithms of SUVs, volume and size; a place is its three "
           "coordinates, their squares and "
           "products (mm: from the first voxel, or from the liver's middle)\n",
           LOGISTIC_FOLDS);
}

static void check_free(struct check *c)
{
    for (int o = 0; o < ANATOMY_LABELS; o++) {
        free(c->ml[o].value);
        free(c->suv[o].value);
    }
    for (int k = 0; k < CLASSES; k++) {
        free(c->regions[k].value);
        free(c->kept[k].value);
        free(c->suv_max[k].value);
        free(c->region_ml[k].value);
    }
    free(c->sites_a_scan.value);
    free(c->feature);
    free(c->label);
    free(c->group);
}

int check_cohort(const char *cohort, const char *cache_dir, struct error *e)
{
    struct cache cache;
    struct check c = {0};
    if (cache_open(&cache, cache_dir, e) < 0)
        return -1;
    int rc = 0;
    size_t patient = 0;
    for (size_t i = 0; rc == 0 && i < cache.shard_count; i++) {
        for (patient = 0; strcmp(cache.shard[patient].patient, cache.shard[i].patient) != 0; patient++)
            ; /* the first shard of the same patient stands for it */
        rc = add_scan(&c, cohort, &cache, i, patient, e);
    }
    if (rc == 0) {
        printf("# SIMULATED cohort '%s': %zu scans, %zu regions\n", cohort, cache.shard_count, cache.regions);
        print_organs(&c);
        print_lesions(&c);
        print_regions(&c);
        print_overlap(&c);
        print_difficulty(&c);
    }
    check_free(&c);
    cache_close(&cache);
    return rc;
}
