/* SPDX-License-Identifier: Apache-2.0 */
/* ct -- one number a tissue, at one moment of a breath, and a little noise.   lesion -> [ct] -> write
 *
 * Textbook Hounsfield units of an unenhanced low-dose CT; noise of 12 HU: assumed. No table, no arms' streaks, no
 * contrast. */
#include "datasets/simulate/ct.h"
#include "datasets/simulate/body.h"
#include "datasets/simulate/breathing.h"
#include <math.h>

enum { HU_AIR = -1000, HU_LESION = 35, HU_NOISE = 12 };
static const int16_t hu_of[ORGANS] = {
    [ORGAN_AIR] = HU_AIR, [ORGAN_SOFT] = 40,    [ORGAN_FAT] = -100,       [ORGAN_LUNG] = -750,  [ORGAN_LIVER] = 55,
    [ORGAN_SPLEEN] = 48,  [ORGAN_KIDNEY] = 32,  [ORGAN_RENAL_PELVIS] = 8, [ORGAN_BLADDER] = 5,  [ORGAN_HEART] = 40,
    [ORGAN_BRAIN] = 35,   [ORGAN_STOMACH] = 30, [ORGAN_BOWEL] = 25,       [ORGAN_MARROW] = 250, [ORGAN_AORTA] = 40,
    [ORGAN_TONSIL] = 45,  [ORGAN_GLAND] = 20,   [ORGAN_TESTIS] = 35,      [ORGAN_URETER] = 10,  [ORGAN_MUSCLE] = 55,
    [ORGAN_PROSTATE] = 38};

int16_t *ct_make(const struct phantom *ph, const struct patient *p, int finer, struct grid *g)
{
    *g = ph->grid;
    for (int a = 1; a < 3; a++) { /* rows and columns; column 2 - a of the affine is our axis a */
        g->dim[a] *= finer;
        g->spacing_mm[a] /= finer;
        for (int i = 0; i < 3; i++) {
            g->affine[i][2 - a] /= finer;
            g->affine[i][3] -= 0.5 * (finer - 1) * g->affine[i][2 - a]; /* the first voxel's corner stays */
        }
    }
    int16_t *hu = xalloc(grid_voxels(g), sizeof *hu);
    struct breathing breathing = breathing_draw(p);
    struct rng r = draw_rng(p->seed, p->number, DRAW_CT);
    size_t i = 0;
    for (int64_t z = 0; z < g->dim[0]; z++)
        for (int64_t y = 0; y < g->dim[1]; y++) {
            const uint8_t *organs = breathing_organs(&breathing, ph, breathing.ct_down_mm, z, y / finer);
            size_t row = grid_at(&ph->grid, z, y / finer, 0);
            for (int64_t x = 0; x < g->dim[2]; x++, i++) {
                int organ = organs[x / finer];
                bool lesion = ph->lesion[row + (size_t)(x / finer)] != 0;
                double is = lesion && organ != ORGAN_MARROW && organ != ORGAN_AIR ? HU_LESION : hu_of[organ];
                if (organ != ORGAN_AIR) /* air is clipped at the scale's end */
                    is += HU_NOISE * (double)rng_normal(&r);
                hu[i] = (int16_t)lround(is);
            }
        }
    return hu;
}
