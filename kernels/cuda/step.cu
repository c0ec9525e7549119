/* SPDX-License-Identifier: Apache-2.0 */
/* step -- a step is captured once as a graph, and from then on launched whole.   kernels/cuda
 *
 * The first run is a plain one: it makes plans and scratch memory. The second is captured and launched; later ones only launch.
 * tests: cuda_step */
#include "kernels/cuda/cuda.h"

#include <stdlib.h>

struct recorded_step {
    cudaGraphExec_t graph; /* NULL after the first run */
    bool plain;            /* not to be captured */
};

static void cuda_step(struct backend *b, void **recorded, void (*body)(void *context), void *context)
{
    struct cuda *own = cuda_of(b);
    struct recorded_step *r = (struct recorded_step *)*recorded;
    if (!r) {
        own->unrecordable = false;
        body(context);
        r = (struct recorded_step *)xalloc(1, sizeof *r);
        r->plain = own->unrecordable;
        *recorded = r;
        return;
    }
    if (r->plain) {
        body(context);
        return;
    }
    if (!r->graph) {
        cudaGraph_t graph;
        own->recording = true;
        CUDA(cudaStreamBeginCapture(own->stream, cudaStreamCaptureModeThreadLocal));
        body(context);
        CUDA(cudaStreamEndCapture(own->stream, &graph));
        own->recording = false;
        CUDA(cudaGraphInstantiate(&r->graph, graph, 0));
        CUDA(cudaGraphDestroy(graph));
    }
    CUDA(cudaGraphLaunch(r->graph, own->stream));
}

static void cuda_step_forget(struct backend *b, void **recorded)
{
    struct recorded_step *r = (struct recorded_step *)*recorded;
    if (!r)
        return;
    CUDA(cudaStreamSynchronize(cuda_of(b)->stream));
    if (r->graph)
        CUDA(cudaGraphExecDestroy(r->graph));
    free(r);
    *recorded = NULL;
}

void cuda_add_step(struct backend *b)
{
    b->step = cuda_step;
    b->step_forget = cuda_step_forget;
}
