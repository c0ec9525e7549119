/* SPDX-License-Identifier: Apache-2.0 */
/* plan -- a stand-in for cuDNN's plans (kernels/cuda/plan.h): convolutions by plain loops, on the stream.   tests/emu
 *
 * Channels-last, sums in float32, results in the precision of images, as the plans themselves: so that everything round them is
 * the code that a GPU runs. A workspace is asked for and filled, to see that it is nobody else's. */
#include "kernels/cuda/plan.h"

#include "cuda_bf16.h"
#include "cuda_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <vector>

const char *const pass_name[PASSES] = {"forward", "data", "weight"};

enum { WORKSPACE = 4096 };
struct planner {
    cudaStream_t stream;
    enum precision precision;
};
struct plan {
    struct planner *planner;
    struct conv_shape s;
    enum pass pass;
    bool accumulate;
    struct plan_about about;
};

struct planner *planner_open(void *, void *stream, enum precision precision, size_t, struct error *)
{
    struct planner *p = (struct planner *)xalloc(1, sizeof *p);
    p->stream = (cudaStream_t)stream;
    p->precision = precision;
    return p;
}
void planner_close(struct planner **p)
{
    free(*p);
    *p = NULL;
}
const char *planner_who(const struct planner *)
{
    return "an emulated GPU";
}
/* PETREL_EMU_TIMES: forms are chosen by chance, so that what must not depend on the choice, or follow another's, shows */
bool planner_times(const struct planner *)
{
    return getenv("PETREL_EMU_TIMES") != NULL;
}
double planner_seconds(struct planner *, void (*what)(void *), void *context)
{
    struct timespec t;
    what(context);
    usleep(10000); /* as long as a GPU takes, so that ranks measure at the same time */
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1 + (double)(t.tv_nsec / 64 % 1000);
}

struct plan *plan_open(struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate, struct error *)
{
    emu_calls("plan_open");
    struct plan *plan = (struct plan *)xalloc(1, sizeof *plan);
    *plan = {p, *s, pass, accumulate, {}};
    plan->about.workspace = WORKSPACE;
    return plan;
}
const struct plan_about *plan_about(const struct plan *p)
{
    return &p->about;
}
void plan_close(struct plan **p)
{
    free(*p);
    *p = NULL;
}

static float get(const void *x, enum precision precision, size_t i)
{
    return precision == BFLOAT16 ? __bfloat162float(((const __nv_bfloat16 *)x)[i]) : ((const float *)x)[i];
}

static void convolve(const struct plan *plan, void *x, void *w, void *y)
{
    const struct conv_shape *s = &plan->s;
    enum precision precision = plan->planner->precision;
    size_t P = (size_t)(s->out[0] * s->out[1] * s->out[2]), Q = (size_t)(s->in[0] * s->in[1] * s->in[2]),
           T = (size_t)conv_taps(s);
    size_t C = (size_t)s->C, O = (size_t)s->O, N = (size_t)s->N,
           to = plan->pass == PASS_FORWARD ? N * P * O
                : plan->pass == PASS_DATA  ? N * Q * C
                                           : O * T * C;
    std::vector<float> sum(to), image(N * Q * C), weight(O * T * C), result(N * P * O);
    for (size_t i = 0; plan->pass != PASS_DATA && i < image.size(); i++)
        image[i] = get(x, precision, i);
    for (size_t i = 0; plan->pass != PASS_WEIGHT && i < weight.size(); i++)
        weight[i] = get(w, precision, i);
    for (size_t i = 0; plan->pass != PASS_FORWARD && i < result.size(); i++)
        result[i] = get(y, precision, i);
    for (size_t p = 0; p < P; p++)
        for (size_t t = 0; t < T; t++) {
            int at[3] = {(int)p / s->out[2] / s->out[1], (int)p / s->out[2] % s->out[1], (int)p % s->out[2]}, q = 0;
            int tap[3] = {(int)t / s->kernel[2] / s->kernel[1], (int)t / s->kernel[2] % s->kernel[1],
                          (int)t % s->kernel[2]};
            bool inside = true;
            for (int a = 0; a < 3; a++) {
                int place = at[a] * s->stride[a] + tap[a] - s->pad[a];
                inside = inside && place >= 0 && place < s->in[a];
                q = q * s->in[a] + place;
            }
            for (size_t n = 0; inside && n < N; n++)
                for (size_t o = 0; o < O; o++) {
                    const size_t in = (n * Q + (size_t)q) * C, taps = (o * T + t) * C, out = (n * P + p) * O + o;
                    if (plan->pass == PASS_FORWARD)
                        for (size_t c = 0; c < C; c++)
                            sum[out] += image[in + c] * weight[taps + c];
                    else if (plan->pass == PASS_DATA)
                        for (size_t c = 0; c < C; c++)
                            sum[in + c] += result[out] * weight[taps + c];
                    else
                        for (size_t c = 0; c < C; c++)
                            sum[taps + c] += result[out] * image[in + c];
                }
        }
    void *into = plan->pass == PASS_FORWARD ? y : plan->pass == PASS_DATA ? x : w;
    for (size_t i = 0; i < to; i++) {
        float value = sum[i] + (plan->accumulate ? get(into, precision, i) : 0);
        if (precision == BFLOAT16)
            ((__nv_bfloat16 *)into)[i] = __float2bfloat16(value);
        else
            ((float *)into)[i] = value;
    }
}

void plan_run(struct plan *plan, void *x, void *w, void *y, void *workspace)
{
    for (void *pointer : {x, w, y, workspace})
        if ((uintptr_t)pointer % 16)
            die(EX_SOFTWARE, "cuDNN would be given a pointer that is not aligned to 16 bytes, in the %s pass",
                pass_name[plan->pass]);
    emu_enqueue(plan->planner->stream, [=]() {
        convolve(plan, x, w, y);
        memset(workspace, 0xff, WORKSPACE);
    });
}
