/* parsers -- mutated files into every parser of foreign files: no crash, no second of the processor for one, memory under a cap.
 *
 *     build/tests/fuzz/parsers [COUNT] [SEED]           COUNT files over all targets (default 15000)
 *     build/tests/fuzz/parsers --replay TARGET FILE     one file again, in this very process
 *
 * The corpus is made here: one good file or several for each target. Parsing is done by children, a few hundred files each;
 * one that dies leaves its last file as crash-TARGET-SEED-N, and the test fails. What was ever found lies in
 * tests/fuzz/regressions/TARGET-anything and is gone through first. */
#include "common/gzip.h"
#include "stages/load/load.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include "tests/unit/load_seg_file.h"

enum { MEMORY_CAP = 1 << 30, MAX_BYTES = 1 << 26, FILE_MOST = 1 << 16, CHILD_FILES = 250, SEEDS_MOST = 12 };
static char dir[64];

/* ---- numbers: xorshift, so that a seed and a count name a file ---- */

static uint64_t state;
static uint64_t number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? state % below : 0;
}

/* ---- targets: how to write good files, how to read any ---- */

static void parse_image(const char *path)
{
    struct nifti image;
    char *second = NULL;
    struct error e = {0};
    if (image_read(path, MAX_BYTES, &image, &second, &e) == 0) {
        struct turn turned;
        void *voxel = image.voxel;
        volume_turn_lps(&image.grid, &turned, &voxel, sizeof(float));
        free(voxel);
        free(second);
    } else if (!*e.text) {
        abort(); /* refused without a sentence */
    }
}
static void parse_gzip(const char *path)
{
    struct buffer out;
    struct error e = {0};
    if (gzip_read(path, MAX_BYTES, &out, &e) == 0)
        buffer_free(&out);
}
static void parse_sidecar(const char *path)
{
    struct scan_facts f;
    char *patient, *study;
    struct error e = {0};
    scan_facts_init(&f);
    if (sidecar_read(path, &f, &patient, &study, &e) == 0) {
        if (sidecar_check("x.nii", path, &f, &e) < 0 && !*e.text)
            abort();
        free(patient);
        free(study);
    }
}
static void parse_list(const char *path)
{
    struct sources s = {0};
    struct error e = {0};
    if (list_find(&s, path, &e) < 0 && !*e.text)
        abort();
    sources_free(&s);
}
static void parse_table(const char *path)
{
    struct sources s = {0};
    struct error e = {0};
    struct source *f = sources_add(&s, SOURCE_REFUSED);
    f->path = xstrdup("x.nii");
    f->label = xstrdup("x.nii");
    f->patient = xstrdup("PETCT_a");
    f->study = xstrdup("05-06-2003-NA");
    if (metadata_join(&s, path, &e) < 0 && !*e.text)
        abort();
    sources_free(&s);
}
static void parse_dicom(const char *path)
{
    struct dicom_probe probe;
    struct dicom_image image;
    struct error e = {0};
    (void)!dicom_probe(path, &probe, &e);
    if (dicom_read_image(path, &image, &e) == 0) {
        struct scan_facts f;
        scan_facts_init(&f);
        (void)!series_facts(&image, 1, &f, &e);
        float *voxel = image.rows * image.columns < MAX_BYTES / 4 ? calloc((size_t)(image.rows * image.columns), sizeof *voxel) : NULL;
        if (voxel && dicom_read_voxels(path, &image, voxel, &e) < 0 && !*e.text)
            abort();
        free(voxel);
    }
}
static void parse_rtstruct(const char *path)
{
    struct dicom_structures d;
    struct error e = {0};
    struct grid g;
    static uint8_t mask[1000];
    grid_set(&g, (int64_t[]){10, 10, 10}, (double[]){2, 2, 2}, (double[]){0, 0, 0});
    if (dicom_read_structures(path, &d, &e) < 0)
        return;
    for (size_t i = 0; i < d.roi_count; i++)
        (void)!contours_fill(&d.roi[i], &g, mask, &e);
    dicom_structures_free(&d);
}
static void parse_seg(const char *path)
{
    struct dicom_segmentation d;
    struct error e = {0};
    if (dicom_read_segmentation(path, true, &d, &e) < 0)
        return;
    size_t in = 0;
    for (size_t f = 0; f < d.frame_count; f++)
        for (size_t p = 0; p < d.rows * d.columns; p++)
            in += dicom_segmentation_inside(&d, f, p);
    (void)in;
    dicom_segmentation_free(&d);
}

