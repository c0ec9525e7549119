/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors -- named tensors in one file, checked whole.   common */
#include "common/safetensors.h"
#include "common/file.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {[TENSOR_F32] = {"F32", 4}, [TENSOR_F64] = {"F64", 8}, [TENSOR_I64] = {"I64", 8}, [TENSOR_U8] = {"U8", 1}};
static const char digest_key[] = "petrel_xxh3";
enum { HEADER_MAX = 100000000, /* the format's own bound */ DIMENSIONS_MAX = 8 };

size_t tensor_count(const struct tensor_entry *t)
{
    size_t n = 1;
    for (int a = 0; a < t->ndim; a++)
        n *= (size_t)t->dim[a];
    return n;
}

static size_t tensor_bytes(const struct tensor_entry *t)
{
    return tensor_count(t) * types[t->type].size;
}

const struct tensor_entry *safetensors_find(const struct safetensors *s, const char *name)
{
    for (size_t i = 0; i < s->tensor_count; i++)
        if (strcmp(s->tensor[i].name, name) == 0)
            return &s->tensor[i];
    return NULL;
}

static struct tensor_entry *tensor_push(struct safetensors *s)
{
    /* a power of two is a full house */
    if ((s->tensor_count & (s->tensor_count - 1)) == 0)
        s->tensor = xresize(s->tensor, s->tensor_count ? 2 * s->tensor_count : 1, sizeof *s->tensor);
    struct tensor_entry *t = &s->tensor[s->tensor_count++];
    *t = (struct tensor_entry){0};
    return t;
}

void safetensors_add(struct safetensors *s, const char *name, enum tensor_type type, int ndim, const int64_t *dim,
                     const void *data)
{
    struct tensor_entry *t = tensor_push(s);
    format_into(t->name, sizeof t->name, "%s", name);
    t->type = type;
    t->ndim = ndim;
    t->data = data;
    for (int a = 0; a < ndim; a++)
        t->dim[a] = dim[a];
}

void safetensors_set(struct safetensors *s, const char *key, const char *value)
{
    for (size_t i = 0; i < s->metadata_count; i++)
        if (strcmp(s->metadata[i].key, key) == 0) {
            free(s->metadata[i].value);
            s->metadata[i].value = xstrdup(value);
            return;
        }
    s->metadata = xresize(s->metadata, s->metadata_count + 1, sizeof *s->metadata);
    s->metadata[s->metadata_count++] = (struct metadata_entry){xstrdup(key), xstrdup(value)};
}

static size_t metadata_find(const struct safetensors *s, const char *key)
{
    size_t i = 0;
    while (i < s->metadata_count && strcmp(s->metadata[i].key, key) != 0)
        i++;
    return i; /* metadata_count: not there */
}

const char *safetensors_get(const struct safetensors *s, const char *key)
{
    size_t const i = metadata_find(s, key);
    return i < s->metadata_count ? s->metadata[i].value : NULL;
}

bool safetensors_summed(const struct safetensors *s)
{
    return safetensors_get(s, digest_key);
}

void safetensors_free(struct safetensors *s)
{
    for (size_t i = 0; i < s->metadata_count; i++) {
        free(s->metadata[i].key);
        free(s->metadata[i].value);
    }
    free(s->metadata);
    free(s->tensor);
    buffer_free(&s->bytes);
    *s = (struct safetensors){0};
}

/* ---- the digest: over names, shapes, numbers and metadata, in the order of their names, so that it holds for the same
 * contents in whatever order another program laid them out; a flipped bit in the header shows as well as one in the
 * data. */

static int line_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* of[i]: the digest of tensor i's bytes; sum: which metadata is the digest's own, and left out */
static uint64_t contents_digest(const struct safetensors *s, const uint64_t *of, size_t sum)
{
    size_t n = 0, length = 0;
    char **line = xalloc(s->tensor_count + s->metadata_count + 1, sizeof *line);
    for (size_t i = 0; i < s->tensor_count; i++) {
        const struct tensor_entry *t = &s->tensor[i];
        char shape[DIMENSIONS_MAX * 21 + 1] = "";
        for (int a = 0, at = 0; a < t->ndim; a++)
            at += snprintf(shape + at, sizeof shape - (size_t)at, ",%" PRId64, t->dim[a]);
        line[n++] = xprintf("tensor %s %s %s %016" PRIx64 "\n", t->name, types[t->type].name, shape, of[i]);
    }
    for (size_t i = 0; i < s->metadata_count; i++)
        if (i != sum)
            line[n++] = xprintf("metadata %s %016" PRIx64 "\n", s->metadata[i].key,
                                bytes_xxh3(s->metadata[i].value, strlen(s->metadata[i].value)));
    qsort(line, n, sizeof *line, line_order);
    for (size_t i = 0; i < n; i++)
        length += strlen(line[i]);
    char *text = xalloc(length + 1, 1), *at = text;
    for (size_t i = 0; i < n; i++) {
        at = stpcpy(at, line[i]);
        free(line[i]);
    }
    free(line);
    uint64_t digest = bytes_xxh3(text, length);
    free(text);
    return digest;
}

