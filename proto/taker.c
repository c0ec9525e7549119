/* SPDX-License-Identifier: Apache-2.0 */
/* taker -- the end of a channel that takes: finds givers, keeps a few items ahead, acknowledges.   givers -> [taker] -> stage
 *
 * The stage's thread takes and acknowledges; the background thread speaks with the givers. Everything in struct taker
 * below `changed` is shared under its lock; sockets and the list of peers change in the background thread only. */
#include "proto/channel_internal.h"

#include "common/log.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A giver as seen from here. */
struct peer {
    struct registered who;
    struct endpoint_socket *socket;
    uint64_t session, greeted; /* the present session; the one HELLO was last said for */
    uint64_t taken, queued;    /* items of the session the stage has taken, and that wait for it */
    uint64_t told;             /* limit last told */
    double heard_s, said_s;
    bool ended, listed; /* said END; its file was there when we last looked */
    struct owed {
        struct item_key key;
        uint64_t check;
    } * owed; /* acknowledgements to send */
    size_t owed_count, owed_room;
    struct peer *next;
};

struct queued {
    struct peer *from;
    struct item_key key;
    struct buffer bytes;
    uint64_t check;
    struct queued *next;
};

struct lease {
    uint64_t number;
    struct item_key key;
    struct peer *from;
    uint64_t check;
};

struct taker {
    struct registry registry;
    struct endpoint *endpoint;
    pthread_t thread;
    uint64_t credits, max_message;
    double heartbeat_s, silence_s, opened_s;
    double stale_s;                   /* since then, until an end that lay there is believed */
    struct endpoint_socket **sockets; /* of the peers, for waiting */
    size_t socket_room;
    bool end_seen, look; /* background thread's: END was heard or found; look into the directory now */
    char *refused;       /* file of the giver last warned of */

    struct condition changed;
    struct peer *peers;
    struct queued *queue, **end; /* items ahead of the stage */
    uint64_t queued;             /* how many */
    bool idle;                   /* the stage waits for one */
    struct lease *leases;
    size_t lease_count, lease_room;
    uint64_t lease_last;
    bool over, closing, failed;
    struct error why;
};

/* ---- the queue and the leases; lock held ---- */

static void queue_add(struct taker *t, struct peer *from, struct item_key key, uint64_t check, struct buffer *bytes)
{
    struct queued *q = xalloc(1, sizeof *q);
    *q = (struct queued){from, key, *bytes, check, NULL};
    *bytes = (struct buffer){0};
    *t->end = q;
    t->end = &q->next;
    t->queued++;
    from->queued++;
    condition_notify(&t->changed);
}

/* Takes the first of the list at *at out of the queue; the caller sees to its bytes. */
static struct queued *queue_unlink(struct taker *t, struct queued **at)
{
    struct queued *q = *at;
    *at = q->next;
    if (!q->next)
        t->end = at;
    t->queued--;
    q->from->queued--;
    return q;
}

/* from NULL: everything. */
static void queue_drop(struct taker *t, const struct peer *from)
{
    struct queued **at = &t->queue;
    while (*at) {
        if (from && (*at)->from != from) {
            at = &(*at)->next;
            continue;
        }
        struct queued *q = queue_unlink(t, at);
        buffer_free(&q->bytes);
        free(q);
    }
}

static uint64_t lease_add(struct taker *t, struct peer *from, struct item_key key, uint64_t check)
{
    if (t->lease_count == t->lease_room) {
        t->lease_room = t->lease_room ? 2 * t->lease_room : 16;
        t->leases = xresize(t->leases, t->lease_room, sizeof *t->leases);
    }
    t->leases[t->lease_count++] = (struct lease){++t->lease_last, key, from, check};
    return t->lease_last;
}

static void lease_acknowledge(struct taker *t, size_t i)
{
    struct peer *s = t->leases[i].from;
    if (s->owed_count == s->owed_room) {
        s->owed_room = s->owed_room ? 2 * s->owed_room : 16;
        s->owed = xresize(s->owed, s->owed_room, sizeof *s->owed);
    }
    s->owed[s->owed_count++] = (struct owed){t->leases[i].key, t->leases[i].check};
    t->leases[i] = t->leases[--t->lease_count];
}

