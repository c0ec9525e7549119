/* SPDX-License-Identifier: Apache-2.0 */
/* message_batch -- a batch of boxes, with the augmentations drawn for them.   proto */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_field batch_fields[] = {
    FIELD(WIRE_I32, pair_batch_message, count), FIELD(WIRE_I32, pair_batch_message, views),
    FIELD(WIRE_I32, pair_batch_message, channels), FIELD(WIRE_I32, pair_batch_message, steps)};

/* Three numbers a step, then all steps' own, end to end. */
static void drawn_put(struct wire_writer *w, const struct pair_batch_message *m)
{
    int32_t *head = xalloc(3 * (size_t)m->steps + 1, sizeof *head);
    double *number = xalloc((size_t)m->steps * AUGMENT_NUMBERS + 1, sizeof *number);
    size_t used = 0;
    for (int32_t i = 0; i < m->steps; i++) {
        const struct augmentation_step *s = &m->step[i];
        memcpy(head + 3 * i, (const int32_t[]){s->at, s->kind, s->count}, 3 * sizeof *head);
        memcpy(number + used, s->number, (size_t)s->count * sizeof *number);
        used += (size_t)s->count;
    }
    wire_put_bin(w, "augmented", head, 3 * (size_t)m->steps * sizeof *head);
    wire_put_bin(w, "augmented_number", number, used * sizeof *number);
    free(head);
    free(number);
}

static int drawn_check(const struct augmentation_step *s, int32_t before, int32_t rows, struct error *e)
{
    if (!augmentation_name(s->kind))
        return fail(e, "message's augmentation is of kind %d, known are 0 to %d", s->kind, AUGMENT_KINDS - 1);
    if (!augmentation_whole(s->kind, s->count))
        return fail(e, "message's augmentation of kind %d has %d numbers", s->kind, s->count);
    if (s->at < before || s->at >= rows)
        return fail(e, "message's augmentation is of box %d after box %d, of %d boxes: they come in order", s->at,
                    before, rows);
    return 0;
}

static int drawn_numbers_check(const struct augmentation_step *s, struct error *e)
{
    for (int32_t i = 0; i < s->count; i++) {
        bool whole = s->kind == AUGMENT_noise && i > 0; /* of 32 bits */
        if (!isfinite(s->number[i]) || (whole && !(s->number[i] >= 0 && s->number[i] <= UINT32_MAX)))
            return fail(e, "message's augmentation of kind %d has %g for its number %d", s->kind, s->number[i], i);
    }
    return 0;
}

static int drawn_get(const struct wire_map *map, struct pair_batch_message *m, struct error *e)
{
    const uint8_t *head, *number;
    size_t head_size, size, used = 0;
    if (wire_get_bin(map, "augmented", &head, &head_size, e) || wire_get_bin(map, "augmented_number", &number, &size, e))
        return -1;
    if (m->steps < 0 || head_size != 3 * sizeof(int32_t) * (size_t)m->steps)
        return fail(e, "message's 'augmented' has %zu bytes for %d augmentations", head_size, m->steps);
    m->step = try_alloc(e, (size_t)m->steps + 1, sizeof *m->step);
    if (!m->step)
        return -1;
    for (int32_t i = 0; i < m->steps; i++) {
        struct augmentation_step *s = &m->step[i];
        memcpy(&s->at, head + 12 * (size_t)i, 3 * sizeof(int32_t));
        if (drawn_check(s, i ? m->step[i - 1].at : 0, m->views * m->count, e))
            return -1;
        size_t bytes = (size_t)s->count * sizeof(double);
        if (size - used < bytes)
            return fail(e, "message's 'augmented_number' ends within augmentation %d", i);
        memcpy(s->number, number + used, bytes);
        used += bytes;
        if (drawn_numbers_check(s, e))
            return -1;
    }
    return used == size ? 0
                        : fail(e, "message's 'augmented_number' has %zu bytes more than its augmentations", size - used);
}

