/* ct -- one number a tissue, and a little noise.   lesion -> [ct] -> write
 *
 * Textbook Hounsfield units of an unenhanced low-dose CT; noise of 12 HU: assumed. No table, no arms' streaks, no contrast. */
#include "datasets/simulate/ct.h"
#include "datasets/simulate/body.h"
#include <math.h>

enum { HU_AIR = -1000, HU_LESION = 35, HU_NOISE = 12 };
static const int16_t hu_of[ORGANS] = {
    [ORGAN_AIR] = HU_AIR, [ORGAN_SOFT] = 40,    [ORGAN_FAT] = -100,       [ORGAN_LUNG] = -750,  [ORGAN_LIVER] = 55,
    [ORGAN_SPLEEN] = 48,  [ORGAN_KIDNEY] = 32,  [ORGAN_RENAL_PELVIS] = 8, [ORGAN_BLADDER] = 5,  [ORGAN_HEART] = 40,
    [ORGAN_BRAIN] = 35,   [ORGAN_STOMACH] = 30, [ORGAN_BOWEL] = 25,       [ORGAN_MARROW] = 250, [ORGAN_AORTA] = 40,
    [ORGAN_TONSIL] = 45,  [ORGAN_GLAND] = 20,   [ORGAN_TESTIS] = 35,      [ORGAN_URETER] = 10,  [ORGAN_MUSCLE] = 55,
    [ORGAN_PROSTATE] = 38};

int16_t *ct_make(const struct phantom *ph, const struct patient *p)
{
    size_t n = grid_voxels(&ph->grid);
    int16_t *hu = xalloc(n, sizeof *hu);
    struct rng r = draw_rng(p->seed, p->number, DRAW_CT);
    for (size_t i = 0; i < n; i++) {
        int organ = ph->organ[i];
        double is = ph->lesion[i] && organ != ORGAN_MARROW ? HU_LESION : hu_of[organ];
        if (organ != ORGAN_AIR) /* air is clipped at the scale's end */
            is += HU_NOISE * (double)rng_normal(&r);
        hu[i] = (int16_t)lround(is);
    }
    return hu;
}