/* ---- givers ---- */

static void peer_forget(struct taker *t, struct peer *s, bool linger)
{
    struct peer **at = &t->peers;
    queue_drop(t, s);
    for (size_t i = t->lease_count; i-- > 0;)
        if (t->leases[i].from == s)
            t->leases[i] = t->leases[--t->lease_count];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    socket_close(&s->socket, linger);
    free(s->owed);
    free(s);
}

/* Our leases there are gone: what lies in the queue will come again, to us or to another. */
static void peer_renew(struct taker *t, struct peer *s)
{
    queue_drop(t, s);
    s->session++;
    s->taken = 0;
}

static void peer_hear(struct taker *t, struct peer *s, const struct control_frame *c, struct buffer *body, bool sound)
{
    s->heard_s = now_s();
    if (c->kind == FRAME_END) {
        s->ended = t->end_seen = t->look = true;
        queue_drop(t, s);
    } else if (c->session != s->session || s->ended) {
        /* of a session that is over */
    } else if (c->kind == FRAME_AGAIN) {
        peer_renew(t, s);
    } else if (c->kind == FRAME_ITEM && sound) {
        queue_add(t, s, c->key, c->check, body);
    } else if (c->kind == FRAME_ITEM) {
        log_warn("item %llu came damaged from '%s': asking again", (unsigned long long)c->key.index, s->who.file);
        peer_renew(t, s);
    }
    buffer_free(body);
}

static void peers_hear(struct taker *t)
{
    for (struct peer *s = t->peers; s; s = s->next) {
        struct routing_id none;
        struct control_frame c;
        struct buffer body;
        while (socket_receive(s->socket, &none, &c, &body)) { /* looks at all the bytes: not under the lock */
            bool sound = c.kind != FRAME_ITEM || bytes_xxh3(body.data, body.size) == c.check;
            condition_lock(&t->changed);
            peer_hear(t, s, &c, &body, sound);
            condition_unlock(&t->changed);
        }
    }
}

/* Lock held: how many more each giver may send: the free credits, shared out; an idle stage has one more. At least one
 * where any is free, since we cannot know which giver has something: so many givers at once may overdo it a little. */
static uint64_t credit_each(const struct taker *t, double now)
{
    uint64_t room = t->credits + t->idle, givers = 0;
    for (const struct peer *s = t->peers; s; s = s->next)
        givers += !s->ended && now - s->heard_s < t->silence_s;
    if (t->queued >= room)
        return 0;
    uint64_t each = (room - t->queued) / (givers ? givers : 1);
    return each ? each : 1;
}

/* Lock held: HELLO, acknowledgements, credit and heartbeat, as they are due. What does not fit now is said later. */
static void peer_talk(const struct taker *t, struct peer *s, uint64_t credit, double now)
{
    struct control_frame c = {.kind = FRAME_HELLO, .session = s->session, .limit = s->taken + s->queued + credit};
    size_t said = 0;
    if (s->ended)
        return;
    if (s->greeted != s->session) {
        if (socket_send(s->socket, NULL, &c, NULL) != SEND_DONE)
            return;
        s->greeted = s->session;
        s->told = c.limit;
        s->said_s = now;
    }
    for (; said < s->owed_count; said++) {
        struct control_frame ack = {
            .kind = FRAME_ACK, .session = s->session, .key = s->owed[said].key, .check = s->owed[said].check};
        if (socket_send(s->socket, NULL, &ack, NULL) != SEND_DONE)
            break;
    }
    if (said) {
        s->owed_count -= said;
        memmove(s->owed, s->owed + said, s->owed_count * sizeof *s->owed);
    }
    c.kind = FRAME_READY;
    bool due = c.limit != s->told || now - s->said_s >= t->heartbeat_s;
    if (due && socket_send(s->socket, NULL, &c, NULL) == SEND_DONE) {
        s->told = c.limit;
        s->said_s = now;
    }
}

/* ---- who gives ---- */