static void write_or_die(const char *path, const void *data, size_t size)
{
    FILE *to = fopen(path, "wb");
    if (!to || fwrite(data, 1, size, to) != size || fclose(to) != 0)
        exit(EX_IOERR);
}

/* Seed n of a kind at `path`; false: there are no more. */
static bool seed_nifti(const char *path, int n)
{
    struct grid g;
    uint8_t voxel[8 * 60] = {0};
    struct error e = {0};
    static const int types[] = {2, 4, 512, 16};
    if (n >= 4)
        return false;
    grid_set(&g, (int64_t[]){3, 4, 5}, (double[]){3, 2, 2}, (double[]){0, 0, 0});
    return nifti_write(path, &g, types[n], voxel, "seed", &e) == 0;
}
static void text_and_ramp(const char *path, const char *header, int packed)
{
    uint8_t voxel[120], out[500];
    char all[2000];
    for (int i = 0; i < 120; i++)
        voxel[i] = (uint8_t)(i / 3);
    z_stream z = {.next_in = voxel, .avail_in = 120, .next_out = out, .avail_out = sizeof out};
    deflateInit2(&z, 6, Z_DEFLATED, packed == 'g' ? 31 : 15, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    size_t const length = strlen(header), size = packed ? z.total_out : 120;
    memcpy(all, header, length);
    memcpy(all + length, packed ? out : voxel, size);
    deflateEnd(&z);
    write_or_die(path, all, length + size);
}
static bool seed_mha(const char *path, int n)
{
    static const char *const kinds[] = {"BinaryData = True\nBinaryDataByteOrderMSB = False\nElementType = MET_SHORT\n",
                                        "CompressedData = True\nCompressedDataSize = 60\nElementType = MET_USHORT\n",
                                        "HeaderSize = -1\nBinaryDataByteOrderMSB = True\nElementType = MET_SHORT\n"};
    char header[900];
    if (n >= 3)
        return false;
    snprintf(header, sizeof header, "ObjectType = Image\nNDims = 3\nDimSize = 5 4 3\nElementSpacing = 2 2 3\nOffset = -10 20 30.5\n"
                                    "TransformMatrix = 1 0 0 0 1 0 0 0 1\n%sElementDataFile = LOCAL\n", kinds[n]);
    text_and_ramp(path, header, n == 1 ? 'z' : 0);
    return true;
}
static bool seed_nrrd(const char *path, int n)
{
    static const char *const kinds[] = {"encoding: raw\nendian: little\n", "encoding: gzip\nendian: big\n", "encoding: raw\nendian: big\nbyte skip: -1\n"};
    char header[900];
    if (n >= 3)
        return false;
    snprintf(header, sizeof header, "NRRD0005\n# seed\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
                                    "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (-10,20,30.5)\nkinds: domain domain domain\n%s\n", kinds[n]);
    text_and_ramp(path, header, n == 1 ? 'g' : 0);
    return true;
}
static bool seed_gzip(const char *path, int n)
{
    uint8_t text[3000];
    struct error e = {0};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(n ? number(256) : i / 100);
    return n < 2 && gzip_write(path, text, sizeof text, n ? 1 : 9, &e) == 0;
}
static bool seed_sidecar(const char *path, int n)
{
    static const char text[] = "{\"Units\": \"Bq/mL\", \"DecayCorrection\": \"START\", \"BodyWeight\": 71.5, \"BodyHeight\": 1.72,\n"
                               " \"InjectedRadioactivity\": 388.7, \"InjectedRadioactivityUnits\": \"MBq\", \"RadionuclideHalfLife\": 6586.2,\n"
                               " \"InjectionTime\": \"10:35:00\", \"AcquisitionTime\": \"11:20:11\", \"SeriesTime\": \"11:20:11\", \"FrameDuration\": 240,\n"
                               " \"CorrectedImage\": [\"ATTN\", \"DECY\"], \"PatientSex\": \"F\", \"PatientID\": \"P\\u00e9 1\", \"StudyID\": \"7\"}\n";
    static const char bids[] = "{\"Units\": \"Bq/mL\", \"TimeZero\": \"10:00:00\", \"InjectionStart\": -600, \"ScanStart\": 3000, \"BodyWeight\": 70,\n"
                               " \"InjectedRadioactivity\": 3e8, \"TracerRadionuclide\": \"F18\", \"FrameDuration\": [1200], \"FrameTimesStart\": [0],\n"
                               " \"ImageDecayCorrected\": true, \"ImageDecayCorrectionTime\": 3000, \"AttenuationCorrection\": \"measured\"}\n";
    if (n < 2)
        write_or_die(path, n ? bids : text, n ? sizeof bids - 1 : sizeof text - 1);
    return n < 2;
}
static bool seed_table(const char *path, int n)
{
    static const char text[] = "Series UID,Subject ID,Study Date,Modality,File Location,diagnosis,age,sex\n"
                               "1,PETCT_a,5/6/2003,PT,\"./FDG/PETCT_a/05-06-2003-NA/8, PET \"\"corr\"\"\",MELANOMA,071Y,M\r\n2,PETCT_b,20030506,PT,x,NEGATIVE,50,F\n";
    if (n == 0)
        write_or_die(path, text, sizeof text - 1);
    return n == 0;
}
static bool seed_list(const char *path, int n)
{
    static const char text[] = "patient\tstudy\tscan\tmask\tunits\tdiagnosis\tsex\tage_y\n# a comment\nP01\tA\tx.nii\t-\tSUV\tMELANOMA\tF\t61\r\n"
                               "P02\tB\tno.nii.gz\t\tBq/mL\tNEGATIVE\tM\t7.5\nP03\t\tx.nii\tx.nii\n";
    if (n == 0)
        write_or_die(path, text, sizeof text - 1);
    return n == 0;
}
/* Plain, and packed by every codec DCMTK's tools have, where they are installed. */
static bool seed_dicom(const char *path, int n)
{
    static const char *const ways[] = {"", "dcmcrle", "dcmcjpls", "dcmcjpeg", "dcmconv +ti", "dcmconv +tb", "dcmconv +td"};
    struct dicom_slice s = {.position = "0\\0\\0", .units = "CNTS", .philips_suv = "0.0005", .suv_type = "BW"};
    char command[300];
    if ((size_t)n >= COUNT_OF(ways))
        return false;
    for (size_t i = 0; i < COUNT_OF(s.stored); i++)
        s.stored[i] = (uint16_t)(i * 911);
    dicom_slice_write(path, &s);
    snprintf(command, sizeof command, "%s '%s' '%s.x' 2>/dev/null && mv '%s.x' '%s'", ways[n], path, path, path, path);
    if (n > 0 && system(command) != 0 && n == 1)
        fputs("# DCMTK's tools are not installed: packed DICOM is not in the corpus\n", stdout);
    return true;
}
static bool seed_seg(const char *path, int n)
{
    if (n < 2)
        seg_write(path, &(struct seg){.fraction = n == 1});
    return n < 2;
}
static void fill_contour(FILE *to, int i, const void *about)
{
    (void)about;
    dicom_text(to, 0x3006, 0x0042, "CS", "CLOSED_PLANAR");
    dicom_text(to, 0x3006, 0x0050, "DS", i ? "3\\3\\2\\15\\3\\2\\15\\15\\2\\3\\15\\2" : "-9\\-9\\4\\40\\-9\\4\\-9\\40\\4");
}
static void fill_drawn(FILE *to, int i, const void *about)
{
    sequence_put(to, 0x3006, 0x0040, 2, fill_contour, about);
    dicom_text(to, 0x3006, 0x0084, "IS", i ? "2" : "1");
}
static void fill_named(FILE *to, int i, const void *about)
{
    (void)about;
    dicom_text(to, 0x3006, 0x0022, "IS", i ? "2" : "1");
    dicom_text(to, 0x3006, 0x0026, "LO", i ? "mass" : "edema");
}
static bool seed_rtstruct(const char *path, int n)
{
    char preamble[128] = {0};
    FILE *to = n == 0 ? fopen(path, "wb") : NULL;
    if (!to)
        return false;
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){28, 0, 0, 0}, 4);
    dicom_put(to, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1", 19);
    dicom_text(to, 0x0008, 0x0060, "CS", "RTSTRUCT");
    sequence_put(to, 0x3006, 0x0020, 2, fill_named, NULL);
    sequence_put(to, 0x3006, 0x0039, 2, fill_drawn, NULL);
    fclose(to);
    return true;
}

