/* SPDX-License-Identifier: Apache-2.0 */
/* channel_internal -- what giver.c and taker.c share: the clock of an end, and what each may ask of the other.   proto */
#ifndef PETREL_PROTO_CHANNEL_INTERNAL_H
#define PETREL_PROTO_CHANNEL_INTERNAL_H
#include "proto/condition.h"
#include "proto/endpoint.h"

/* Seconds: how long a background thread sleeps at most, and how often it looks into the run directory. */
#define CHANNEL_TICK_S  0.2
#define CHANNEL_WATCH_S 0.25

/* A thread that no signal is delivered to: the stage's thread alone hears them. */
void channel_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* For giver_relay; from the giver's thread. */
void taker_acknowledge_key(struct taker *t, struct item_key key); /* every lease of that key */
bool taker_over(struct taker *t);                                 /* the stream has ended */

static inline bool key_same(struct item_key a, struct item_key b)
{
    return a.run == b.run && a.index == b.index;
}
#endif
