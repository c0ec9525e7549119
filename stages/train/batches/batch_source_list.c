/* SPDX-License-Identifier: Apache-2.0 */
/* batch_source_list -- pairs of rows from a file, their boxes read from the cache here: no pair makers, no augmentation.
 * cache ═▶ [batch_source] For comparing one training step with another program's. */
#include "common/file.h"
#include "proto/standardise.h"
#include "stages/train/batches/batch_source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX_BYTES = 1 << 28 };
struct list {
    struct batch_source source;
    const struct train *train;
    struct box_reader *reader;
    uint32_t (*pair)[2];
    size_t pairs;
};

static int list_read(const char *path, uint32_t (**pair)[2], size_t *pairs, struct error *e)
{
    struct buffer text;
    if (file_read(path, LIST_MAX_BYTES, &text, e))
        return -1;
    size_t room = 0, line_number = 0;
    char *rest = (char *)text.data, *line;
    *pair = NULL;
    *pairs = 0;
    while ((line = strsep(&rest, "\n"))) {
        unsigned long long a, b;
        char more;
        line_number++;
        if (!*line || *line == '#')
            continue;
        if (sscanf(line, "%llu %llu %c", &a, &b, &more) != 2 || a > UINT32_MAX || b > UINT32_MAX) {
            fail(e, "'%s' line %zu is '%s': two row numbers, a tab between them", path, line_number, line);
            buffer_free(&text);
            free(*pair);
            *pair = NULL; /* whose caller may free it again */
            return -1;
        }
        if (*pairs == room)
            *pair = xresize(*pair, room = room ? 2 * room : 256, sizeof **pair);
        (*pair)[*pairs][0] = (uint32_t)a;
        (*pair)[(*pairs)++][1] = (uint32_t)b;
    }
    buffer_free(&text);
    return 0;
}

int batch_list_steps(const char *path, int64_t batch, int64_t *steps, struct error *e)
{
    uint32_t(*pair)[2];
    size_t pairs;
    if (list_read(path, &pair, &pairs, e))
        return -1;
    free(pair);
    if (pairs % (size_t)batch == 1 || !pairs)
        return fail(e, "'%s' has %zu pairs: no batch may hold fewer than 2 (batch is %lld)", path, pairs,
                    (long long)batch);
    *steps = ((int64_t)pairs + batch - 1) / batch;
    return 0;
}

int batch_list_shards(const struct train *t, bool *shard, struct error *e)
{
    uint32_t(*pair)[2];
    size_t pairs;
    if (list_read(t->pair_list, &pair, &pairs, e))
        return -1;
    for (size_t i = 0; i < 2 * pairs; i++)
        if (pair[i / 2][i % 2] < t->cache.regions) /* others are refused when they are read */
            shard[t->rows[pair[i / 2][i % 2]].shard] = true;
    free(pair);
    return 0;
}

static int fill_item(struct list *l, struct pair_batch_message *b, size_t item, uint32_t row, struct error *e)
{
    const struct train *t = l->train;
    if (row >= t->cache.regions)
        return fail(e, "'%s' names row %u, but the cache has %zu regions", t->pair_list, row, t->cache.regions);
    const struct cache_row *r = &t->rows[row];
    float *box = b->box + item * (size_t)t->channels * BOX_VOXELS;
    if (box_read(l->reader, row, box, e))
        return -1;
    box_standardise(box, &t->recipe, t->channels, &r->scale);
    memcpy(b->position + item * POSITION_SIZE, r->position[sampling_position_form(&t->recipe)],
           POSITION_SIZE * sizeof(float));
    b->label[item] = r->label;
    b->region[item] = row;
    memcpy(b->window + item * VIEW_WINDOW,
           (const int32_t[VIEW_WINDOW]){0, 0, 0, BOX_SIDE,
                                        t->recipe.box_slices > 0 ? slices_middle((int)t->recipe.box_slices) : -1},
           VIEW_WINDOW * sizeof *b->window);
    return 0;
}

static int list_take(struct batch_source *s, struct pair_batch_message *b, struct error *e)
{
    struct list *l = (struct list *)s;
    const struct train *t = l->train;
    struct batch_request w;
    if (!s->next(s->context, &w))
        return fail_as(e, EX_SOFTWARE, "a batch was wanted after the last one");
    size_t batch = (size_t)t->recipe.batch, first = (size_t)w.step * batch;
    size_t count = (l->pairs - first < batch ? l->pairs - first : batch) / (size_t)t->world.size;
    first += (size_t)t->world.rank * count;
    *b = (struct pair_batch_message){.task = {.phase = w.phase, .seed = t->seed, .epoch = w.epoch, .step = w.step},
                                     .count = (int32_t)count,
                                     .views = 2,
                                     .channels = t->channels};
    b->box = xalloc(2 * count * (size_t)t->channels * BOX_VOXELS, sizeof *b->box);
    b->position = xalloc(2 * count * POSITION_SIZE, sizeof *b->position);
    b->label = xalloc(2 * count, sizeof *b->label);
    b->region = xalloc(2 * count, sizeof *b->region);
    b->window = xalloc(2 * count * VIEW_WINDOW, sizeof *b->window);
    for (size_t view = 0; view < 2; view++)
        for (size_t i = 0; i < count; i++)
            if (fill_item(l, b, view * count + i, l->pair[first + i][view], e)) {
                pair_batch_free(b);
                return -1;
            }
    return train_may_stop(t) ? (pair_batch_free(b), 0) : 1;
}

static void list_close(struct batch_source *s, bool end)
{
    struct list *l = (struct list *)s;
    (void)end;
    box_reader_close(&l->reader);
    free(l->pair);
    free(l);
}

int batch_source_list(struct batch_source **s, const struct train *t, batch_request_next next, void *context,
                      struct error *e)
{
    static const struct batch_source_kind kind = {list_take, list_close};
    struct list *l = xalloc(1, sizeof *l);
    l->source = (struct batch_source){.kind = &kind, .next = next, .context = context};
    l->train = t;
    if (list_read(t->pair_list, &l->pair, &l->pairs, e) || box_reader_open(&l->reader, &t->cache, t->channels, e)) {
        free(l->pair);
        free(l);
        return -1;
    }
    *s = &l->source;
    return 0;
}
