/* SPDX-License-Identifier: Apache-2.0 */
/* channel -- items from givers to takers, nothing lost, nothing kept twice.   proto
 *
 * PROTOCOL.md says it in words and as a grammar; this is the short of it.
 * A giver binds a ROUTER; a taker connects one DEALER to every giver of the channel's name. A taker announces credits;
 * the giver leases it that many items. A lease ends when the taker acknowledges the item, says it is leaving, or falls
 * silent (no heartbeat for silence_s): then the item is leased to another. A taker acknowledges an item only when what
 * it made of it is acknowledged further down, or published on disk. So acknowledgements travel the whole pipeline, and
 * END, which a giver sends once everything it gave is acknowledged, means: every item of the stream has arrived for good.
 * END and failure are also left as files in the run directory, for whoever comes later:
 * a new run in an old directory begins by removing RUN/FAILED and RUN/channels.
 *
 * Sockets live in one background thread per end, so a stage may compute for minutes and still be heard.
 * Names, not addresses: one small file a giver under RUN/channels/NAME, published atomically (endpoint, CURVE key, pid, host).
 * All functions may be called from one thread (the stage's) only. */
#ifndef PETREL_PROTO_CHANNEL_H
#define PETREL_PROTO_CHANNEL_H
#include "common/base.h"

/* What an item is: the run's stream it belongs to and its place there. Repeats are dropped by key. */
struct item_key {
    uint64_t run;   /* run id: same for all items of one stream (a hash of what was asked for) */
    uint64_t index; /* 0, 1, 2, ... */
};

struct channel_options {
    const char *run_dir;   /* may lie on shared storage */
    const char *name;      /* "volumes" */
    const char *transport; /* "ipc" (one machine) or "tcp" (CURVE, ephemeral port) */
    int credits;           /* taker: items sent ahead of the one it works on, by all givers together, default 2 */
    int window;            /* giver: unacknowledged items held, default 4; put blocks above it. The source's window
                               * is what may be on its way in the whole pipeline: give it at least the number of workers */
    double heartbeat_s;    /* 1 */
    double silence_s;      /* 6: a peer not heard for so long is gone */
    uint64_t max_message;  /* bytes; ZMQ_MAXMSGSIZE; default 2 GiB */
    bool anew; /* the stream is not over: an end that lies there is an earlier run's, and taken away; default false */
    double stale_s; /* taker: an end that lay there before is believed when no giver came for so long; default 0 */
};
void channel_defaults(struct channel_options *o);

struct giver;
struct taker;

int giver_open(struct giver **g, const struct channel_options *o, struct error *e) MUST_USE;
/* Takes *b and nulls it. Blocks while `window` items are unacknowledged; -1 if the run failed meanwhile. */
int giver_put(struct giver *g, struct item_key key, struct buffer *b, struct error *e) MUST_USE;
/* 1 and *key for an item acknowledged since, each reported once; 0 none within timeout_s (0: do not wait); -1 failure. */
int giver_acknowledged(struct giver *g, struct item_key *key, double timeout_s, struct error *e) MUST_USE;
/* Pass acknowledgements on by itself: what is acknowledged at g is acknowledged at t (every lease of that key), in the
 * background, while the stage computes. And once t's stream has ended, all g still holds has arrived: it is dropped.
 * Close g before t. */
void giver_relay(struct giver *g, struct taker *t);
/* Items put and not yet acknowledged. */
size_t giver_pending(struct giver *g);
/* Forget an unacknowledged item that is no longer wanted. */
void giver_drop(struct giver *g, struct item_key key);
/* Wait until everything is acknowledged, then say END to all takers and leave RUN/channels/NAME.end. */
int giver_end(struct giver *g, struct error *e) MUST_USE;
/* Close without END (items still unacknowledged are lost with the process, and made again by whoever restarts it). Nulls. */
void giver_close(struct giver **g);

struct taken {
    struct item_key key;
    struct buffer bytes;
    uint64_t lease;
};
int taker_open(struct taker **t, const struct channel_options *o, struct error *e) MUST_USE;
/* 1: an item, yours until taker_acknowledge; 0: none within timeout_s (negative: wait for ever);
 * TAKER_END: the stream is over; -1: the run failed, with its sentence and code. The bytes are the caller's. */
enum { TAKER_END = 2 };
int taker_take(struct taker *t, struct taken *item, double timeout_s, struct error *e) MUST_USE;
/* The item has arrived for good. lease as in struct taken. */
void taker_acknowledge(struct taker *t, uint64_t lease);
void taker_close(struct taker **t); /* gives back what is not acknowledged; nulls */

/* The whole run stops: RUN/FAILED is published (code, stage, sentence) unless there already, and every end of every
 * channel of the run directory reports it within about a second. Safe from die_hook. */
void run_fail(const char *run_dir, int code, const char *sentence);
/* 0: no failure; -1: the run failed, *e as the stage that failed said it. */
int run_check(const char *run_dir, struct error *e) MUST_USE;
#endif
