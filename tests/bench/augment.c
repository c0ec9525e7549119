/* augment -- boxes a second through five augmentations, p 0.8 each, on one core.   tests/bench
 *
 * Prints a line each for the chain and for every augmentation alone, and the machine's load, for a busy machine measures
 * something else. The peer is augment_monai.py: the same boxes, ranges and probabilities through MONAI. */
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES = 256, REPEATS = 25 };
static const struct recipe ranges = {
    .affine_rotate_rad = 0.3, .affine_shear = 0.1, .affine_translate_voxels = 2, .affine_scale = 0.1, .rotate_rad = 0.5,
    .noise_sd = 0.1, .gamma_low = 0.5, .gamma_high = 4.5, .histogram_points = 10,
};

static void boxes_fill(float *box)
{
    for (int n = 0; n < BOXES; n++)
        for (int i = 0; i < BOX_VOXELS; i++)
            box[n * BOX_VOXELS + i] = sinf(0.3f * (float)(i / 256)) * cosf(0.2f * (float)(i / 16 % 16)) + 0.05f * (float)(i % 16) + 0.01f * (float)n;
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

int main(void)
{
    program_name_set("augment");
    float *raw = xalloc_aligned(BOXES * BOX_VOXELS, sizeof *raw), *box = xalloc_aligned(BOXES * BOX_VOXELS, sizeof *box);
    boxes_fill(raw);
    double load[3] = {NAN, NAN, NAN};
    if (getloadavg(load, 3) < 1)
        load[0] = NAN;
    const char *five = "affine,flip,rotate,noise,histogram";
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
