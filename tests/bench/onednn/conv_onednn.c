/* SPDX-License-Identifier: Apache-2.0 */
/* conv_onednn -- convolutions through oneDNN 2 (Debian's libdnnl-dev) or 3, or, without it, none.   tests/bench */
#include "tests/bench/onednn/conv_onednn.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef WITH_ONEDNN
#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t described;
#else
typedef const dnnl_memory_desc_t *described;
#endif

enum { ARGS = 3 };
struct onednn_conv {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct way {
        dnnl_primitive_desc_t pd;
        dnnl_primitive_t primitive;
        dnnl_exec_arg_t arg[ARGS];
    } way[ONEDNN_WAYS];
};

static void must_do(dnnl_status_t status, const char *what)
{
    if (status != dnnl_success)
        die(EX_SOFTWARE, "oneDNN: %s failed with status %d", what, (int)status);
}

const char *onednn_version(void)
{
    static char text[40];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* The primitive of one way; layouts are oneDNN's choice. */
static dnnl_status_t describe(struct onednn_conv *c, int way, const struct conv_shape *s)
{
    const dnnl_dims_t image = {s->N, s->C, s->in[0], s->in[1], s->in[2]};
    const dnnl_dims_t out = {s->N, s->O, s->out[0], s->out[1], s->out[2]};
    const dnnl_dims_t kernel = {s->O, s->C, s->kernel[0], s->kernel[1], s->kernel[2]};
    dnnl_dims_t stride, before, after, dilation = {0, 0, 0};
    dnnl_primitive_desc_t *pd = &c->way[way].pd, hint = c->way[ONEDNN_FORWARD].pd;
    for (int a = 0; a < 3; a++) {
        stride[a] = s->stride[a];
        before[a] = s->pad[a];
        after[a] = (s->out[a] - 1) * s->stride[a] + s->kernel[a] - s->in[a] - s->pad[a];
    }
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_t x, w, y;
    must_do(dnnl_memory_desc_create_with_tag(&x, 5, image, dnnl_f32, dnnl_format_tag_any), "describing the input");
    must_do(dnnl_memory_desc_create_with_tag(&w, 5, kernel, dnnl_f32, dnnl_format_tag_any), "describing the weights");
    must_do(dnnl_memory_desc_create_with_tag(&y, 5, out, dnnl_f32, dnnl_format_tag_any), "describing the output");
    dnnl_status_t status;
    if (way == ONEDNN_FORWARD)
        status =
            dnnl_convolution_forward_primitive_desc_create(pd, c->engine, dnnl_forward_training, dnnl_convolution_auto,
                                                           x, w, NULL, y, stride, dilation, before, after, NULL);
    else if (way == ONEDNN_DATA)
        status = dnnl_convolution_backward_data_primitive_desc_create(pd, c->engine, dnnl_convolution_auto, x, w, y,
                                                                      stride, dilation, before, after, hint, NULL);
    else
        status = dnnl_convolution_backward_weights_primitive_desc_create(
            pd, c->engine, dnnl_convolution_auto, x, w, NULL, y, stride, dilation, before, after, hint, NULL);
    dnnl_memory_desc_destroy(x);
    dnnl_memory_desc_destroy(w);
    dnnl_memory_desc_destroy(y);
    return status;
#else
    dnnl_memory_desc_t x, w, y;
    dnnl_convolution_desc_t d;
    must_do(dnnl_memory_desc_init_by_tag(&x, 5, image, dnnl_f32, dnnl_format_tag_any), "describing the input");
    must_do(dnnl_memory_desc_init_by_tag(&w, 5, kernel, dnnl_f32, dnnl_format_tag_any), "describing the weights");
    must_do(dnnl_memory_desc_init_by_tag(&y, 5, out, dnnl_f32, dnnl_format_tag_any), "describing the output");
    dnnl_status_t status;
    if (way == ONEDNN_FORWARD)
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_auto, &x, &w,
                                                            NULL, &y, stride, dilation, before, after);
    else if (way == ONEDNN_DATA)
        status = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_auto, &x, &w, &y, stride,
                                                                  dilation, before, after);
    else
        status = dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_auto, &x, &w, NULL, &y,
                                                                     stride, dilation, before, after);
    must_do(status, "describing the convolution");
    return dnnl_primitive_desc_create(pd, &d, NULL, c->engine, way == ONEDNN_FORWARD ? NULL : hint);
