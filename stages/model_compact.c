/* model_compact -- model files without the weights no output depends on.   [model] ═▶ compact file ═▶ [model]
 *
 * A tap of a kernel that falls outside the image wherever the kernel stands never meets a number: in a box of 16^3 that
 * is most of layers 3 and 4, 29 of 33 million parameters. A compact file ("petrel" = "compact model 1") holds, in place
 * of such a convolution's NAME (O,C,kD,kH,kW), NAME (O,C,L) with the L taps that live, NAME.taps (L), their numbers in
 * [0, kD kH kW), last axis fastest, and NAME.kernel (3). Dead taps come back as zeros: what the network says is the same
 * bit for bit, though LARS, which looks at a tensor's whole norm, would go on from it with other steps. */
#include "stages/model.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

/* Does tap k of an axis ever meet the image? */
static bool tap_lives(const struct tape_row *r, int axis, int k)
{
    for (int o = 0; o < r->out[axis]; o++) {
        int i = o * r->stride[axis] - r->kernel[axis] / 2 + k; /* every kernel here is padded by half its size */
        if (i >= 0 && i < r->in[axis])
            return true;
    }
    return false;
}

/* numbers of the taps that live; how many */
static int live_taps(const struct tape_row *r, int64_t *taps)
{
    int n = 0;
    const int *K = r->kernel;
    for (int d = 0; d < K[0]; d++)
        for (int h = 0; h < K[1]; h++)
            for (int w = 0; w < K[2]; w++)
                if (tap_lives(r, 0, d) && tap_lives(r, 1, h) && tap_lives(r, 2, w))
                    taps[n++] = ((int64_t)d * K[1] + h) * K[2] + w;
    assert((uint64_t)n * (uint64_t)r->C * (uint64_t)r->O == r->live_params);
    return n;
}

static bool row_of(const struct tape *tape, const struct param *q, struct tape_row *row)
{
    size_t length = q->kind == PARAM_CONV ? strlen(q->name) - strlen(".weight") : 0;
    for (size_t i = 0; length && tape_describe(tape, i, row); i++)
        if (row->name && strlen(row->name) == length && !strncmp(row->name, q->name, length))
            return row->live_params < row->params;
    return false;
}

static size_t kernel_taps(const struct tape_row *r)
{
    return (size_t)r->kernel[0] * (size_t)r->kernel[1] * (size_t)r->kernel[2];
}

static int64_t *index_room(struct params *p, const struct tape *tape)
{
    size_t room = 0;
    struct tape_row row;
    for (size_t i = 0; i < p->count; i++)
        room += row_of(tape, &p->param[i], &row) ? kernel_taps(&row) + 3 : 0;
    return xalloc(room + 1, sizeof(int64_t));
}

int64_t *model_add_live(struct safetensors *s, struct params *p, const struct tape *tape, float *host)
{
    model_add_params(s, p, host);
    int64_t *indices = index_room(p, tape), *index = indices;
    size_t count = s->tensor_count;
    for (size_t i = 0; i < count; i++) {
        struct tape_row row;
        struct tensor_entry *t = &s->tensor[i];
        const struct param *q = params_find(p, t->name);
        if (!row_of(tape, q, &row))
            continue;
        size_t all = kernel_taps(&row);
        int live = live_taps(&row, index + 3);
        float *value = (float *)(uintptr_t)t->data; /* in host: packed where it lies */
        size_t filters = (size_t)q->dim[0] * (size_t)q->dim[1];
        for (size_t f = 0; f < filters; f++)
            for (int k = 0; k < live; k++)
                value[f * (size_t)live + (size_t)k] = value[f * all + (size_t)index[3 + k]];
        t->ndim = 3;
        t->dim[2] = live;
        char name[160];
        format_into(name, sizeof name, "%s.taps", q->name);
        safetensors_add(s, name, TENSOR_I64, 1, (int64_t[]){live}, index + 3);
        for (int a = 0; a < 3; a++)
            index[a] = row.kernel[a];
        format_into(name, sizeof name, "%s.kernel", q->name);
        safetensors_add(s, name, TENSOR_I64, 1, (int64_t[]){3}, index);
        index += 3 + live;
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
    if (!index || !shape || t->ndim != 3 || t->type != TENSOR_F32 || t->dim[2] < 1 ||
        index->dim[0] != t->dim[2] || shape->dim[0] != 3)
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

static size_t element_bytes(const struct tensor_entry *t) { return t->type == TENSOR_F32 ? 4 : 8; }

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