static const struct target {
    const char *name, *file;
    bool (*seed)(const char *path, int n);
    void (*parse)(const char *path);
    bool paths; /* its text names files: slashes and dots stay out of it */
} targets[] = {
    {"nifti", "f.nii", seed_nifti, parse_image, false},   {"niftigz", "f.nii.gz", seed_nifti, parse_image, false},
    {"mha", "f.mha", seed_mha, parse_image, true},        {"nrrd", "f.nrrd", seed_nrrd, parse_image, true},
    {"gzip", "f.gz", seed_gzip, parse_gzip, false},       {"sidecar", "f.json", seed_sidecar, parse_sidecar, false},
    {"list", "f.tsv", seed_list, parse_list, true},       {"table", "f.csv", seed_table, parse_table, false},
          {"dicom", "f.dcm", seed_dicom, parse_dicom, false},
    {"rtstruct", "r.dcm", seed_rtstruct, parse_rtstruct, false}, {"seg", "s.dcm", seed_seg, parse_seg, false},
};

/* ---- mutation ---- */

static const char *const words[] = {"-1", "0", "1e308", "-1e308", "nan", "inf", "32768", "2147483648", "18446744073709551616", "1e-320",
                                    "=", ":", "\n", "\n\n", "\\", "\t", "\"", "{", "]", "(,,)", "LOCAL", "True", "LIST", "%d"};