/* ---- writing */

/* json_string, or death: names and metadata are our own texts, which are UTF-8. */
static int put_text(json_t *object, const char *key, const char *value, struct error *e)
{
    return json_object_set_new(object, key, json_string(value)) ? fail(e, "cannot write '%s': it is not UTF-8", key) : 0;
}

/* The digest is known only when all bytes are written; it has a place of its own length in the header till then. */
static const char digest_later[] = "0000000000000000";

/* The header's JSON. Tensors of 8-byte numbers lie first, as the reference writer has it, so that every tensor is
 * aligned; order[] says which tensor comes where. */
static json_t *header_make(const struct safetensors *s, size_t *order, struct error *e)
{
    json_t *header = json_object(), *metadata = json_object();
    json_object_set_new(header, "__metadata__", metadata);
    int bad = put_text(metadata, digest_key, digest_later, e);
    for (size_t i = 0; i < s->metadata_count && !bad; i++)
        if (strcmp(s->metadata[i].key, digest_key) != 0)
            bad = put_text(metadata, s->metadata[i].key, s->metadata[i].value, e);
    size_t n = 0;
    for (size_t width = 8; width > 0; width /= 2)
        for (size_t i = 0; i < s->tensor_count; i++)
            if (types[s->tensor[i].type].size == width)
                order[n++] = i;
    json_int_t offset = 0;
    for (size_t i = 0; i < n && !bad; i++) {
        const struct tensor_entry *t = &s->tensor[order[i]];
        json_int_t end = offset + (json_int_t)tensor_bytes(t);
        bool twice = json_object_get(header, t->name) != NULL;
        json_t *shape = json_array();
        for (int a = 0; a < t->ndim; a++)
            json_array_append_new(shape, json_integer(t->dim[a]));
        json_t *entry =
            json_pack("{s:s, s:o, s:[I,I]}", "dtype", types[t->type].name, "shape", shape, "data_offsets", offset, end);
        if (json_object_set_new(header, t->name, entry))
            bad = fail(e, "cannot name a tensor '%s': it is not UTF-8", t->name);
        else if (twice)
            bad = fail(e, "tensor '%s' is there twice", t->name);
        offset = end;
    }
    if (!bad)
        return header;
    json_decref(header);
    return NULL;
}

/* All tensors, and then the digest into its place. false: the disk is full or failing, or *why. */
static bool write_tensors(const struct safetensors *s, const size_t *order, FILE *to, long digest_at, struct error *why)
{
    uint64_t *of = xalloc(s->tensor_count + 1, sizeof *of);
    size_t room = 0;
    for (size_t i = 0; i < s->tensor_count; i++)
        if (!s->tensor[i].data && tensor_bytes(&s->tensor[i]) > room)
            room = tensor_bytes(&s->tensor[i]);
    void *made = xalloc(room + 1, 1);
    bool written = true;
    for (size_t i = 0; i < s->tensor_count && written; i++) {
        const struct tensor_entry *t = &s->tensor[order[i]];
        size_t bytes = tensor_bytes(t);
        const void *data = t->data;
        if (!data && bytes) {
            data = made;
            written = !s->fill(s->fill_context, t, made, why);
        }
        of[order[i]] = bytes_xxh3(data, bytes);
        written = written && (bytes == 0 || fwrite(data, 1, bytes, to) == bytes);
    }
    if (written)
        written = !fseek(to, digest_at, SEEK_SET) &&
                  fprintf(to, "%016" PRIx64, contents_digest(s, of, metadata_find(s, digest_key))) ==
                      (int)strlen(digest_later);
    free(made);
    free(of);
    return written;
}

