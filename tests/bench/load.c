/* SPDX-License-Identifier: Apache-2.0 */
/* load -- reading scans: the files to read, and how long and how much memory ours takes.   tests/bench
 *
 *     load make PET.nii.gz DIR      DIR/scan.nii.gz and DIR/series/: that (simulated) PET put into 400 x 400 x 326 float32 voxels,
 *                                   and the same as a DICOM series of 326 slices of 16 bits, each with its own slope
 *     load read SCAN [REPEAT]       SCAN as petrel-load reads it, voxels alone: the fastest of REPEAT, and the peak.
 *                                   cpu_s is the processor's time, which other work on the machine lengthens less. DCMTK's dictionary
 *                                   is there before the clock starts, as pydicom's is by then (import): start_s says what it took */
#include "stages/load/load.h"
#include "tests/unit/load_dicom_file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEPTH = 326, HEIGHT = 400, WIDTH = 400, PLANE = HEIGHT * WIDTH };

static void series_make(const char *dir, const float *voxel)
{
    struct error e = {0};
    uint16_t *stored = xalloc(PLANE, sizeof *stored);
    char position[64], instance[32];
    if (dir_make(dir, &e) < 0)
        die_of(&e);
    for (int z = 0; z < DEPTH; z++) {
        const float *from = voxel + (size_t)z * PLANE;
        float most = 1e-3F;
        for (int i = 0; i < PLANE; i++)
            most = from[i] > most ? from[i] : most;
        for (int i = 0; i < PLANE; i++)
            stored[i] = (uint16_t)lroundf(fmaxf(from[i], 0) / most * 32767);
        snprintf(position, sizeof position, "-407\\-407\\%d", 3 * z);
        snprintf(instance, sizeof instance, "1.2.3.4.5.%d", z + 1); /* a copy of another is compared with it */
        char *path = xprintf("%s/%03d.dcm", dir, (z * 37) % DEPTH); /* names say nothing of the order */
        dicom_slice_write(path, &(struct dicom_slice){.position = position,
                                                      .instance = instance,
                                                      .spacing = "2.036\\2.036",
                                                      .slope = (double)most / 32767,
                                                      .rows = HEIGHT,
                                                      .columns = WIDTH,
                                                      .pixels = stored});
        free(path);
    }
    free(stored);
}

static void make(const char *pet, const char *dir)
{
    struct nifti image;
    struct error e = {0};
    struct grid g;
    float *voxel = xalloc((size_t)DEPTH * PLANE, sizeof *voxel);
    if (image_read(pet, (size_t)4 << 30, &image, NULL, &e) < 0 || dir_make(dir, &e) < 0)
        die_of(&e);
    for (int64_t z = 0; z < DEPTH && z < image.grid.dim[0]; z++)
        for (int64_t y = 0; y < HEIGHT && y < image.grid.dim[1]; y++)
            for (int64_t x = 0; x < WIDTH && x < image.grid.dim[2]; x++)
                voxel[z * PLANE + y * WIDTH + x] = image.voxel[grid_at(&image.grid, z, y, x)];
    char *scan = path_join(dir, "scan.nii.gz"), *series = path_join(dir, "series");
    grid_set(&g, (int64_t[]){DEPTH, HEIGHT, WIDTH}, (double[]){3, 2.036, 2.036}, (double[]){407, 407, 0});
    if (nifti_write(scan, &g, 16, voxel, "SIMULATED", &e) < 0)
        die_of(&e);
    series_make(series, voxel);
    free(scan);
    free(series);
    free(voxel);
    free(image.voxel);
}

/* One slice looked at: seconds. */
static double library_start(const char *path)
{
    struct names in = {0};
    struct dicom_probe probe;
    struct error e = {0};
    double const begun_s = now_s();
    if (dir_exists(path)) {
        if (dir_list(path, &in, &e) < 0)
            die_of(&e);
        char *slice = path_join(path, in.name[0]);
        if (dicom_probe(slice, &probe, &e) != 0)
            die(EX_NOINPUT, "'%s' is no DICOM file", slice);
        free(slice);
        names_free(&in);
    }
    return now_s() - begun_s;
}

static void read_once(const char *path)
{
    struct error e = {0};
    struct nifti image;
    struct sources s;
    struct series series;
    struct scan_facts facts;
    char *patient, *study, *argument = xstrdup(path);
    if (!dir_exists(path)) {
        if (image_read(path, (size_t)4 << 30, &image, NULL, &e) < 0)
            die_of(&e);
        free(image.voxel);
    } else {
        scan_facts_init(&facts);
        if (sources_find(&s, &argument, 1, &(struct load_options){.units = "auto"}, &e) < 0 ||
            series_read(&s.item[0].slice, NULL, (size_t)4 << 30, &series, &facts, &patient, &study, &e) < 0)
            die_of(&e);
        free(series.voxel);
        free(patient);
        free(study);
        sources_free(&s);
    }
    free(argument);
}

int main(int argc, char **argv)
{
    program_name_set("bench load");
    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        make(argv[2], argv[3]);
        return 0;
    }
    if (argc >= 3 && strcmp(argv[1], "read") == 0) {
        double best = HUGE_VAL, best_cpu = HUGE_VAL, start_s = library_start(argv[2]);
        for (int i = argc > 3 ? atoi(argv[3]) : 1; i > 0; i--) {
            double begun_s = now_s(), begun_cpu_s = (double)clock() / CLOCKS_PER_SEC;
            read_once(argv[2]);
            best = fmin(best, now_s() - begun_s);
            best_cpu = fmin(best_cpu, (double)clock() / CLOCKS_PER_SEC - begun_cpu_s);
        }
        printf("read_s=%.3f cpu_s=%.3f start_s=%.3f peak_mib=%.0f\n", best, best_cpu, start_s,
               (double)peak_memory_bytes() / (1 << 20));
        return 0;
    }
    die(EX_USAGE, "load make PET.nii.gz DIR | load read SCAN [REPEAT]");
}