static void peer_add(struct taker *t, const char *file, double now)
{
    struct error e = {0};
    struct registered who;
    struct endpoint_socket *socket;
    if (registry_read(&t->registry, file, &who, &e) ||
        endpoint_connect(t->endpoint, &t->registry, &who, t->max_message, &socket, &e)) {
        /* taken away between listing and reading; or said before: a disk that cannot be read now may be in a moment */
        if (e.code == EX_NOINPUT || (t->refused && strcmp(t->refused, file) == 0))
            return;
        log_warn("%s", e.text);
        free(t->refused);
        t->refused = xstrdup(file);
        return;
    }
    struct peer *s = xalloc(1, sizeof *s);
    *s = (struct peer){.who = who, .socket = socket, .session = 1, .heard_s = now, .said_s = now, .listed = true};
    condition_lock(&t->changed);
    s->next = t->peers;
    t->peers = s;
    condition_unlock(&t->changed);
}

static struct peer *peer_find(const struct taker *t, const char *file)
{
    struct peer *s = t->peers;
    while (s && strcmp(s->who.file, file) != 0)
        s = s->next;
    return s;
}

/* Meet new givers, part from those that left, see whether it is all over. */
static void look_around(struct taker *t, double now)
{
    struct names files;
    if (registry_list(&t->registry, &files, NULL))
        return; /* the watch will say why */
    for (struct peer *s = t->peers; s; s = s->next)
        s->listed = false;
    for (size_t i = 0; i < files.count; i++) {
        struct peer *known = peer_find(t, files.name[i]);
        if (known)
            known->listed = true;
        else
            peer_add(t, files.name[i], now);
    }
    names_free(&files);
    if (registry_ended(&t->registry) && now - t->opened_s >= t->stale_s)
        t->end_seen = true;
    bool over = t->end_seen;
    condition_lock(&t->changed);
    for (struct peer *s = t->peers, *next; s; s = next) {
        next = s->next;
        double silence_s = now - s->heard_s;
        if (!s->listed && (s->ended || silence_s > 2 * t->heartbeat_s))
            peer_forget(t, s, false);
        else if (!s->ended && silence_s < t->silence_s)
            over = false;
    }
    if (over && !t->over) {
        t->over = true;
        condition_notify(&t->changed);
    }
    condition_unlock(&t->changed);
}

/* ---- the background thread ---- */

static void wait_for_peers(struct taker *t)
{
    size_t count = 0;
    for (struct peer *s = t->peers; s; s = s->next) {
        if (count == t->socket_room) {
            t->socket_room = t->socket_room ? 2 * t->socket_room : 8;
            t->sockets = xresize(t->sockets, t->socket_room, sizeof(struct endpoint_socket *));
        }
        t->sockets[count++] = s->socket;
    }
    endpoint_wait(t->endpoint, t->sockets, count, &t->registry, t->look ? 0 : CHANNEL_TICK_S);
}

static void watch(struct taker *t, double now)
{
    struct error e = {0};
    look_around(t, now);
    if (!registry_check(&t->registry, &e))
        return;
    condition_lock(&t->changed);
    if (!t->failed) {
        t->failed = true;
        t->why = e;
        condition_notify(&t->changed);
    }
    condition_unlock(&t->changed);
}

static void *taker_run(void *argument)
{
    struct taker *t = argument;
    double before_s = now_s(), watched_s = 0;
    t->look = true;
    for (bool closing = false; !closing;) {
        wait_for_peers(t);
        double now = now_s();
        if (now - before_s > t->silence_s / 2) /* it was we who were stopped: they need not have been silent */
            for (struct peer *s = t->peers; s; s = s->next)
                s->heard_s = now;
        before_s = now;
        peers_hear(t);
        if (t->look || now - watched_s >= CHANNEL_TICK_S) {
            t->look = false;
            watched_s = now;
            watch(t, now);
        }
        condition_lock(&t->changed);
        closing = t->closing;
        uint64_t credit = credit_each(t, now);
        for (struct peer *s = t->peers; s; s = s->next)
            peer_talk(t, s, credit, now);
        condition_unlock(&t->changed);
    }
    /* What is not acknowledged may be leased to another at once. Who is silent need not be waited for. */
    double now = now_s();
    while (t->peers) {
        struct peer *s = t->peers;
        struct control_frame bye = {.kind = FRAME_BYE, .session = s->session};
        bool there = !s->ended && now - s->heard_s < t->silence_s;
        peer_forget(t, s, there && socket_send(s->socket, NULL, &bye, NULL) == SEND_DONE);
    }
    return NULL;
}

