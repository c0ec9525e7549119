/* SPDX-License-Identifier: Apache-2.0 */
/* plan -- one pass of one convolution through cuDNN 9's graph API, chosen among what cuDNN offers.   kernels/cuda
 *
 *     forward   y(N,O,out) = conv(x(N,C,in), w(O,kernel,C))      writes, or adds where opened to accumulate
 *     data      x = gradient from y and w
 *     weight    w = gradient from y and x
 * x, y and w are channels-last (NDHWC; w is O,kD,kH,kW,C) in the planner's precision, sums float32. So the weights' gradient is
 * rounded to bfloat16 once a pass under BFLOAT16: cuDNN 9 offers no bfloat16 convolution that writes a float32 gradient.
 *
 * Offered plans are kept only if they repeat bit for bit, need no more workspace than allowed and, under FLOAT32, multiply in
 * float32 (no TF32, no FFT, no Winograd). On a device the first TUNE_MOST of them are timed at the first use of a shape and the
 * fastest is kept on disk (tuned.h), by device, driver, cuDNN and shape: so the same plan, and the same bytes, from then on.
 * PETREL_CUDA_TUNE=0 takes the first one offered and times nothing.
 *
 * A planner can be opened for a GPU that is not there, from its properties as cuDNN writes them (JSON): plans are then
 * built and checked, not run. */
#ifndef PETREL_KERNELS_CUDA_PLAN_H
#define PETREL_KERNELS_CUDA_PLAN_H
#include "kernels/backend.h"
#ifdef __cplusplus
extern "C" {
#endif

enum pass { PASS_FORWARD, PASS_DATA, PASS_WEIGHT, PASSES };
extern const char *const pass_name[PASSES];

struct planner;
struct plan;
/* What a plan is, for people and tests. */
struct plan_about {
    char engine[200]; /* cuDNN's engine and knobs: "62: 1=3 17=0" */
    bool tensor_cores;
    size_t workspace; /* bytes */
    double seconds;   /* of one run when it was tuned; 0: not timed */
    int offered, fit; /* by cuDNN; of those, what may be used */
};

/* dnn is a cudnnHandle_t on `stream`, a cudaStream_t, where plans run; workspace_most in bytes, a plan. NULL and a sentence: a
 * version that must not be used (cudnn_version.h). */
struct planner *planner_open(void *dnn, void *stream, enum precision precision, size_t workspace_most,
                             struct error *e) MUST_USE;
/* For the device that `properties` describes (CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR's JSON). */
struct planner *planner_open_described(const char *properties, enum precision precision, size_t workspace_most,
                                       struct error *e) MUST_USE;
void planner_close(struct planner **p);
/* The present device's properties as cuDNN writes them, to free(); NULL and a sentence. */
char *planner_describe_device(struct error *e) MUST_USE;

/* Device, driver and versions: what a measurement of this planner's is good for. */
const char *planner_who(const struct planner *p);
/* Whether anything is timed: there is a device, and PETREL_CUDA_TUNE is not 0. */
bool planner_times(const struct planner *p) MUST_USE;
/* Seconds that what run(context) launches on the stream takes, the best of some rounds; 0: nothing is timed. */
double planner_seconds(struct planner *p, void (*run)(void *context), void *context) MUST_USE;

/* NULL and a sentence when cuDNN offers nothing that may be used (EX_UNAVAILABLE). Allocates, times and synchronises: not
 * while a step is recorded. The plan is good as long as its planner. */
struct plan *plan_open(struct planner *p, const struct conv_shape *s, enum pass pass, bool accumulate,
                       struct error *e) MUST_USE;
const struct plan_about *plan_about(const struct plan *p);
/* Launches; nothing else. workspace: plan_about's bytes, aligned to 256. */
void plan_run(struct plan *p, void *x, void *w, void *y, void *workspace);
void plan_close(struct plan **p);

#ifdef __cplusplus
}
#endif
#endif
