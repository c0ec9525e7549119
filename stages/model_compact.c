/* SPDX-License-Identifier: Apache-2.0 */
/* model_compact -- model files without the weights no output depends on.   [model] ═▶ compact file ═▶ [model]
 *
 * A tap of a kernel that falls outside the image wherever the kernel stands never meets a number: in a box of 16^3 that
 * is most of layers 3 and 4, 29 of 33 million parameters. A compact file ("petrel" = "compact model 1") holds, in place
 * of such a convolution's NAME (O,C,kD,kH,kW), NAME (O,C,L) with the L taps that live, NAME.taps (L), their numbers in
 * [0, kD kH kW), last axis fastest, and NAME.kernel (3). Dead taps come back as zeros: what the network says is the same
 * bit for bit, though LARS, which looks at a tensor's whole norm, would go on from it with other steps. */
#include "stages/model.h"
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static int fetch_live(void *context, const struct tensor_entry *t, void *to, struct error *e)
{
    struct params *p = context;
    (void)e;
    param_get_live(p, params_find(p, t->name), p->values, to);
    return 0;
}

int64_t *model_add_live(struct safetensors *s, struct params *p)
{
    size_t room = 0;
    for (size_t i = 0; i < p->count; i++)
        room += p->param[i].dead ? (size_t)p->param[i].live_taps + 3 : 0;
    int64_t *indices = xalloc(room + 1, sizeof *indices), *index = indices;
    model_add_params(s, p, NULL);
    s->fill = fetch_live;
    size_t count = s->tensor_count;
    for (size_t i = 0; i < count; i++) {
        struct tensor_entry *t = &s->tensor[i];
        const struct param *q = params_find(p, t->name);
        if (!q->dead)
            continue;
        t->ndim = param_live_shape(q, t->dim);
        for (int k = 0; k < q->live_taps; k++)
            index[3 + k] = q->tap[k];
        for (int a = 0; a < 3; a++)
            index[a] = q->dim[2 + a];
        char name[160];
        format_into(name, sizeof name, "%s.taps", q->name);
        safetensors_add(s, name, TENSOR_I64, 1, (int64_t[]){q->live_taps}, index + 3);
        format_into(name, sizeof name, "%s.kernel", q->name);
        safetensors_add(s, name, TENSOR_I64, 1, (int64_t[]){3}, index);
        index += 3 + q->live_taps;
    }
    safetensors_set(s, "petrel", MODEL_COMPACT);
    return indices;
}

/* ---- reading ---- */

static const struct tensor_entry *beside(const struct safetensors *s, const char *name, const char *what)
{
    char whole[192];
    format_into(whole, sizeof whole, "%s.%s", name, what);
    const struct tensor_entry *t = safetensors_find(s, whole);
    return t && t->type == TENSOR_I64 && t->ndim == 1 ? t : NULL;
}

/* Shape and index of a packed tensor, checked: 1; 0: it is whole; -1: they contradict each other. */
static int packed(const struct safetensors *s, const struct tensor_entry *t, int64_t kernel[3], const int64_t **taps)
{
    const struct tensor_entry *index = beside(s, t->name, "taps"), *shape = beside(s, t->name, "kernel");
    if (!index && !shape)
        return 0;
    if (!index || !shape || t->ndim != 3 || t->type != TENSOR_F32 || t->dim[2] < 1 || index->dim[0] != t->dim[2] ||
        shape->dim[0] != 3)
        return -1;
    memcpy(kernel, shape->data, 3 * sizeof *kernel);
    *taps = index->data;
    for (int a = 0; a < 3; a++)
        if (kernel[a] < 1 || kernel[a] > 64)
            return -1;
    for (int64_t k = 0; k < t->dim[2]; k++)
        if ((*taps)[k] < 0 || (*taps)[k] >= kernel[0] * kernel[1] * kernel[2])
            return -1;
    return 1;
}

static bool is_index(const char *name)
{
    size_t length = strlen(name);
    return (length > 5 && !strcmp(name + length - 5, ".taps")) || (length > 7 && !strcmp(name + length - 7, ".kernel"));
}

static size_t element_bytes(const struct tensor_entry *t)
{
    return t->type == TENSOR_F32 ? 4 : 8;
}

static void unpack(const struct tensor_entry *t, size_t all, const int64_t *taps, float *to)
{
    const float *from = t->data;
    size_t live = (size_t)t->dim[2], filters = (size_t)t->dim[0] * (size_t)t->dim[1];
    for (size_t f = 0; f < filters; f++)
        for (size_t k = 0; k < live; k++)
            to[f * all + (size_t)taps[k]] = from[f * live + k];
}

static int check(const struct safetensors *s, const char *path, size_t *bytes, struct error *e)
{
    *bytes = 0;
    for (size_t i = 0; i < s->tensor_count; i++) {
        const struct tensor_entry *t = &s->tensor[i];
        int64_t kernel[3];
        const int64_t *taps;
        int is = is_index(t->name) ? 0 : packed(s, t, kernel, &taps);
        if (is < 0)
            return fail(e, "'%s': '%s' does not fit the taps and kernel beside it: the file is damaged", path, t->name);
        if (t->type != TENSOR_F32 && t->type != TENSOR_I64)
            return fail(e, "'%s': tensor '%s' is of a type no compact model has", path, t->name);
        size_t count = is ? (size_t)(t->dim[0] * t->dim[1] * kernel[0] * kernel[1] * kernel[2]) : tensor_count(t);
        *bytes += (count * element_bytes(t) + 7) / 8 * 8;
    }
    return 0;
}

int model_expand(struct safetensors *s, const char *path, struct error *e)
{
    const char *kind = safetensors_get(s, "petrel");
    if (!kind || strcmp(kind, MODEL_COMPACT))
        return 0;
    size_t bytes, kept = 0, at = 0;
    if (check(s, path, &bytes, e))
        return -1;
    struct buffer whole = {.data = try_alloc(e, bytes + 8, 1), .size = bytes};
    if (!whole.data)
        return fail_in(e, "'%s'", path);
    struct tensor_entry *list = xalloc(s->tensor_count + 1, sizeof *list);
    for (size_t i = 0; i < s->tensor_count; i++) {
        struct tensor_entry t = s->tensor[i];
        int64_t kernel[3];
        const int64_t *taps;
        if (is_index(t.name))
            continue;
        if (packed(s, &t, kernel, &taps)) {
            unpack(&t, (size_t)(kernel[0] * kernel[1] * kernel[2]), taps, (float *)(void *)(whole.data + at));
            t.ndim = 5;
            memcpy(t.dim + 2, kernel, sizeof kernel);
        } else {
            memcpy(whole.data + at, t.data, tensor_count(&t) * element_bytes(&t));
        }
        t.data = whole.data + at;
        at += (tensor_count(&t) * element_bytes(&t) + 7) / 8 * 8;
        list[kept++] = t;
    }
    buffer_free(&s->bytes);
    free(s->tensor);
    s->bytes = whole;
    s->tensor = list;
    s->tensor_count = kept;
    safetensors_set(s, "petrel", MODEL_WHOLE);
    return 0;
}
