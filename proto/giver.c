/* SPDX-License-Identifier: Apache-2.0 */
/* giver -- the end of a channel that gives: who holds which item, what has arrived.   stage -> [giver] -> takers
 *
 * The stage's thread puts and asks; the background thread speaks with the takers. Everything in struct giver below
 * `changed` is shared under its lock; the socket belongs to the background thread. */
#include "proto/channel_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A taker as seen from here. */
struct peer {
    struct routing_id address;
    uint64_t session, limit, sent; /* items it is ready to have been sent in this session, and was sent */
    size_t held;                   /* leases */
    double heard_s, said_s, lent_s;
    bool full; /* ZeroMQ takes no more for it at the moment */
    struct peer *next;
};

/* An item that has not arrived yet. */
struct pending_item {
    struct item_key key;
    struct shared *bytes;
    uint64_t check;
    struct peer *holder; /* NULL: waiting for a taker */
    struct pending_item *next;
};

struct giver {
    struct registry registry;
    struct endpoint *endpoint;
    struct endpoint_socket *socket;
    pthread_t thread;
    size_t window;
    uint64_t max_message;
    double heartbeat_s, silence_s, opened_s;
    bool late; /* the stream had ended when we opened */

    struct condition changed;
    struct pending_item *queue; /* in the order they were put */
    size_t pending;
    struct item_key *arrived; /* acknowledged, not reported yet */
    size_t arrived_count, arrived_room;
    struct peer *peers;
    struct taker *upstream; /* giver_relay */
    bool greeted;           /* some taker has said HELLO */
    bool over;              /* everything has arrived by other ways: drop what is put */
    bool ending, ended;     /* say END; said */
    bool closing, failed;
    struct error why;
};

/* ---- items ---- */

static struct pending_item **pending_find(struct giver *g, struct item_key key)
{
    struct pending_item **p = &g->queue;
    while (*p && !key_same((*p)->key, key))
        p = &(*p)->next;
    return p;
}

static void pending_remove(struct giver *g, struct pending_item **at)
{
    struct pending_item *p = *at;
    if (p->holder)
        p->holder->held--;
    *at = p->next;
    g->pending--;
    shared_drop(p->bytes);
    free(p);
    condition_notify(&g->changed);
}

static void arrived_add(struct giver *g, struct item_key key)
{
    if (g->arrived_count == g->arrived_room) {
        g->arrived_room = g->arrived_room ? 2 * g->arrived_room : 16;
        g->arrived = xresize(g->arrived, g->arrived_room, sizeof *g->arrived);
    }
    g->arrived[g->arrived_count++] = key;
    condition_notify(&g->changed);
}

/* Of the acknowledged item: whoever it was leased to, and however late. The second acknowledgement of a key finds nothing, and one
 * by a taker that never had its bytes, and so cannot know their sum, is none. */
static bool pending_had(struct giver *g, const struct control_frame *c)
{
    struct pending_item **at = pending_find(g, c->key);
    return *at && (*at)->check == c->check;
}

static void pending_arrived(struct giver *g, struct item_key key)
{
    struct pending_item **at = pending_find(g, key);
    if (!*at)
        return;
    pending_remove(g, at);
    arrived_add(g, key);
    if (g->upstream)
        taker_acknowledge_key(g->upstream, key);
}

static void stream_over(struct giver *g)
{
    g->over = true;
    while (g->queue)
        pending_arrived(g, g->queue->key);
}

/* ---- takers ---- */

static struct peer *peer_find(struct giver *g, const struct routing_id *a)
{
    struct peer *p = g->peers;
    while (p && (p->address.size != a->size || memcmp(p->address.byte, a->byte, a->size) != 0))
        p = p->next;
    return p;
}

/* What it held waits for another. */
static void peer_release(struct giver *g, struct peer *peer)
{
    for (struct pending_item *p = g->queue; p; p = p->next)
        if (p->holder == peer)
            p->holder = NULL;
    peer->held = 0;
}

static void peer_forget(struct giver *g, struct peer *peer)
{
    struct peer **at = &g->peers;
    peer_release(g, peer);
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    free(peer);
}

/* false: it is gone, and forgotten. */
static bool peer_say(struct giver *g, struct peer *peer, enum frame_kind kind)
{
    struct control_frame c = {.kind = kind, .session = peer->session};
    if (socket_send(g->socket, &peer->address, &c, NULL) != SEND_GONE)
        return true;
    peer_forget(g, peer);
    return false;
}

static void peer_hello(struct giver *g, struct peer *peer, const struct routing_id *from, const struct control_frame *c)
{
    if (!peer) {
        peer = xalloc(1, sizeof *peer);
        peer->address = *from;
        peer->next = g->peers;
        g->peers = peer;
    } else if (peer->session != c->session) {
        peer_release(g, peer);
    } else {
        return;
    }
    peer->session = c->session;
    peer->limit = c->limit;
    peer->sent = 0;
    peer->heard_s = peer->said_s = now_s();
    g->greeted = true;
    if (g->ended)
        peer_say(g, peer, FRAME_END);
}

