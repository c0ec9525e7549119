/* SPDX-License-Identifier: Apache-2.0 */
/* giver -- the end of a channel that gives: who holds which item, what has arrived.   stage -> [giver] -> takers
 *
 * The stage's thread puts and asks; the background thread speaks with the takers. Everything in struct giver below the
 * bell is shared under its lock; the socket belongs to the background thread. */
#include "proto/ends.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A taker as seen from here. */
struct peer {
    struct mail_address address;
    uint64_t session, limit, sent; /* items it is ready to have been sent in this session, and was sent */
    size_t held;                   /* leases */
    double heard_s, said_s, lent_s;
    bool full; /* ZeroMQ takes no more for it at the moment */
    struct peer *next;
};

/* An item that has not arrived yet. */
struct parcel {
    struct item_key key;
    struct shared *bytes;
    uint64_t check;
    struct peer *holder; /* NULL: waiting for a taker */
    struct parcel *next;
};

struct giver {
    struct registry registry;
    struct mail *mail;
    struct mailbox *socket;
    pthread_t thread;
    size_t window;
    uint64_t max_message;
    double heartbeat_s, silence_s, opened_s;
    bool late; /* the stream had ended when we opened */

    struct bell bell;
    struct parcel *first; /* in the order they were put */
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

static struct parcel **parcel_find(struct giver *g, struct item_key key)
{
    struct parcel **p = &g->first;
    while (*p && !key_same((*p)->key, key))
        p = &(*p)->next;
    return p;
}

static void parcel_remove(struct giver *g, struct parcel **at)
{
    struct parcel *p = *at;
    if (p->holder)
        p->holder->held--;
    *at = p->next;
    g->pending--;
    shared_drop(p->bytes);
    free(p);
    bell_ring(&g->bell);
}

static void arrived_add(struct giver *g, struct item_key key)
{
    if (g->arrived_count == g->arrived_room) {
        g->arrived_room = g->arrived_room ? 2 * g->arrived_room : 16;
        g->arrived = xresize(g->arrived, g->arrived_room, sizeof *g->arrived);
    }
    g->arrived[g->arrived_count++] = key;
    bell_ring(&g->bell);
}

/* Whoever it was leased to: the item has arrived. The second acknowledgement of a key finds nothing. */
static void parcel_arrived(struct giver *g, struct item_key key)
{
    struct parcel **at = parcel_find(g, key);
    if (!*at)
        return;
    parcel_remove(g, at);
    arrived_add(g, key);
    if (g->upstream)
        taker_acknowledge_key(g->upstream, key);
}

static void stream_over(struct giver *g)
{
    g->over = true;
    while (g->first)
        parcel_arrived(g, g->first->key);
}

/* ---- takers ---- */

static struct peer *peer_find(struct giver *g, const struct mail_address *a)
{
    struct peer *p = g->peers;
    while (p && (p->address.size != a->size || memcmp(p->address.byte, a->byte, a->size) != 0))
        p = p->next;
    return p;
}

/* What it held waits for another. */
static void peer_release(struct giver *g, struct peer *peer)
{
    for (struct parcel *p = g->first; p; p = p->next)
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
static bool peer_say(struct giver *g, struct peer *peer, enum verb verb)
{
    struct control c = {.verb = verb, .session = peer->session};
    if (mail_send(g->socket, &peer->address, &c, NULL) != MAIL_GONE)
        return true;
    peer_forget(g, peer);
    return false;
}

static void peer_hello(struct giver *g, struct peer *peer, const struct mail_address *from, const struct control *c)
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
        peer_say(g, peer, VERB_END);
}

static void hear(struct giver *g, const struct mail_address *from, const struct control *c)
{
    struct peer *peer = peer_find(g, from);
    if (c->verb == VERB_ACK)
        parcel_arrived(g, c->key); /* good whoever says it, and however late */
    if (c->verb == VERB_HELLO) {
        peer_hello(g, peer, from, c);
    } else if (peer && peer->session == c->session) {
        peer->heard_s = now_s();
        if (c->verb == VERB_READY)
            peer->limit = c->limit;
        if (c->verb == VERB_BYE)
            peer_forget(g, peer);
    } else if (c->verb != VERB_BYE) {
        /* we took it for dead; should it be gone again, nothing is lost */
        (void)mail_send(g->socket, from, &(struct control){.verb = VERB_AGAIN, .session = c->session}, NULL);
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
            peer_say(g, p, VERB_HERE);
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

static void parcels_lease(struct giver *g)
{
    struct parcel *p = g->first;
    while (p) {
        struct peer *to = p->holder ? NULL : peer_choose(g);
        if (!p->holder && !to)
            return;
        if (p->holder) {
            p = p->next;
            continue;
        }
        struct control c = {.verb = VERB_ITEM, .session = to->session, .key = p->key, .check = p->check};
        switch (mail_send(g->socket, &to->address, &c, p->bytes)) {
        case MAIL_SENT:
            p->holder = to;
            to->held++;
            to->sent++;
            to->lent_s = now_s();
            break;
        case MAIL_FULL: to->full = true; break;
        case MAIL_GONE: /* what it held may stand before p in the list */
            peer_forget(g, to);
            p = g->first;
            break;
        }
    }
}

static void say_end(struct giver *g)
{
    for (struct peer *p = g->peers, *next; p; p = next) {
        next = p->next;
        peer_say(g, p, VERB_END);
    }
    g->ended = true;
    bell_ring(&g->bell);
}

/* ---- the background thread ---- */

static void *giver_run(void *argument)
{
    struct giver *g = argument;
    double before_s = now_s(), watched_s = 0;
    for (bool closing = false; !closing;) {
        struct mail_address from;
        struct control c;
        struct buffer none;
        struct error e = {0};
        mail_wait(g->mail, &g->socket, 1, &g->registry, END_TICK_S);
        double t = now_s();
        bool bad = false, over = false;
        if (t - watched_s >= END_WATCH_S) { /* files are slow: not under the lock */
            watched_s = t;
            bad = registry_check(&g->registry, &e) != 0;
            over = g->upstream && taker_over(g->upstream);
        }
        bell_lock(&g->bell);
        while (mail_receive(g->socket, &from, &c, &none))
            hear(g, &from, &c);
        peers_mind(g, t, t - before_s > g->silence_s / 2);
        before_s = t;
        if (bad && !g->failed) {
            g->failed = true;
            g->why = e;
            bell_ring(&g->bell);
        }
        if (over || (g->late && !g->greeted && t - g->opened_s > g->silence_s))
            stream_over(g);
        parcels_lease(g);
        if (g->ending && !g->ended)
            say_end(g);
        closing = g->closing;
        bell_unlock(&g->bell);
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
    bell_make(&g->bell);
    if (registry_open(&g->registry, o->run_dir, o->name, e))
        goto no_registry;
    g->late = registry_ended(&g->registry);
    if (mail_open(&g->mail, e) || mail_listen(g->mail, o->transport, &me, &g->socket, e) ||
        registry_publish(&g->registry, &me, e)) {
        mail_hang_up(&g->socket, false);
        mail_close(&g->mail);
        registry_close(&g->registry);
        goto no_registry;
    }
    end_thread(&g->thread, giver_run, g);
    *out = g;
    return 0;
no_registry:
    bell_free(&g->bell);
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
        bell_wait(&g->bell, -1);
    if (giver_failed(g, e))
        return -1;
    if (g->over) {
        arrived_add(g, key);
        return 0;
    }
    struct parcel **end = parcel_find(g, key);
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
        bell_lock(&g->bell);
        result = put_locked(g, key, b, check, e);
        bell_unlock(&g->bell);
        mail_wake(g->mail);
    }
    buffer_free(b);
    return result;
}

int giver_acknowledged(struct giver *g, struct item_key *key, double timeout_s, struct error *e)
{
    int result = 0;
    double until_s = now_s() + timeout_s;
    bell_lock(&g->bell);
    while (!g->arrived_count && !g->failed && bell_wait(&g->bell, until_s))
        ;
    if (g->arrived_count) {
        *key = g->arrived[0];
        memmove(g->arrived, g->arrived + 1, --g->arrived_count * sizeof *g->arrived);
        result = 1;
    } else {
        result = giver_failed(g, e);
    }
    bell_unlock(&g->bell);
    return result;
}

void giver_relay(struct giver *g, struct taker *t)
{
    bell_lock(&g->bell);
    g->upstream = t;
    bell_unlock(&g->bell);
}

size_t giver_pending(struct giver *g)
{
    bell_lock(&g->bell);
    size_t pending = g->pending;
    bell_unlock(&g->bell);
    return pending;
}

void giver_drop(struct giver *g, struct item_key key)
{
    bell_lock(&g->bell);
    struct parcel **at = parcel_find(g, key);
    if (*at)
        parcel_remove(g, at);
    bell_unlock(&g->bell);
}

int giver_end(struct giver *g, struct error *e)
{
    bell_lock(&g->bell);
    while (g->pending && !g->failed)
        bell_wait(&g->bell, -1);
    int result = giver_failed(g, e);
    bell_unlock(&g->bell);
    if (result || registry_end(&g->registry, e))
        return -1;
    registry_withdraw(&g->registry); /* after the end is there: takers never find neither */
    bell_lock(&g->bell);
    g->ending = true;
    mail_wake(g->mail);
    while (!g->ended)
        bell_wait(&g->bell, -1);
    bell_unlock(&g->bell);
    return 0;
}

void giver_close(struct giver **pointer)
{
    struct giver *g = *pointer;
    if (!g)
        return;
    bell_lock(&g->bell);
    g->closing = true;
    bell_unlock(&g->bell);
    mail_wake(g->mail);
    pthread_join(g->thread, NULL);
    registry_withdraw(&g->registry);
    mail_hang_up(&g->socket, g->ended);
    mail_close(&g->mail);
    while (g->first)
        parcel_remove(g, &g->first);
    while (g->peers)
        peer_forget(g, g->peers);
    registry_close(&g->registry);
    bell_free(&g->bell);
    free(g->arrived);
    free(g);
    *pointer = NULL;
}