static const uint64_t extremes[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                    0x8000000000000000, 0xffffffffffffffff, 0x7ff0000000000000, 0x7fc00000};

static size_t insert(uint8_t *b, size_t size, size_t at, const void *what, size_t length)
{
    if (size + length > FILE_MOST)
        return size;
    memmove(b + at + length, b + at, size - at);
    memcpy(b + at, what, length);
    return size + length;
}

static size_t mutate_once(uint8_t *b, size_t size)
{
    size_t at = number(size + 1), width = (size_t)1 << number(4), length = number(40);
    /* half of all changes fall into the head, where sizes are */
    if (number(2) && size > 400)
        at = number(400);
    uint8_t piece[64];
    uint64_t value = extremes[number(COUNT_OF(extremes))];
    switch (number(8)) {
    case 0:
        if (at < size)
            b[at] ^= (uint8_t)(1U << number(8));
        return size;
    case 1:
        if (at < size)
            b[at] = (uint8_t)number(256);
        return size;
    case 2: /* an extreme number, in either byte order */
        for (size_t i = 0; i < width && at + width <= size; i++)
            b[at + i] = (uint8_t)(value >> 8 * (number(2) ? i : width - 1 - i));
        return size;
    case 3: /* cut short, now and then */
        return number(4) ? size : at;
    case 4: /* a piece taken out */
        if (at + length <= size) {
            memmove(b + at, b + at + length, size - at - length);
            return size - length;
        }
        return size;
    case 5: /* a piece twice */
        if (at + length <= size) {
            memcpy(piece, b + at, length);
            return insert(b, size, number(size + 1), piece, length);
        }
        return size;
    case 6: {
        const char *word = words[number(COUNT_OF(words))];
        return insert(b, size, at, word, strlen(word));
    }
    default: { /* a word in place of what stands there */
        const char *word = words[number(COUNT_OF(words))];
        for (size_t i = 0; word[i] && at + i < size; i++)
            b[at + i] = (uint8_t)word[i];
        return size;
    }
    }
}

static size_t mutate(const struct target *t, const struct buffer *seed, uint8_t *b)
{
    size_t size = seed->size < FILE_MOST ? seed->size : FILE_MOST;
    memcpy(b, seed->data, size);
    for (uint64_t times = 1 + number(number(4) ? 4 : 30); times > 0; times--)
        size = mutate_once(b, size);
    for (size_t i = 0; t->paths && i < size; i++)
        if (b[i] == '/' || (b[i] == '.' && i + 1 < size && b[i + 1] == '.'))
            b[i] = '_';
    return size;
}

/* ---- children ---- */