/* ---- what the stage calls ---- */

int taker_open(struct taker **out, const struct channel_options *o, struct error *e)
{
    struct taker *t = xalloc(1, sizeof *t);
    *out = NULL;
    assert(o->credits > 0);
    t->credits = (uint64_t)o->credits;
    t->max_message = o->max_message;
    t->heartbeat_s = o->heartbeat_s;
    t->silence_s = o->silence_s;
    t->end = &t->queue;
    if (registry_open(&t->registry, o->run_dir, o->name, e)) {
        free(t);
        return -1;
    }
    if (o->anew)
        registry_begin_anew(&t->registry);
    t->opened_s = now_s();
    t->stale_s = registry_ended(&t->registry) ? o->stale_s : 0;
    if (endpoint_open(&t->endpoint, e)) {
        registry_close(&t->registry);
        free(t);
        return -1;
    }
    condition_open(&t->changed);
    channel_thread_start(&t->thread, taker_run, t);
    *out = t;
    return 0;
}

/* Lock held: the first of the queue, as the stage's. */
static void queue_take(struct taker *t, struct taken *item)
{
    struct queued *q = queue_unlink(t, &t->queue);
    t->idle = false;
    q->from->taken++;
    *item = (struct taken){q->key, q->bytes, lease_add(t, q->from, q->key, q->check)};
    free(q);
}

int taker_take(struct taker *t, struct taken *item, double timeout_s, struct error *e)
{
    int result = 0;
    double until_s = timeout_s < 0 ? -1 : now_s() + timeout_s;
    *item = (struct taken){0};
    condition_lock(&t->changed);
    if (!t->queue && !t->idle) {
        t->idle = true;
        endpoint_wake(t->endpoint);
    }
    while (!t->failed && !t->over && !t->queue && condition_wait(&t->changed, until_s))
        ;
    if (t->failed) {
        if (e)
            *e = t->why;
        result = -1;
    } else if (t->over) {
        queue_drop(t, NULL);
        result = TAKER_END;
    } else if (t->queue) {
        queue_take(t, item);
        result = 1;
    }
    condition_unlock(&t->changed);
    if (result == 1)
        endpoint_wake(t->endpoint); /* the credit goes back */
    return result;
}

void taker_acknowledge(struct taker *t, uint64_t lease)
{
    condition_lock(&t->changed);
    for (size_t i = 0; i < t->lease_count; i++)
        if (t->leases[i].number == lease) {
            lease_acknowledge(t, i);
            break;
        }
    condition_unlock(&t->changed);
    endpoint_wake(t->endpoint);
}

void taker_acknowledge_key(struct taker *t, struct item_key key)
{
    condition_lock(&t->changed);
    for (size_t i = t->lease_count; i-- > 0;)
        if (key_same(t->leases[i].key, key))
            lease_acknowledge(t, i);
    condition_unlock(&t->changed);
    endpoint_wake(t->endpoint);
}

bool taker_over(struct taker *t)
{
    condition_lock(&t->changed);
    bool over = t->over;
    condition_unlock(&t->changed);
    return over;
}

void taker_close(struct taker **pointer)
{
    struct taker *t = *pointer;
    if (!t)
        return;
    condition_lock(&t->changed);
    t->closing = true;
    condition_unlock(&t->changed);
    endpoint_wake(t->endpoint);
    pthread_join(t->thread, NULL);
    endpoint_close(&t->endpoint);
    registry_close(&t->registry);
    queue_drop(t, NULL);
    condition_close(&t->changed);
    free(t->sockets);
    free(t->leases);
    free(t->refused);
    free(t);
    *pointer = NULL;
}
