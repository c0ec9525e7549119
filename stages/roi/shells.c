/* SPDX-License-Identifier: Apache-2.0 */
/* shells -- what lies around a place: voxels on spheres about it that grow with its region.   [shells] -> reach */
#include "stages/roi/shells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIDDLE = SHELL_RAYS / 2 }; /* of its voxels, sorted: the median */

/* What would stand at [k] if value[] were sorted; leaves it in another order. */
static float kth(float *value, int count, int k)
{
    for (int low = 0, high = count - 1; low < high;) {
        float pivot = value[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (value[i] < pivot)
                i++;
            while (value[j] > pivot)
                j--;
            if (i <= j) {
                float swap = value[i];
                value[i++] = value[j];
                value[j--] = swap;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return value[k];
}

/* Evenly on the unit sphere, along a spiral from pole to pole; z y x. */
static void rays_make(double ray[SHELL_RAYS][3])
{
    const double golden = 2.399963229728653; /* angle, rad */
    for (int i = 0; i < SHELL_RAYS; i++) {
        double up = 1 - 2 * (i + 0.5) / SHELL_RAYS, out = sqrt(1 - up * up);
        ray[i][0] = up, ray[i][1] = out * sin(i * golden), ray[i][2] = out * cos(i * golden);
    }
}

void shells_open(struct shells *s, const float *suv, const int64_t dim[3], const double mm[3], double around_mm)
{
    *s = (struct shells){.suv = suv, .around_mm = around_mm};
    memcpy(s->dim, dim, sizeof s->dim);
    memcpy(s->spacing_mm, mm, sizeof s->spacing_mm);
    rays_make(s->ray);
}

void shells_close(struct shells *s)
{
    free(s->shell);
    memset(s, 0, sizeof *s);
}

static void shell_make(const struct shells *s, double radius_mm, struct shell *shell)
{
    const double *mm = s->spacing_mm, voxels[3] = {radius_mm / mm[0], radius_mm / mm[1], radius_mm / mm[2]};
    memset(shell->far, 0, sizeof shell->far);
    for (int i = 0; i < SHELL_RAYS; i++) {
        int64_t *away = shell->away[i];
        for (int a = 0; a < 3; a++) {
            away[a] = (int64_t)floor(voxels[a] * s->ray[i][a] + 0.5);
            shell->far[a] = llabs(away[a]) > shell->far[a] ? llabs(away[a]) : shell->far[a];
        }
        shell->offset[i] = (away[0] * s->dim[1] + away[1]) * s->dim[2] + away[2];
    }
}

uint32_t shell_voxels(struct shells *s, size_t index)
{
    const double *mm = s->spacing_mm, voxel_mm3 = mm[0] * mm[1] * mm[2], ball = 3 / (4 * acos(-1)),
                 step_mm = 0.5 * fmin(mm[0], fmin(mm[1], mm[2]));
    while (s->count <= index) {
        uint32_t voxels = 0;
        if (s->count) {
            double before_mm = cbrt(ball * voxel_mm3 * fmax(s->shell[s->count - 1].voxels, 1));
            voxels = (uint32_t)fmin(ceil(pow(before_mm + step_mm, 3) / (ball * voxel_mm3)), UINT32_MAX);
        }
        if (s->count == s->room) {
            s->room = 2 * s->room + 32;
            s->shell = xresize(s->shell, s->room, sizeof *s->shell);
        }
        shell_make(s, cbrt(ball * voxel_mm3 * fmax(voxels, 1)) + s->around_mm, &s->shell[s->count]);
        s->shell[s->count++].voxels = voxels;
    }
    return s->shell[index].voxels;
}

/* Whether the whole shell about a voxel lies in the image; its place. */
static bool is_inside(const struct shells *s, const struct shell *shell, int64_t at, int64_t from[3])
{
    const int64_t *dim = s->dim;
    bool inside = true;
    from[0] = at / dim[2] / dim[1], from[1] = at / dim[2] % dim[1], from[2] = at % dim[2];
    for (int a = 0; a < 3; a++)
        inside &= from[a] >= shell->far[a] && from[a] + shell->far[a] < dim[a];
    return inside;
}

static float ray_suv(const struct shells *s, const struct shell *shell, int64_t at, const int64_t from[3], int i)
{
    for (int a = 0; a < 3; a++) {
        int64_t to = from[a] + shell->away[i][a];
        if (to < 0 || to >= s->dim[a])
            return 0;
    }
    return s->suv[at + shell->offset[i]];
}

double shell_around(const struct shells *s, size_t index, int64_t at)
{
    const struct shell *shell = &s->shell[index];
    int64_t from[3];
    float value[SHELL_RAYS];
    bool inside = is_inside(s, shell, at, from);
    for (int i = 0; i < SHELL_RAYS; i++)
        value[i] = inside ? s->suv[at + shell->offset[i]] : ray_suv(s, shell, at, from, i);
    return (double)kth(value, SHELL_RAYS, MIDDLE);
}

bool shell_is_below(const struct shells *s, size_t index, int64_t at, float suv)
{
    const struct shell *shell = &s->shell[index];
    int64_t from[3];
    int below = 0;
    bool inside = is_inside(s, shell, at, from);
    for (int i = 0; i < SHELL_RAYS && below <= MIDDLE && below + SHELL_RAYS - i > MIDDLE; i++)
        below += (inside ? s->suv[at + shell->offset[i]] : ray_suv(s, shell, at, from, i)) <= suv;
    return below > MIDDLE;
}
