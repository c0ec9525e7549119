/* SPDX-License-Identifier: Apache-2.0 */
/* phantom -- the voxels of one simulated patient while they are painted.
 *
 * Places are millimetres from the liver's centroid: left, front, up (METHOD.md 11 gives organs so). Painting overwrites,
 * so what is painted later lies on top. */
#ifndef PETREL_SIMULATE_PHANTOM_H
#define PETREL_SIMULATE_PHANTOM_H
#include "common/rng.h"
#include "common/volume.h"

struct point {
    double left, front, up;
};
double place_distance(struct point a, struct point b);

/* An ellipsoid whose surface is moved in and out by a few waves: the shape of everything here. */
struct blob {
    struct point centre, radius; /* mm */
    double turn_rad;             /* about the up axis */
    double tilt_rad;             /* then about the front axis */
    double rough;                /* amplitude of the waves, share of the radius */
    double hollow;               /* inner part left as it is, share of the radius; 0: solid */
    double taper;      /* its cross-section shrinks towards the top by this share, and grows so towards the foot */
    double wave[4][4]; /* direction and phase of each wave; blob_draw_waves fills it */
};

/* A place on the middle of a tube: vessels, bowel, limbs, bones. */
struct tube_point {
    struct point at;
    double radius_mm, suv;
};

/* What takes up tracer and is no tumour: the truth of a region that is none. voxels 0: not counted. */
struct hot_spot {
    const char *what;
    struct point centre;
    double suv, diameter_mm;
    size_t voxels;
    bool whole_organ;
};

struct phantom {
    struct grid grid;
    double low_mm[3]; /* left, front, up of voxel (0,0,0) */
    float *suv;
    uint8_t *organ;        /* enum organ of each voxel */
    uint8_t *lesion;       /* truth: 1 inside a lesion */
    uint32_t tissue, soft; /* bit o: organ o is what OVER_TISSUE, OVER_SOFT means */
    struct hot_spot *hot;  /* [hots] noted by whoever painted them */
    size_t hots, hot_room;
    float *texture; /* smooth noise, sd 1, on a coarse grid */
    int64_t texture_dim[3];
};

/* Places the grid round a body of the given size, from low_up (mm, of a body of size 1) to above the crown; spacing is D H W. */
void phantom_open(struct phantom *p, const double spacing_mm[3], double low_up, double size, double girth);
/* The same on a given grid, whose voxel (0,0,0) lies at low_mm (left, front, up). */
void phantom_open_on(struct phantom *p, const struct grid *g, const double low_mm[3]);
void phantom_close(struct phantom *p);
void phantom_draw_texture(struct phantom *p, struct rng *r);
void blob_draw_waves(struct blob *b, struct rng *r);
enum { OVER_ANY = 0, OVER_AIR = -1, OVER_TISSUE = -2, OVER_SOFT = -3 }; /* or an organ */
/* Paint SUV `suv` times (1 + heterogeneity * texture), marking organ, over what `only` says. Returns voxels painted. */
size_t phantom_paint(struct phantom *p, const struct blob *b, double suv, double heterogeneity, int organ, int only);
/* The same for a tube: radius and SUV run straight from point to point; its ends are round. What one tube has painted
 * it does not paint again, so where loops cross the first stays. */
size_t phantom_paint_tube(struct phantom *p, const struct tube_point *point, size_t points, double heterogeneity,
                          int organ, int only);
/* what: a string that lives as long as the program. */
void phantom_note(struct phantom *p, const char *what, struct point centre, double suv, double diameter_mm,
                  size_t voxels);
/* A blob that is a lesion: SUV falls to `edge` of the peak at the rim, organ is left alone. Truth is marked out to
 * `reach` radii: a scan shows small lesions larger than they are, and truth is what somebody sees. Returns voxels
 * marked. */
size_t phantom_paint_lesion(struct phantom *p, const struct blob *b, double suv, double edge, double reach);
/* Gives every voxel of an organ that is marked already its SUV. */
void phantom_fill(struct phantom *p, int organ, double suv, double heterogeneity);
/* Organ at a place; 0 outside the grid. */
int phantom_organ_at(const struct phantom *p, struct point at);
/* Middle of the organ's voxels between two heights of the left axis; returns how many there are. */
size_t phantom_centroid(const struct phantom *p, int organ, double left_from, double left_to, struct point *centroid);
#endif
