/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- the picture of an embedding goes down to where scikit-learn's does, and shows apart what principal components do not. */
#include "stages/eval/tsne.h"
#include "tests/golden/eval/tsne.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { N = TSNE_CLUSTERS * TSNE_EACH, D = TSNE_D };

/* tests/golden/eval/tsne.py: points() */
static void points_make(float x[N * D])
{
    uint32_t state = 1;
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < D; k++) {
            state = (state * 1103515245u + 12345u) & 0x7fffffffu;
            x[i * D + k] = (float)((state >> 16) % 64) / 32.0F + (k == i / TSNE_EACH ? 8.0F : 0.0F);
            sum += (double)x[i * D + k];
        }
    if (sum != tsne_sum)
        fail_msg("these are not the golden file's points: their sum is %.17g", sum);
}

/* The joint affinities of van der Maaten and Hinton's paper, every pair, by their definition: p[N][N]. */
static void affinities(const float *x, double perplexity, double *p)
{
    static double row[N];
    for (size_t i = 0; i < N * N; i++)
        p[i] = 0;
    for (size_t i = 0; i < N; i++) {
        double low = 0, high = 1e3;
        for (int step = 0; step < 200; step++) {
            double beta = 0.5 * (low + high), sum = 0, entropy = 0;
            for (size_t j = 0; j < N; j++) {
                double d = 0;
                for (size_t k = 0; k < D; k++)
                    d += pow((double)x[i * D + k] - (double)x[j * D + k], 2);
                row[j] = j == i ? 0 : exp(-beta * d);
                sum += row[j];
            }
            for (size_t j = 0; j < N; j++) {
                row[j] = sum > 0 ? row[j] / sum : 0;
                entropy -= row[j] > 0 ? row[j] * log(row[j]) : 0;
            }
            *(sum > 0 && entropy > log(perplexity) ? &low : &high) = beta;
        }
        for (size_t j = 0; j < N; j++) {
            p[i * N + j] += row[j] / (2.0 * N);
            p[j * N + i] += row[j] / (2.0 * N);
        }
    }
}

static double divergence(const double *p, const double *y)
{
    static double q[N * N];
    double total = 0, kl = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            q[i * N + j] = i == j ? 0 : 1 / (1 + pow(y[2 * i] - y[2 * j], 2) + pow(y[2 * i + 1] - y[2 * j + 1], 2));
            total += q[i * N + j];
        }
    for (size_t i = 0; i < N * N; i++)
        kl += p[i] > 0 && q[i] > 0 ? p[i] * log(p[i] / (q[i] / total)) : 0;
    return kl;
}

/* How many points have a nearest neighbour of another cluster. */
static size_t strangers(const double *y)
{
    size_t count = 0;
    for (size_t i = 0; i < N; i++) {
        size_t nearest = i;
        double least = INFINITY;
        for (size_t j = 0; j < N; j++) {
            double d = hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
            if (j != i && d < least)
                least = d, nearest = j;
        }
        count += nearest / TSNE_EACH != i / TSNE_EACH;
    }
    return count;
}

static float x[N * D];
static double p[N * N], y[2 * N], flat[2 * N];

static int run(void **state)
{
    (void)state;
    points_make(x);
    affinities(x, fmin(30.0, N / 4.0), p);
    tsne_run(x, N, D, y);
    return 0;
}

static void goes_down_as_far_as_scikit_learn(void **state)
{
    (void)state;
    double reached = divergence(p, y), before = divergence(p, flat); /* all in one place: as good as the start */
    if (!(fabs(divergence(p, tsne_y) - tsne_kl) < 0.01 * tsne_kl))
        fail_msg("this test finds %.5f where scikit-learn says %.5f", divergence(p, tsne_y), tsne_kl);
    if (!(reached <= 1.02 * tsne_kl && reached < 0.1 * before))
        fail_msg("divergence %.5f; scikit-learn reaches %.5f; the start has %.5f", reached, tsne_kl, before);
}

static void shows_clusters_apart_that_no_plane_does(void **state)
{
    (void)state;
    /* any plane: the simplex's corners on two of its axes, which is all that a start can have */
    double plane[2 * N];
    for (size_t i = 0; i < N; i++) {
        plane[2 * i] = (double)x[i * D];
        plane[2 * i + 1] = (double)x[i * D + 1];
    }
    assert_true(strangers(plane) > N / 4);
    assert_int_equal(strangers(y), 0);
    /* and with room between them: clusters lie further apart than they are wide */
    double centre[TSNE_CLUSTERS][2] = {{0}}, width = 0, gap = INFINITY;
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < 2; c++)
            centre[i / TSNE_EACH][c] += y[2 * i + c] / TSNE_EACH;
    for (size_t i = 0; i < N; i++)
        width = fmax(width, hypot(y[2 * i] - centre[i / TSNE_EACH][0], y[2 * i + 1] - centre[i / TSNE_EACH][1]));
    for (size_t a = 0; a < TSNE_CLUSTERS; a++)
        for (size_t b = a + 1; b < TSNE_CLUSTERS; b++)
            gap = fmin(gap, hypot(centre[a][0] - centre[b][0], centre[a][1] - centre[b][1]));
    if (!(gap > 2 * width))
        fail_msg("clusters %.3g wide lie %.3g apart", width, gap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_down_as_far_as_scikit_learn),
        cmocka_unit_test(shows_clusters_apart_that_no_plane_does),
    };
    return cmocka_run_group_tests(tests, run, NULL);
}
