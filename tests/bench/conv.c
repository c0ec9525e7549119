/* SPDX-License-Identifier: Apache-2.0 */
/* conv -- how fast the convolutions of the paper's network run, layer by layer, beside oneDNN's, on this machine.   tests/bench
 *
 *     conv [--backend cpu] [--precision float32|bfloat16] [--threads 0] [--calls 1] [--floor TB/S TFLOP/S] [BOXES ...]
 * GFLOP/s of live work: taps that fall on padding are not counted, whoever computes them. The best of several runs, ours and,
 * beside the cpu back end's float32, oneDNN's in turn, on the same threads; x: how many times as fast ours is. The load average
 * tells whether something else was running.
 * --calls: so many are recorded and replayed as one where the back end can, for a GPU's launches are dearer than its small layers.
 * --floor: times as shares of the least that memory and arithmetic of these rates allow, live work and each number moved once. */
#include "kernels/backend.h"
#include "tests/bench/onednn/conv_onednn.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int times, C, O, in[3], kernel, stride[3], pad;
} layers[] = {
    {"stem", 1, 1, 64, {16, 16, 16}, 7, {1, 2, 2}, 3},
    {"layer1", 4, 64, 64, {8, 4, 4}, 3, {1, 1, 1}, 1},
    {"layer2.0.conv1", 1, 64, 128, {8, 4, 4}, 3, {2, 2, 2}, 1},
    {"layer2.0.shortcut", 1, 64, 128, {8, 4, 4}, 1, {2, 2, 2}, 0},
    {"layer2", 3, 128, 128, {4, 2, 2}, 3, {1, 1, 1}, 1},
    {"layer3.0.conv1", 1, 128, 256, {4, 2, 2}, 3, {2, 2, 2}, 1},
    {"layer3.0.shortcut", 1, 128, 256, {4, 2, 2}, 1, {2, 2, 2}, 0},
    {"layer3", 3, 256, 256, {2, 1, 1}, 3, {1, 1, 1}, 1},
    {"layer4.0.conv1", 1, 256, 512, {2, 1, 1}, 3, {2, 2, 2}, 1},
    {"layer4.0.shortcut", 1, 256, 512, {2, 1, 1}, 1, {2, 2, 2}, 0},
    {"layer4", 3, 512, 512, {1, 1, 1}, 3, {1, 1, 1}, 1},
};

static double live_pairs(const struct conv_shape *s)
{
    double pairs = 1;
    for (int a = 0; a < 3; a++) {
        int along = 0;
        for (int p = 0; p < s->out[a]; p++)
            for (int t = 0; t < s->kernel[a]; t++)
                along += p * s->stride[a] + t - s->pad[a] >= 0 && p * s->stride[a] + t - s->pad[a] < s->in[a];
        pairs *= along;
    }
    return pairs;
}

static float *filled(struct backend *b, size_t floats)
{
    float *host = xalloc(floats, sizeof *host), *device = b->alloc(b, floats * sizeof *device);
    for (size_t i = 0; i < floats; i++)
        host[i] = (float)((i * 2654435761u >> 12) % 1024) / 1024 - 0.5f;
    b->put(b, device, host, floats * sizeof *host);
    free(host);
    return device;
}

struct one {
    struct backend *b;
    struct conv *c;
    float *out, *in, *weight, *dout, *din, *dweight;
    void (*way)(struct one *);
    int calls;
};
static void forward(struct one *o)
{
    o->b->conv_forward(o->b, o->out, o->in, o->weight, o->c);
}
static void data(struct one *o)
{
    o->b->conv_backward_data(o->b, o->din, o->dout, o->weight, o->c);
}
static void weight(struct one *o)
{
    o->b->conv_backward_weight(o->b, o->dweight, o->dout, o->in, o->c);
}

static void calls_of(void *context)
{
    struct one *o = context;
    for (int i = 0; i < o->calls; i++)
        o->way(o);
}

/* s a call, of ours and of theirs (NULL: infinite), in turn */
static void best_of(double best[2], void (*what)(struct one *), struct one *o, struct onednn_conv *peer, int way)
{
    double spent = 0;
    void *record = NULL;
    o->way = what;
    best[0] = best[1] = INFINITY;
    for (int i = 0; i < 4 || (spent < 0.6 && i < 50); i++) {
        double start = now_s(), middle, end;
        o->b->step(o->b, &record, calls_of, o);
        o->b->sync(o->b);
        middle = now_s();
        if (peer)
            onednn_conv_run(peer, way);
        end = now_s();
        spent += end - start;
        if (i > 0) /* plans are made in the first, and the second is recorded */
            best[0] = fmin(best[0], (middle - start) / o->calls);
        if (peer)
            best[1] = fmin(best[1], end - middle);
    }
    o->b->step_forget(o->b, &record);
}

struct floors {
    double bytes_s, flop_s;
    int number;
}; /* 0: not asked for; bytes of a number */

/* The least time that these rates allow. */
static double least_s(const struct floors *f, const struct conv_shape *s, size_t weights, double gflop)
{
    double numbers = (double)s->N * (s->C * s->in[0] * s->in[1] * s->in[2] + s->O * s->out[0] * s->out[1] * s->out[2]) +
                     (double)weights;
    return f->bytes_s > 0 ? fmax(numbers * f->number / f->bytes_s, gflop * 1e9 / f->flop_s) : 0;
}

static void print_pair(double gflop, const double took[2], double least)
{
    if (least > 0) {
        printf(" | %9.2f us %8.1f/s %9.0f %% ", took[0] * 1e6, gflop / took[0], 100 * least / took[0]);
        fflush(stdout);
        return;
    }
    printf(" | %7.2f ms %6.1f/s", took[0] * 1e3, gflop / took[0]);
    if (isfinite(took[1]))
        printf(" %6.1f/s %5.2fx", gflop / took[1], took[1] / took[0]);
    else
        printf(" %8s %6s", "-", "-");
    fflush(stdout);
}