int safetensors_write(const struct safetensors *s, const char *path, struct error *e)
{
    size_t *order = xalloc(s->tensor_count + 1, sizeof *order);
    json_t *header = header_make(s, order, e);
    char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    struct publish p;
    if (!text || publish_open(&p, path, e)) {
        free(text);
        free(order);
        return fail_in(e, "cannot write '%s'", path);
    }
    uint64_t length = strlen(text), padded = (length + 7) / 8 * 8;
    bool written = fwrite(&padded, 8, 1, p.to) == 1 && fwrite(text, 1, length, p.to) == length;
    long digest_at = 8 + (long)(strstr(text, digest_later) - text); /* the first thing in the header that looks so */
    for (; length < padded; length++)
        written = written && fputc(' ', p.to) == ' ';
    free(text);
    struct error why = {0};
    written = written && write_tensors(s, order, p.to, digest_at, &why);
    free(order);
    if (written)
        return publish_commit(&p, e);
    publish_abandon(&p);
    return why.code ? fail_as(e, why.code, "cannot write '%s': %s", path, why.text)
                    : fail_as(e, EX_IOERR, "cannot write '%s': the disk is full or failing", path);
}

/* ---- reading */

/* One entry of the header: its place is checked against the data's size before anything is made of it. */
static int entry_read(struct safetensors *s, const char *name, json_t *value, const uint8_t *data, size_t size,
                      struct error *e)
{
    const char *dtype;
    json_t *shape;
    json_int_t begin, end;
    struct tensor_entry t = {0};
    if (json_unpack(value, "{s:s, s:o, s:[I,I!]}", "dtype", &dtype, "shape", &shape, "data_offsets", &begin, &end) ||
        !json_is_array(shape))
        return fail(e, "tensor '%s' lacks its dtype, shape or data_offsets", name);
    if (strlen(name) >= sizeof t.name)
        return fail(e, "tensor name '%.40s...' has %zu characters, at most %zu fit", name, strlen(name),
                    sizeof t.name - 1);
    strcpy(t.name, name);
    size_t type = 0;
    while (type < COUNT_OF(types) && strcmp(dtype, types[type].name) != 0)
        type++;
    if (type == COUNT_OF(types))
        return fail(e, "tensor '%s' is of type '%s', read are F32, F64, I64 and U8: convert it", name, dtype);
    t.type = (enum tensor_type)type;
    if (begin < 0 || end < begin || (uint64_t)end > size)
        return fail(e, "tensor '%s' lies at %lld to %lld of %zu bytes: the file is cut short or damaged", name,
                    (long long)begin, (long long)end, size);
    if (json_array_size(shape) > DIMENSIONS_MAX)
        return fail(e, "tensor '%s' has %zu dimensions, at most %d are read", name, json_array_size(shape),
                    DIMENSIONS_MAX);
    t.ndim = (int)json_array_size(shape);
    uint64_t bytes = types[type].size;
    for (int a = 0; a < t.ndim; a++) {
        json_t *dim = json_array_get(shape, (size_t)a);
        t.dim[a] = json_integer_value(dim);
        if (!json_is_integer(dim) || t.dim[a] < 0 || __builtin_mul_overflow(bytes, (uint64_t)t.dim[a], &bytes))
            return fail(e, "tensor '%s' has a shape that is none", name);
    }
    if (bytes != (uint64_t)(end - begin))
        return fail(e, "tensor '%s' has %lld bytes, its shape wants %" PRIu64, name, (long long)(end - begin), bytes);
    t.data = data + begin;
    *tensor_push(s) = t;
    return 0;
}

static int place_order(const void *a, const void *b)
{
    const struct tensor_entry *const *p = a, *const *q = b;
    uintptr_t at = (uintptr_t)(*p)->data, bt = (uintptr_t)(*q)->data;
    if (at != bt)
        return at < bt ? -1 : 1;
    size_t as = tensor_bytes(*p), bs = tensor_bytes(*q); /* an empty tensor before the one that begins where it does */
    return as < bs ? -1 : as > bs;
}

/* Together the tensors are the data: no overlap, no hole, nothing behind. */
static int places_check(const struct safetensors *s, const uint8_t *data, size_t size, struct error *e)
{
    const struct tensor_entry **by_place = xalloc(s->tensor_count + 1, sizeof *by_place);
    for (size_t i = 0; i < s->tensor_count; i++)
        by_place[i] = &s->tensor[i];
    qsort(by_place, s->tensor_count, sizeof *by_place, place_order);
    const uint8_t *expected = data;
    int result = 0;
    for (size_t i = 0; i < s->tensor_count && !result; i++) {
        if ((const uint8_t *)by_place[i]->data != expected)
            result = fail(e, "tensor '%s' begins at byte %td of the data, expected %td: they overlap or leave a hole",
                          by_place[i]->name, (const uint8_t *)by_place[i]->data - data, expected - data);
        expected += tensor_bytes(by_place[i]);
    }
    if (!result && expected != data + size)
        result = fail(e, "%td bytes lie behind the last tensor", data + size - expected);
    free(by_place);
    return result;
}