static void hear(struct giver *g, const struct routing_id *from, const struct control_frame *c)
{
    struct peer *peer = peer_find(g, from);
    if (c->kind == FRAME_ACK && pending_had(g, c))
        pending_arrived(g, c->key);
    if (c->kind == FRAME_HELLO) {
        peer_hello(g, peer, from, c);
    } else if (peer && peer->session == c->session) {
        peer->heard_s = now_s();
        if (c->kind == FRAME_READY)
            peer->limit = c->limit;
        if (c->kind == FRAME_BYE)
            peer_forget(g, peer);
    } else if (c->kind != FRAME_BYE) {
        /* we took it for dead; should it be gone again, nothing is lost */
        (void)socket_send(g->socket, from, &(struct control_frame){.kind = FRAME_AGAIN, .session = c->session}, NULL);
    }
}

/* Heartbeats, and those who have none. `asleep`: it was we who were stopped. */
static void peers_mind(struct giver *g, double t, bool asleep)
{
    for (struct peer *p = g->peers, *next; p; p = next) {
        next = p->next;
        p->full = false;
        if (asleep)
            p->heard_s = t;
        if (t - p->heard_s > g->silence_s) {
            peer_forget(g, p);
        } else if (t - p->said_s >= g->heartbeat_s) {
            p->said_s = t;
            peer_say(g, p, FRAME_HERE);
        }
    }
}

/* Is a the better taker? The one with more room; then the one that holds less; then the one that waited longer. */
static bool peer_better(const struct peer *a, const struct peer *b)
{
    uint64_t room_a = a->limit - a->sent, room_b = b->limit - b->sent;
    if (room_a != room_b)
        return room_a > room_b;
    return a->held != b->held ? a->held < b->held : a->lent_s < b->lent_s;
}

static struct peer *peer_choose(const struct giver *g)
{
    struct peer *best = NULL;
    for (struct peer *p = g->peers; p; p = p->next)
        if (p->sent < p->limit && !p->full && (!best || peer_better(p, best)))
            best = p;
    return best;
}

static void pending_lease(struct giver *g)
{
    struct pending_item *p = g->queue;
    while (p) {
        struct peer *to = p->holder ? NULL : peer_choose(g);
        if (!p->holder && !to)
            return;
        if (p->holder) {
            p = p->next;
            continue;
        }
        struct control_frame c = {.kind = FRAME_ITEM, .session = to->session, .key = p->key, .check = p->check};
        switch (socket_send(g->socket, &to->address, &c, p->bytes)) {
        case SEND_DONE:
            p->holder = to;
            to->held++;
            to->sent++;
            to->lent_s = now_s();
            break;
        case SEND_FULL: to->full = true; break;
        case SEND_GONE: /* what it held may stand before p in the list */
            peer_forget(g, to);
            p = g->queue;
            break;
        }
    }
}

static void say_end(struct giver *g)
{
    for (struct peer *p = g->peers, *next; p; p = next) {
        next = p->next;
        peer_say(g, p, FRAME_END);
    }
    g->ended = true;
    condition_notify(&g->changed);
}

/* ---- the background thread ---- */

static void *giver_run(void *argument)
{
    struct giver *g = argument;
    double before_s = now_s(), watched_s = 0;
    struct taker *upstream = NULL; /* as it was when we held the lock: it comes after this thread has begun */
    for (bool closing = false; !closing;) {
        struct routing_id from;
        struct control_frame c;
        struct buffer none;
        struct error e = {0};
        endpoint_wait(g->endpoint, &g->socket, 1, &g->registry, CHANNEL_TICK_S);
        double t = now_s();
        bool bad = false, over = false;
        if (t - watched_s >= CHANNEL_WATCH_S) { /* files are slow: not under the lock */
            watched_s = t;
            bad = registry_check(&g->registry, &e) != 0;
            over = upstream && taker_over(upstream);
        }
        condition_lock(&g->changed);
        while (socket_receive(g->socket, &from, &c, &none))
            hear(g, &from, &c);
        peers_mind(g, t, t - before_s > g->silence_s / 2);
        before_s = t;
        if (bad && !g->failed) {
            g->failed = true;
            g->why = e;
            condition_notify(&g->changed);
        }
        if (over || (g->late && !g->greeted && t - g->opened_s > g->silence_s))
            stream_over(g);
        pending_lease(g);
        if (g->ending && !g->ended)
            say_end(g);
        closing = g->closing;
        upstream = g->upstream;
        condition_unlock(&g->changed);
    }
    return NULL;
}

/* ---- what the stage calls ---- */

