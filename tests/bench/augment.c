/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- boxes a second through five augmentations, p 0.8 each, on one core.   tests/bench
 *
 *     augment [--backend cuda|ref|cpu [bfloat16]]    the same chains drawn here and applied by a back end, a batch at a time
 * Prints a line each for the chain and for every augmentation alone, and the machine's load, for a busy machine measures
 * something else. The peer is augment_monai.py: the same boxes, ranges and probabilities through MONAI. */
#include "stages/pairs/augment.h"
#include "proto/message.h"
#include "stages/train/batches/augmented_batch.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES = 256, REPEATS = 25 };
static const struct recipe ranges = {
    .affine_rotate_rad = 0.3,
    .affine_shear = 0.1,
    .affine_translate_voxels = 2,
    .affine_scale = 0.1,
    .rotate_rad = 0.5,
    .noise_sd = 0.1,
    .gamma_low = 0.5,
    .gamma_high = 4.5,
    .histogram_points = 10,
};

static void boxes_fill(float *box)
{
    for (int n = 0; n < BOXES; n++)
        for (int i = 0; i < BOX_VOXELS; i++)
            box[n * BOX_VOXELS + i] = sinf(0.3f * (float)(i / 256)) * cosf(0.2f * (float)(i / 16 % 16)) +
                                      0.05f * (float)(i % 16) + 0.01f * (float)n;
}

/* best of REPEATS, each long enough to be told from the clock's noise: microseconds a box */
static double time_chain(const char *list, double probability, float *raw, float *box)
{
    struct chain chain;
    struct error e = {0};
    if (chain_parse(&chain, list, probability, &ranges, &e))
        die_of(&e);
    double best = INFINITY;
    uint64_t view = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double begun = now_s();
        int rounds = 0;
        do {
            memcpy(box, raw, BOXES * BOX_VOXELS * sizeof *box);
            for (int n = 0; n < BOXES; n++) {
                struct drawn_chain drawn;
                chain_draw(&drawn, &chain, &ranges, 1, view++);
                chain_apply(&drawn, box + n * BOX_VOXELS, 1);
            }
            rounds++;
        } while (now_s() - begun < 0.04);
        double each = (now_s() - begun) / rounds / BOXES;
        best = each < best ? each : best;
    }
    return best * 1e6;
}

/* A batch put with its augmentations and, to know what they cost, without; drawing is the host's work. */
static void time_backend(const char *name, enum precision precision, const char *list, float *raw)
{
    enum { PUTS = 4 };
    static const int dim[3] = {16, 16, 16};
    static struct augmentation_step step[BOXES * CHAIN_MAX];
    struct error e = {0};
    struct chain chain;
    struct backend *b = backend_open(name, 0, precision, &e);
    if (!b || chain_parse(&chain, list, 0.8, &ranges, &e))
        die_of(&e);
    if (!b->augment_put)
        die(EX_UNAVAILABLE, "the back end '%s' does not augment", name);
    float *image = b->alloc(b, b->image_size(b, BOXES, 1, dim) * sizeof *image);
    struct pair_batch_message m = {
        .task = {.seed = 1, .drawn = 1}, .count = BOXES, .views = 1, .channels = 1, .box = raw, .step = step};
    double best[2] = {INFINITY, INFINITY}, draw = INFINITY;
    double opened = now_s();
    for (int repeat = 0; repeat < 2 || (repeat < 10 * REPEATS && now_s() - opened < 2); repeat++) {
        double begun = now_s();
        m.steps = 0;
        for (int n = 0; n < BOXES; n++) {
            struct drawn_chain drawn;
            chain_draw(&drawn, &chain, &ranges, 1, (uint64_t)(repeat * BOXES + n));
            chain_tell(&drawn, n, step + m.steps);
            m.steps += (int32_t)drawn.count;
        }
        draw = fmin(draw, now_s() - begun);
        for (int with = 0; with < 2; with++) {
            b->sync(b);
            begun = now_s();
            for (int i = 0; i < PUTS; i++)
                if (with)
                    augmented_batch_put(b, image, &m, BOXES);
                else
                    b->image_put(b, image, raw, BOXES, 1, dim);
            b->sync(b);
            if (repeat > 0) /* memory is made in the first */
                best[with] = fmin(best[with], (now_s() - begun) / PUTS);
        }
    }
    printf("augment %s p=0.8 backend=%s boxes_per_s=%.0f us_per_box=%.3f put_alone_us_per_box=%.3f "
           "draw_us_per_box=%.3f device=\"%s\"\n",
           list, name, BOXES / best[1], best[1] / BOXES * 1e6, best[0] / BOXES * 1e6, draw / BOXES * 1e6, b->device);
    b->release(b, image);
    backend_close(&b);
}

int main(int argc, char **argv)
{
    program_name_set("augment");
    float *raw = xalloc_aligned(BOXES * BOX_VOXELS, sizeof *raw), *box = xalloc_aligned(BOXES * BOX_VOXELS, sizeof *box);
    boxes_fill(raw);
    double load[3] = {NAN, NAN, NAN};
    if (getloadavg(load, 3) < 1)
        load[0] = NAN;
    const char *five = "affine,flip,rotate,noise,histogram";
    if (argc > 2 && !strcmp(argv[1], "--backend")) {
        time_backend(argv[2], argc > 3 && !strcmp(argv[3], "bfloat16") ? BFLOAT16 : FLOAT32, five, raw);
        free(raw);
        free(box);
        return 0;
    }
    double us = time_chain(five, 0.8, raw, box);
    printf("augment %s p=0.8 boxes_per_s=%.0f us_per_box=%.2f cores=1 load=%.2f%s\n", five, 1e6 / us, us, load[0],
           load[0] > 0.5 ? " (the machine is busy with something else)" : "");
    const char *alone[] = {"affine", "flip", "rotate", "noise", "histogram", "contrast", "none"};
    for (size_t i = 0; i < COUNT_OF(alone); i++) {
        us = time_chain(alone[i], 1, raw, box);
        printf("augment %s p=1 boxes_per_s=%.0f us_per_box=%.2f\n", alone[i], 1e6 / us, us);
    }
    free(raw);
    free(box);
}
