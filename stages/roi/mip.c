/* SPDX-License-Identifier: Apache-2.0 */
/* mip -- the rotating maximum-intensity projection, as a nuclear physician first looks at a scan.   body -> [mip]
 *
 * First the body becomes bytes in cells of one pixel's side, maxima taken, with z innermost: a whole column of cells then
 * goes into a column of the picture by one vector maximum. The view from behind is the one from the front, mirrored. */
#include "stages/roi/mip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cells {
    int64_t D, H, W;
    uint8_t *suv;
}; /* [H][W][D] */

static uint8_t as_byte(float suv)
{
    float grey = suv * (float)(255 / MIP_WHITE_SUV) + 0.5f;
    return (uint8_t)(grey < 255 ? grey : 255);
}

/* The cell each voxel of an axis falls in. */
static int64_t *cell_of(int64_t voxels, double spacing_mm, double mm, int64_t *cells)
{
    int64_t *cell = xresize(NULL, (size_t)voxels, sizeof *cell);
    for (int64_t i = 0; i < voxels; i++)
        cell[i] = (int64_t)(((double)i + 0.5) * spacing_mm / mm);
    *cells = cell[voxels - 1] + 1;
    return cell;
}

static void cells_fill(struct cells *c, const struct crop *body, const double spacing_mm[3], double mm)
{
    int64_t *cz = cell_of(body->dim[0], spacing_mm[0], mm, &c->D);
    int64_t *cy = cell_of(body->dim[1], spacing_mm[1], mm, &c->H);
    int64_t *cx = cell_of(body->dim[2], spacing_mm[2], mm, &c->W);
    float *slice = xresize(NULL, (size_t)(c->H * c->W), sizeof *slice);
    c->suv = xalloc((size_t)(c->D * c->H * c->W), 1);
    for (int64_t z = 0; z < body->dim[0];) {
        int64_t cell_z = cz[z];
        memset(slice, 0, (size_t)(c->H * c->W) * sizeof *slice);
        for (; z < body->dim[0] && cz[z] == cell_z; z++)
            for (int64_t y = 0; y < body->dim[1]; y++) {
                const float *in = body->suv + (z * body->dim[1] + y) * body->dim[2];
                float *out = slice + cy[y] * c->W;
                for (int64_t x = 0; x < body->dim[2]; x++)
                    out[cx[x]] = in[x] > out[cx[x]] ? in[x] : out[cx[x]];
            }
        for (int64_t i = 0; i < c->H * c->W; i++)
            c->suv[i * c->D + cell_z] = as_byte(slice[i]);
    }
    free(slice);
    free(cz);
    free(cy);
    free(cx);
}

void mip_make(const struct crop *body, const double spacing_mm[3], struct mip *m)
{
    struct cells c;
    m->mm = fmax(MIP_MM, fmax(spacing_mm[0], fmax(spacing_mm[1], spacing_mm[2])));
    cells_fill(&c, body, spacing_mm, m->mm);

    /* wide enough for the diagonal, so nothing leaves the picture as the body turns */
    double middle_y = 0.5 * (double)(c.H - 1), middle_x = 0.5 * (double)(c.W - 1);
    const int64_t cells[3] = {c.D, c.H, c.W};
    for (int a = 0; a < 3; a++)
        m->middle[a] = (double)body->low[a] + 0.5 * (double)cells[a] * m->mm / spacing_mm[a] - 0.5;
    m->angles = MIP_ANGLES;
    m->height = (int32_t)c.D;
    m->width = 2 * (int32_t)ceil(hypot(middle_y, middle_x)) + 1;
    m->image = xalloc((size_t)m->angles * (size_t)m->height * (size_t)m->width, 1);
    uint8_t *column = xalloc((size_t)(m->width * c.D), 1); /* [width][D] */

    for (int angle = 0; angle < MIP_ANGLES / 2; angle++) {
        double turn = angle * 2 * acos(-1) / MIP_ANGLES, cosine = cos(turn), sine = sin(turn);
        memset(column, 0, (size_t)(m->width * c.D));
        for (int64_t y = 0; y < c.H; y++)
            for (int64_t x = 0; x < c.W; x++) {
                double across = ((double)x - middle_x) * cosine + ((double)y - middle_y) * sine;
                uint8_t *restrict out = column + (m->width / 2 + (int64_t)floor(across + 0.5)) * c.D;
                const uint8_t *in = c.suv + (y * c.W + x) * c.D;
                for (int64_t z = 0; z < c.D; z++)
                    out[z] = in[z] > out[z] ? in[z] : out[z];
            }
        uint8_t *front = m->image + (int64_t)angle * m->height * m->width;
        uint8_t *back = front + (int64_t)(MIP_ANGLES / 2) * m->height * m->width;
        for (int64_t row = 0; row < m->height; row++)
            for (int64_t u = 0; u < m->width; u++) {
                uint8_t grey = column[u * c.D + m->height - 1 - row];
                front[row * m->width + u] = grey;
                back[row * m->width + m->width - 1 - u] = grey;
            }
    }
    free(column);
    free(c.suv);
}