int giver_open(struct giver **out, const struct channel_options *o, struct error *e)
{
    struct registered me;
    struct giver *g = xalloc(1, sizeof *g);
    *out = NULL;
    assert(o->window > 0);
    g->window = (size_t)o->window;
    g->max_message = o->max_message;
    g->heartbeat_s = o->heartbeat_s;
    g->silence_s = o->silence_s;
    g->opened_s = now_s();
    condition_open(&g->changed);
    if (registry_open(&g->registry, o->run_dir, o->name, e))
        goto no_registry;
    if (o->anew)
        registry_begin_anew(&g->registry);
    g->late = registry_ended(&g->registry);
    if (endpoint_open(&g->endpoint, e) || endpoint_listen(g->endpoint, o->transport, &me, &g->socket, e) ||
        registry_publish(&g->registry, &me, e)) {
        socket_close(&g->socket, false);
        endpoint_close(&g->endpoint);
        registry_close(&g->registry);
        goto no_registry;
    }
    channel_thread_start(&g->thread, giver_run, g);
    *out = g;
    return 0;
no_registry:
    condition_close(&g->changed);
    free(g);
    return -1;
}

/* Lock held. */
static int giver_failed(const struct giver *g, struct error *e)
{
    if (!g->failed)
        return 0;
    if (e)
        *e = g->why;
    return -1;
}

static int put_locked(struct giver *g, struct item_key key, struct buffer *b, uint64_t check, struct error *e)
{
    while (g->pending >= g->window && !g->failed)
        condition_wait(&g->changed, -1);
    if (giver_failed(g, e))
        return -1;
    if (g->over) {
        arrived_add(g, key);
        return 0;
    }
    struct pending_item **end = pending_find(g, key);
    if (*end)
        return 0; /* a repeat of what is still on its way */
    *end = xalloc(1, sizeof **end);
    (*end)->key = key;
    (*end)->check = check;
    (*end)->bytes = shared_make(b);
    g->pending++;
    return 0;
}

int giver_put(struct giver *g, struct item_key key, struct buffer *b, struct error *e)
{
    int result = -1;
    if (b->size > g->max_message)
        fail_as(e, EX_SOFTWARE, "an item of %zu bytes is larger than the channel's %llu", b->size,
                (unsigned long long)g->max_message);
    else {
        uint64_t check = bytes_xxh3(b->data, b->size);
        condition_lock(&g->changed);
        result = put_locked(g, key, b, check, e);
        condition_unlock(&g->changed);
        endpoint_wake(g->endpoint);
    }
    buffer_free(b);
    return result;
}

int giver_acknowledged(struct giver *g, struct item_key *key, double timeout_s, struct error *e)
{
    int result = 0;
    double until_s = now_s() + timeout_s;
    condition_lock(&g->changed);
    while (!g->arrived_count && !g->failed && condition_wait(&g->changed, until_s))
        ;
    if (g->arrived_count) {
        *key = g->arrived[0];
        memmove(g->arrived, g->arrived + 1, --g->arrived_count * sizeof *g->arrived);
        result = 1;
    } else {
        result = giver_failed(g, e);
    }
    condition_unlock(&g->changed);
    return result;
}

void giver_relay(struct giver *g, struct taker *t)
{
    condition_lock(&g->changed);
    g->upstream = t;
    condition_unlock(&g->changed);
}

size_t giver_pending(struct giver *g)
{
    condition_lock(&g->changed);
    size_t pending = g->pending;
    condition_unlock(&g->changed);
    return pending;
}

void giver_drop(struct giver *g, struct item_key key)
{
    condition_lock(&g->changed);
    struct pending_item **at = pending_find(g, key);
    if (*at)
        pending_remove(g, at);
    condition_unlock(&g->changed);
}

int giver_end(struct giver *g, struct error *e)
{
    condition_lock(&g->changed);
    while (g->pending && !g->failed)
        condition_wait(&g->changed, -1);
    int result = giver_failed(g, e);
    condition_unlock(&g->changed);
    if (result || registry_end(&g->registry, e))
        return -1;
    registry_withdraw(&g->registry); /* after the end is there: takers never find neither */
    condition_lock(&g->changed);
    g->ending = true;
    endpoint_wake(g->endpoint);
    while (!g->ended)
        condition_wait(&g->changed, -1);
    condition_unlock(&g->changed);
    return 0;
}

void giver_close(struct giver **pointer)
{
    struct giver *g = *pointer;
    if (!g)
        return;
    condition_lock(&g->changed);
    g->closing = true;
    condition_unlock(&g->changed);
    endpoint_wake(g->endpoint);
    pthread_join(g->thread, NULL);
    registry_withdraw(&g->registry);
    socket_close(&g->socket, g->ended);
    endpoint_close(&g->endpoint);
    while (g->queue)
        pending_remove(g, &g->queue);
    while (g->peers)
        peer_forget(g, g->peers);
    registry_close(&g->registry);
    condition_close(&g->changed);
    free(g->arrived);
    free(g);
    *pointer = NULL;
}