void pair_batch_encode(const struct pair_batch_message *m, struct buffer *out)
{
    size_t rows = (size_t)m->views * (size_t)m->count, voxels = rows * (size_t)m->channels * BOX_VOXELS;
    struct wire_writer w;
    wire_begin(&w, "pair_batch", PAIR_TASK_FIELDS + COUNT_OF(batch_fields) + 7,
               voxels * sizeof(float) + rows * 96 + (size_t)m->steps * sizeof *m->step + 512);
    wire_put(&w, pair_task_fields, PAIR_TASK_FIELDS, &m->task);
    wire_put(&w, batch_fields, COUNT_OF(batch_fields), m);
    wire_put_bin(&w, "box", m->box, voxels * sizeof *m->box);
    wire_put_bin(&w, "position", m->position, rows * POSITION_SIZE * sizeof *m->position);
    wire_put_bin(&w, "label", m->label, rows * sizeof *m->label);
    wire_put_bin(&w, "region", m->region, rows * sizeof *m->region);
    wire_put_bin(&w, "window", m->window, rows * VIEW_WINDOW * sizeof *m->window);
    drawn_put(&w, m);
    wire_end(&w, out);
}

/* Windows that lie in a box. */
static int windows_check(const struct pair_batch_message *m, struct error *e)
{
    for (size_t i = 0; i < (size_t)m->views * (size_t)m->count; i++) {
        const int32_t *w = m->window + i * VIEW_WINDOW;
        bool inside = w[3] >= 1 && w[3] <= BOX_SIDE && w[4] >= -1 && w[4] < BOX_SIDE;
        for (int a = 0; a < 3; a++)
            inside = inside && w[a] >= 0 && w[a] <= BOX_SIDE - w[3];
        if (!inside)
            return fail(e,
                        "message's view %zu is of a window at %d %d %d of side %d, slice %d: it does not lie in a box",
                        i, w[0], w[1], w[2], w[3], w[4]);
    }
    return 0;
}

static int batch_get(const struct wire_map *map, struct pair_batch_message *m, struct error *e)
{
    if (wire_get(map, pair_task_fields, PAIR_TASK_FIELDS, &m->task, e) || pair_task_check(&m->task, e) ||
        wire_get(map, batch_fields, COUNT_OF(batch_fields), m, e))
        return -1;
    if (m->count < 0 || m->views < 1 || m->views > VIEWS_MAX || m->channels < 1 || m->channels > BOX_CHANNELS)
        return fail(e, "message has %d pairs of %d views and %d channels", m->count, m->views, m->channels);
    size_t rows = (size_t)m->views * (size_t)m->count;
    void *box, *position, *label, *region, *window;
    if (wire_copy_bin(map, "box", rows * (size_t)m->channels * BOX_VOXELS, sizeof(float), &box, e))
        return -1;
    m->box = box;
    if (wire_copy_bin(map, "position", rows * POSITION_SIZE, sizeof(float), &position, e))
        return -1;
    m->position = position;
    if (wire_copy_bin(map, "label", rows, sizeof(int32_t), &label, e))
        return -1;
    m->label = label;
    if (wire_copy_bin(map, "region", rows, sizeof(uint32_t), &region, e))
        return -1;
    m->region = region;
    if (wire_copy_bin(map, "window", rows * VIEW_WINDOW, sizeof(int32_t), &window, e))
        return -1;
    m->window = window;
    return windows_check(m, e) || drawn_get(map, m, e) ? -1 : 0;
}

int pair_batch_decode(const struct buffer *b, struct pair_batch_message *m, struct error *e)
{
    struct wire_map map;
    *m = (struct pair_batch_message){0};
    if (wire_open_as(b, "pair_batch", &map, e))
        return -1;
    if (batch_get(&map, m, e) == 0)
        return 0;
    pair_batch_free(m);
    return -1;
}

void pair_batch_free(struct pair_batch_message *m)
{
    free(m->box);
    free(m->position);
    free(m->label);
    free(m->region);
    free(m->window);
    free(m->step);
    *m = (struct pair_batch_message){0};
}
