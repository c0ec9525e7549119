/* voxels -- the factor applied, and what the volume is like then.   suv -> [voxels] */
#include "stages/suv/suv.h"
#include <math.h>

void suv_apply(struct volume *v, const struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    for (size_t i = 0; f->suv_factor != 1 && i < count; i++)
        v->voxel[i] = (float)(v->voxel[i] * f->suv_factor);
}

/* HU are whole: their sums are exact, in any order. */
static void ct_statistics(const struct volume *v, struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += v->ct[i];
    f->ct_mean = (double)sum / (double)count;
    int64_t near = llrint(f->ct_mean), about = 0; /* squares about a whole number close to the mean */
    for (size_t i = 0; i < count; i++)
        about += (v->ct[i] - near) * (v->ct[i] - near);
    double squares = (double)about - (double)count * (f->ct_mean - (double)near) * (f->ct_mean - (double)near);
    f->ct_sd = count > 1 ? sqrt(fmax(squares, 0) / (double)(count - 1)) : 0;
}

void suv_clip(struct volume *v, double low, double high)
{
    size_t const count = grid_voxels(&v->grid);
    float const least = (float)low, most = (float)high;
    for (size_t i = 0; i < count; i++) {
        float raised = v->voxel[i] < least ? least : v->voxel[i];
        v->voxel[i] = raised > most ? most : raised;
    }
}

void suv_statistics(const struct volume *v, struct scan_facts *f)
{
    size_t const count = grid_voxels(&v->grid);
    double sum = 0, squares = 0, most = -HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        sum += v->voxel[i];
        most = v->voxel[i] > most ? v->voxel[i] : most;
    }
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (v->voxel[i] - mean) * (v->voxel[i] - mean);
    f->suv_max = most;
    f->volume_mean = mean;
    f->volume_sd = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    if (v->ct)
        ct_statistics(v, f);
}