static void guard(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {MEMORY_CAP, MEMORY_CAP};
    setrlimit(RLIMIT_AS, &limit);
#endif
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

/* Files `from` up to `to` of a target, in a child. Returns how it ended; *reached: the file it was at. */
static int child_run(const struct target *t, const char *path, const struct buffer *seeds, size_t seed_count, uint64_t seed, uint64_t from,
                     uint64_t to, volatile uint64_t *reached)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        uint8_t *b = xalloc(FILE_MOST + 64, 1);
        guard();
        write_or_die(path, seeds[0].data, seeds[0].size);
        t->parse(path); /* what is done once, such as reading DCMTK's dictionary, is no hang */
        for (uint64_t n = from; n < to; n++) {
            *reached = n;
            state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (n + 1) * 0xd1342543de82ef95u;
            number(0);
            write_or_die(path, b, mutate(t, &seeds[number(seed_count)], b));
            /* a hang is a death by SIGPROF: of the processor's time, so that a busy machine is no hang */
            struct itimerval second = {.it_value = {1, 0}}, off = {0};
            setitimer(ITIMER_PROF, &second, NULL);
            t->parse(path);
            setitimer(ITIMER_PROF, &off, NULL);
        }
        free(b);
        exit(0);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int regressions(const struct target *t)
{
    struct names in = {0};
    int bad = 0;
    if (!dir_exists("tests/fuzz/regressions") || dir_list("tests/fuzz/regressions", &in, NULL) < 0)
        return 0;
    for (size_t i = 0; i < in.count; i++) {
        size_t length = strlen(t->name);
        if (strncmp(in.name[i], t->name, length) != 0 || in.name[i][length] != '-')
            continue;
        struct buffer file;
        struct error e = {0};
        char *from = path_join("tests/fuzz/regressions", in.name[i]), *path = path_join(dir, t->file);
        if (file_read(from, FILE_MOST, &file, &e) == 0) {
            write_or_die(path, file.data, file.size);
            fflush(stdout);
            pid_t child = fork();
            int status = 0;
            if (child == 0) {
                guard();
                setitimer(ITIMER_PROF, &(struct itimerval){.it_value = {1, 0}}, NULL); /* as above */
                t->parse(path);
                _exit(0); /* what the parent holds is not this one's leak */
            }
            waitpid(child, &status, 0);
            if (status != 0)
                printf("# %s again (status %d)\n", in.name[i], status), bad++;
            buffer_free(&file);
        }
        free(path);
        free(from);
    }
    names_free(&in);
    return bad;
}

/* `count` mutated files of one target; how many killed their reader. */
static int target_run(const struct target *t, uint64_t count, uint64_t seed)
{
    struct buffer seeds[SEEDS_MOST];
    size_t seed_count = 0;
    char *path = path_join(dir, t->file);
    struct error e = {0};
    int deaths = regressions(t);
    while (seed_count < SEEDS_MOST && t->seed(path, (int)seed_count) && file_read(path, FILE_MOST, &seeds[seed_count], &e) == 0)
        seed_count++;
    volatile uint64_t *reached = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (uint64_t from = 0; from < count && deaths < 5;) {
        uint64_t to = from + CHILD_FILES < count ? from + CHILD_FILES : count;
        int status = child_run(t, path, seeds, seed_count, seed, from, to, reached);
        if (status == 0) {
            from = to;
            continue;
        }
        char *kept = xprintf("crash-%s-%llu-%llu", t->name, (unsigned long long)seed, (unsigned long long)*reached);
        struct buffer file;
        if (file_read(path, FILE_MOST + 64, &file, &e) == 0) {
            write_or_die(kept, file.data, file.size);
            buffer_free(&file);
        }
        printf("# %s: %s %d; the file is kept as %s\n", t->name, WIFSIGNALED(status) ? "killed by signal" : "left with",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), kept);
        free(kept);
        deaths++;
        from = *reached + 1;
    }
    munmap((void *)(uintptr_t)reached, 4096);
    for (size_t i = 0; i < seed_count; i++)
        buffer_free(&seeds[i]);
    free(path);
    return deaths;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--replay") == 0) {
        for (size_t t = 0; t < COUNT_OF(targets); t++)
            if (strcmp(targets[t].name, argv[2]) == 0)
                targets[t].parse(argv[3]);
        return 0;
    }
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 15000, seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, done = 0;
    int deaths = 0;
    double begun_s = now_s();
    strcpy(dir, dir_exists("/dev/shm") ? "/dev/shm/petrel-fuzz.XXXXXX" : "/tmp/petrel-fuzz.XXXXXX"); /* memory: they are many */
    if (!mkdtemp(dir))
        return EX_OSERR;
    for (size_t t = 0; t < COUNT_OF(targets); t++) {
        uint64_t mine = count / COUNT_OF(targets) + (t < count % COUNT_OF(targets));
        state = 88172645463325252u; /* of the seeds */
        int here = target_run(&targets[t], mine, seed);
        printf("%s %zu - %s: %llu mutated files, %d crashes or hangs\n", here ? "not ok" : "ok", t + 1, targets[t].name, (unsigned long long)mine, here);
        deaths += here;
        done += mine;
    }
    dir_remove(dir);
    printf("# %llu mutated files in %.1f s, seed %llu: %d crashes or hangs\n", (unsigned long long)done, now_s() - begun_s,
           (unsigned long long)seed, deaths);
    return deaths ? 1 : 0;
}
