/* SPDX-License-Identifier: Apache-2.0 */
/* condition -- a lock, and waiting for what it guards to change.   proto */
#ifndef PETREL_PROTO_CONDITION_H
#define PETREL_PROTO_CONDITION_H
#include "common/base.h"
#include <pthread.h>

/* The stage's thread sleeps on `news`, which the background thread gives. */
struct condition {
    pthread_mutex_t lock;
    pthread_cond_t news;
};
void condition_open(struct condition *b);
void condition_close(struct condition *b);
void condition_lock(struct condition *b);
void condition_unlock(struct condition *b);
void condition_notify(struct condition *b); /* lock held */
/* Lock held: wait for news until now_s() is `until_s`, or for ever where that is negative; false: it is past. */
bool condition_wait(struct condition *b, double until_s);
#endif