/* Numbers may be used where they lie only at addresses that suit their size; another program need not have padded. */
static void tensors_align(struct safetensors *s)
{
    bool aligned = true;
    size_t total = 0;
    for (size_t i = 0; i < s->tensor_count; i++) {
        aligned = aligned && (uintptr_t)s->tensor[i].data % types[s->tensor[i].type].size == 0;
        total += (tensor_bytes(&s->tensor[i]) + 7) / 8 * 8;
    }
    if (aligned)
        return;
    struct buffer moved = {.data = xalloc(total + 1, 1), .size = total};
    uint8_t *at = moved.data;
    for (size_t i = 0; i < s->tensor_count; i++) {
        memcpy(at, s->tensor[i].data, tensor_bytes(&s->tensor[i]));
        s->tensor[i].data = at;
        at += (tensor_bytes(&s->tensor[i]) + 7) / 8 * 8;
    }
    buffer_free(&s->bytes);
    s->bytes = moved;
}

static int header_read(struct safetensors *s, json_t *header, const uint8_t *data, size_t size, struct error *e)
{
    const char *name, *key;
    json_t *value, *text;
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, "__metadata__") != 0) {
            if (entry_read(s, name, value, data, size, e))
                return -1;
            continue;
        }
        json_object_foreach(value, key, text)
        {
            if (!json_is_string(text))
                return fail(e, "metadata '%s' is no text", key);
            safetensors_set(s, key, json_string_value(text));
        }
    }
    return places_check(s, data, size, e);
}

/* Is metadata i the digest under a damaged name? Its value tells, or, where that is damaged as well, a name but a letter or two away. */
static bool is_digest_misnamed(const struct safetensors *s, const uint64_t *of, size_t i)
{
    const char *key = s->metadata[i].key, *value = s->metadata[i].value;
    size_t const length = sizeof digest_key - 1;
    size_t differ = 0;
    for (size_t c = 0; strlen(key) == length && c < length; c++)
        differ += key[c] != digest_key[c];
    if (strlen(key) == length && differ <= 2)
        return true;
    char found[17];
    if (strlen(value) != 16 || strspn(value, "0123456789abcdef") != 16)
        return false;
    format_into(found, sizeof found, "%016" PRIx64, contents_digest(s, of, i));
    return strcmp(value, found) == 0;
}

static int digest_check(const struct safetensors *s, struct error *e)
{
    size_t const sum = metadata_find(s, digest_key);
    int result = 0;
    uint64_t *of = xalloc(s->tensor_count + 1, sizeof *of);
    for (size_t i = 0; i < s->tensor_count; i++)
        of[i] = bytes_xxh3(s->tensor[i].data, tensor_bytes(&s->tensor[i]));
    if (sum < s->metadata_count) {
        const char *said = s->metadata[sum].value;
        char found[17];
        format_into(found, sizeof found, "%016" PRIx64, contents_digest(s, of, sum));
        if (strcmp(said, found) != 0)
            result = fail(e,
                          "%s is %s, the contents give %s: the file is damaged, or was changed by a program that kept "
                          "the old sum",
                          digest_key, said, found);
    }
    for (size_t i = 0; i < s->metadata_count && sum == s->metadata_count && !result; i++)
        if (is_digest_misnamed(s, of, i))
            result = fail(e, "its metadata '%.40s' was %s once: the file is damaged", s->metadata[i].key, digest_key);
    free(of);
    return result;
}

int safetensors_read(struct safetensors *s, const char *path, struct error *e)
{
    *s = (struct safetensors){0};
    if (file_read(path, (size_t)1 << 36, &s->bytes, e))
        return -1;
    const uint8_t *bytes = s->bytes.data;
    size_t size = s->bytes.size;
    uint64_t length = 0;
    if (size >= 8)
        memcpy(&length, bytes, 8);
    json_error_t why;
    json_t *header = NULL;
    int result = 0;
    if (size < 8 || length > size - 8 || length > HEADER_MAX || length < 2 || bytes[8] != '{')
        result = fail(e, "it is no safetensors file, or is cut short: %zu bytes, of which a header of %" PRIu64, size,
                      length);
    else if (!(header = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why)))
        result = fail(e, "its header is no JSON: %s at byte %d", why.text, why.position);
    else
        result = header_read(s, header, bytes + 8 + length, size - 8 - (size_t)length, e);
    json_decref(header);
    if (result || digest_check(s, e)) {
        safetensors_free(s);
        return fail_in(e, "cannot read '%s'", path);
    }
    tensors_align(s);
    return 0;
}