#endif
}

static dnnl_memory_t filled(struct onednn_conv *c, described d)
{
    dnnl_memory_t memory;
    void *at;
    must_do(dnnl_memory_create(&memory, d, c->engine, DNNL_MEMORY_ALLOCATE), "allocating");
    must_do(dnnl_memory_get_data_handle(memory, &at), "reaching memory");
    float *x = at;
    for (size_t i = 0; i < dnnl_memory_desc_get_size(d) / sizeof *x; i++)
        x[i] = (float)((i * 2654435761U >> 12) % 1024) / 1024 - 0.5F;
    return memory;
}

struct onednn_conv *onednn_conv_open(const struct conv_shape *s, int threads)
{
    static const struct {
        int argument;
        dnnl_query_t query;
    } args[ONEDNN_WAYS][ARGS] = {
        {{DNNL_ARG_SRC, dnnl_query_src_md}, {DNNL_ARG_WEIGHTS, dnnl_query_weights_md}, {DNNL_ARG_DST, dnnl_query_dst_md}},
        {{DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md},
         {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
         {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md}},
        {{DNNL_ARG_SRC, dnnl_query_src_md},
         {DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md},
         {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md}},
    };
    struct onednn_conv *c = xalloc(1, sizeof *c);
    omp_set_num_threads(threads);
    must_do(dnnl_engine_create(&c->engine, dnnl_cpu, 0), "opening the CPU");
    must_do(dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags), "opening a stream");
    for (int way = 0; way < ONEDNN_WAYS; way++) {
        struct way *w = &c->way[way];
        if (describe(c, way, s) != dnnl_success) {
            onednn_conv_close(&c);
            return NULL;
        }
        must_do(dnnl_primitive_create(&w->primitive, w->pd), "making the convolution");
        for (int i = 0; i < ARGS; i++) {
            described d = dnnl_primitive_desc_query_md(w->pd, args[way][i].query, 0);
            w->arg[i] = (dnnl_exec_arg_t){args[way][i].argument, filled(c, d)};
        }
    }
    return c;
}

void onednn_conv_run(struct onednn_conv *c, int way)
{
    must_do(dnnl_primitive_execute(c->way[way].primitive, c->stream, ARGS, c->way[way].arg), "a convolution");
    must_do(dnnl_stream_wait(c->stream), "waiting");
}

const char *onednn_conv_kernel(const struct onednn_conv *c, int way)
{
    const char *name = "?";
    (void)dnnl_primitive_desc_query(c->way[way].pd, dnnl_query_impl_info_str, 0, &name);
    return name;
}

void onednn_conv_close(struct onednn_conv **self)
{
    struct onednn_conv *c = *self;
    *self = NULL;
    for (int way = 0; c && way < ONEDNN_WAYS; way++) {
        for (int i = 0; i < ARGS; i++)
            if (c->way[way].arg[i].memory)
                dnnl_memory_destroy(c->way[way].arg[i].memory);
        if (c->way[way].primitive)
            dnnl_primitive_destroy(c->way[way].primitive);
        if (c->way[way].pd)
            dnnl_primitive_desc_destroy(c->way[way].pd);
    }
    if (c) {
        dnnl_stream_destroy(c->stream);
        dnnl_engine_destroy(c->engine);
    }
    free(c);
}

#else
const char *onednn_version(void)
{
    return NULL;
}
struct onednn_conv *onednn_conv_open(const struct conv_shape *s, int threads)
{
    return (void)s, (void)threads, NULL;
}
void onednn_conv_run(struct onednn_conv *c, int way)
{
    (void)c, (void)way;
}
const char *onednn_conv_kernel(const struct onednn_conv *c, int way)
{
    return (void)c, (void)way, "none";
}
void onednn_conv_close(struct onednn_conv **c)
{
    *c = NULL;
}
#endif
