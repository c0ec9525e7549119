/* SPDX-License-Identifier: Apache-2.0 */
/* control_frame -- control frames of the channel, as structs and as bytes.   proto */
#include "proto/control_frame.h"

#include "common/file.h"
#include <assert.h>

enum { HEAD = 4, NUMBER = 8 };

/* Which numbers a kind of frame carries, in order: offsets into struct control_frame. */
#define OF(field) offsetof(struct control_frame, field)
static const struct form {
    enum frame_kind kind;
    size_t count, at[4];
} forms[] = {
    {FRAME_HELLO, 2, {OF(session), OF(limit)}},
    {FRAME_READY, 2, {OF(session), OF(limit)}},
    {FRAME_ACK, 4, {OF(session), OF(key.run), OF(key.index), OF(check)}},
    {FRAME_BYE, 1, {OF(session)}},
    {FRAME_ITEM, 4, {OF(session), OF(key.run), OF(key.index), OF(check)}},
    {FRAME_HERE, 1, {OF(session)}},
    {FRAME_AGAIN, 1, {OF(session)}},
    {FRAME_END, 1, {OF(session)}},
};

static const struct form *form_of(unsigned kind)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if ((unsigned)forms[i].kind == kind)
            return &forms[i];
    return NULL;
}

static void number_write(uint8_t *to, uint64_t n)
{
    for (int i = 0; i < NUMBER; i++)
        to[i] = (uint8_t)(n >> (8 * i));
}

static uint64_t number_read(const uint8_t *from)
{
    uint64_t n = 0;
    for (int i = 0; i < NUMBER; i++)
        n |= (uint64_t)from[i] << (8 * i);
    return n;
}

size_t control_frame_write(const struct control_frame *c, uint8_t to[CONTROL_FRAME_MAX])
{
    const struct form *f = form_of(c->kind);
    assert(f);
    size_t size = HEAD;
    to[0] = 'P';
    to[1] = 'C';
    to[2] = CHANNEL_VERSION;
    to[3] = (uint8_t)c->kind;
    for (size_t i = 0; i < f->count; i++, size += NUMBER)
        number_write(to + size, *(const uint64_t *)((const char *)c + f->at[i]));
    number_write(to + size, bytes_xxh3(to, size));
    return size + NUMBER;
}

bool control_frame_read(struct control_frame *c, const uint8_t *from, size_t size)
{
    *c = (struct control_frame){0};
    if (size < HEAD || from[0] != 'P' || from[1] != 'C' || from[2] != CHANNEL_VERSION)
        return false;
    const struct form *f = form_of(from[3]);
    if (!f || size != HEAD + (f->count + 1) * NUMBER)
        return false;
    if (number_read(from + size - NUMBER) != bytes_xxh3(from, size - NUMBER))
        return false;
    c->kind = f->kind;
    for (size_t i = 0; i < f->count; i++)
        *(uint64_t *)((char *)c + f->at[i]) = number_read(from + HEAD + i * NUMBER);
    return true;
}