/* threads: of the peer; 0: none is wanted */
static void bench_boxes(struct backend *b, int N, int threads, int calls, const struct floors *floors)
{
    static void (*const ways[])(struct one *) = {forward, data, weight};
    double total[3][2] = {0}, work = 0, work_data = 0, least_total[3] = {0};
    printf("%-20s %5s %8s | %-34s | %-34s | %-34s\n", "layer", "boxes", "GFLOP",
           floors->bytes_s > 0 ? "forward: time, GFLOP/s, of the floor" : "forward: ours, oneDNN's", "data gradient",
           "weight gradient");
    for (size_t l = 0; l < COUNT_OF(layers); l++) {
        struct conv_shape s = {.N = N, .C = layers[l].C, .O = layers[l].O};
        for (int a = 0; a < 3; a++) {
            s.in[a] = layers[l].in[a];
            s.kernel[a] = layers[l].kernel;
            s.stride[a] = layers[l].stride[a];
            s.pad[a] = layers[l].pad;
        }
        conv_out_dims(&s);
        size_t in = b->image_size(b, N, s.C, s.in), out = b->image_size(b, N, s.O, s.out),
               w = b->weight_size(b, s.O, s.C, conv_live_taps(&s, NULL));
        struct one o = {b,
                        b->conv_open(b, &s),
                        filled(b, out),
                        filled(b, in),
                        filled(b, w),
                        filled(b, out),
                        filled(b, in),
                        filled(b, w),
                        NULL,
                        calls};
        double gflop = 2e-9 * live_pairs(&s) * N * s.C * s.O;
        struct onednn_conv *peer = threads ? onednn_conv_open(&s, threads) : NULL;
        printf("%-20s %5d %8.3f", layers[l].name, N, gflop);
        for (size_t k = 0; k < COUNT_OF(ways); k++) {
            if (k == 1 && s.C == 1) { /* the scan itself has no gradient */
                printf(" | %34s", "-");
                continue;
            }
            double took[2], least = least_s(floors, &s, w, gflop);
            best_of(took, ways[k], &o, peer, (int)k);
            print_pair(gflop, took, least);
            least_total[k] += layers[l].times * least;
            for (int who = 0; who < 2; who++)
                total[k][who] += layers[l].times * took[who];
        }
        printf("%s%s", peer ? " | " : "", peer ? onednn_conv_kernel(peer, ONEDNN_FORWARD) : "");
        printf("\n");
        onednn_conv_close(&peer);
        work += layers[l].times * gflop;
        work_data += s.C == 1 ? 0 : layers[l].times * gflop;
        b->conv_close(b, o.c);
        float *all[] = {o.out, o.in, o.weight, o.dout, o.din, o.dweight};
        for (size_t i = 0; i < COUNT_OF(all); i++)
            b->release(b, all[i]);
    }
    printf("%-20s %5d %8.3f", "all, with repeats", N, work);
    for (size_t k = 0; k < COUNT_OF(ways); k++)
        print_pair(k == 1 ? work_data : work, total[k], least_total[k]);
    printf("\n");
    if (floors->bytes_s > 0)
        printf("floors: %g TB/s, or %g TFLOP/s of live work, whichever takes longer\n", floors->bytes_s / 1e12,
               floors->flop_s / 1e12);
    printf("\n");
}

int main(int argc, char **argv)
{
    const char *name = "cpu";
    enum precision precision = FLOAT32;
    struct floors floors = {0};
    int threads = 0, boxes[16] = {256, 64}, sizes = 0, calls = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--calls") == 0 && i + 1 < argc)
            calls = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--precision") == 0 && i + 1 < argc)
            precision = strcmp(argv[++i], "bfloat16") ? FLOAT32 : BFLOAT16;
        else if (strcmp(argv[i], "--floor") == 0 && i + 2 < argc) {
            floors.bytes_s = strtod(argv[++i], NULL) * 1e12;
            floors.flop_s = strtod(argv[++i], NULL) * 1e12;
        } else if (strtol(argv[i], NULL, 10) > 0 && sizes < (int)COUNT_OF(boxes))
            boxes[sizes++] = (int)strtol(argv[i], NULL, 10);
        else
            die(EX_USAGE,
                "'%s' is no number of boxes; usage: conv [--backend cpu] [--precision float32|bfloat16] [--threads 0] "
                "[--calls 1] [--floor TB/S TFLOP/S] [BOXES ...]",
                argv[i]);
    }
    floors.number = precision == BFLOAT16 ? 2 : 4;
    struct error e = {0};
    struct backend *b = backend_open(name, threads, precision, &e);
    if (!b)
        die_of(&e);
    double load[1] = {-1};
    (void)!getloadavg(load, 1);
    bool compared = strcmp(b->name, "cpu") == 0 && precision == FLOAT32 && floors.bytes_s <= 0;
    printf("%s: %s; beside it %s; load average before: %.2f\n\n", b->name, b->device,
           !compared          ? "nothing"
           : onednn_version() ? onednn_version()
                              : "nothing, for oneDNN is not installed (apt-get install libdnnl-dev)",
           load[0]);
    if (threads <= 0)
        threads = omp_get_num_procs();
    for (int i = 0; i < (sizes ? sizes : 2); i++)
        bench_boxes(b, boxes[i], compared ? threads : 0, calls > 0 ? calls : 1, &floors);
    backend_close(&b);
    return 0;
}
