/* SPDX-License-Identifier: Apache-2.0 */
/* ends -- what giver.c and taker.c share: the clock of an end, and what each may ask of the other.   proto */
#ifndef PETREL_PROTO_ENDS_H
#define PETREL_PROTO_ENDS_H
#include "proto/mail.h"
#include <pthread.h>

/* Seconds: how long a background thread sleeps at most, and how often it looks into the run directory. */
#define END_TICK_S  0.2
#define END_WATCH_S 0.25

/* The stage's thread sleeps on `news`, which the background thread gives. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t news;
};
void bell_make(struct bell *b);
void bell_free(struct bell *b);
void bell_lock(struct bell *b);
void bell_unlock(struct bell *b);
void bell_ring(struct bell *b); /* lock held */
/* Lock held: wait for news until now_s() is `until_s`, or for ever where that is negative; false: it is past. */
bool bell_wait(struct bell *b, double until_s);

/* A thread that no signal is delivered to: the stage's thread alone hears them. */
void end_thread(pthread_t *thread, void *(*run)(void *), void *argument);

/* For giver_relay; from the giver's thread. */
void taker_acknowledge_key(struct taker *t, struct item_key key); /* every lease of that key */
bool taker_over(struct taker *t);                                 /* the stream has ended */

static inline bool key_same(struct item_key a, struct item_key b)
{
    return a.run == b.run && a.index == b.index;
}
#endif
