/* SPDX-License-Identifier: Apache-2.0 */
/* taker -- the end of a channel that takes: finds givers, keeps a few items ahead, acknowledges.   givers -> [taker] -> stage
 *
 * The stage's thread takes and acknowledges; the background thread speaks with the givers. Everything in struct taker
 * below the bell is shared under its lock; sockets and the list of sources change in the background thread only. */
#include "proto/ends.h"

#include "common/log.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A giver as seen from here. */
struct source {
    struct registered who;
    struct mailbox *socket;
    uint64_t session, greeted; /* the present session; the one HELLO was last said for */
    uint64_t taken, queued;    /* items of the session the stage has taken, and that wait for it */
    uint64_t told;             /* limit last told */
    double heard_s, said_s;
    bool ended, listed;    /* said END; its file was there when we last looked */
    struct item_key *owed; /* acknowledgements to send */
    size_t owed_count, owed_room;
    struct source *next;
};

struct queued {
    struct source *from;
    struct item_key key;
    struct buffer bytes;
    struct queued *next;
};

struct lease {
    uint64_t number;
    struct item_key key;
    struct source *from;
};

struct taker {
    struct registry registry;
    struct mail *mail;
    pthread_t thread;
    uint64_t credits, max_message;
    double heartbeat_s, silence_s;
    struct mailbox **sockets; /* of the sources, for waiting */
    size_t socket_room;
    bool end_seen, look; /* background thread's: END was heard or found; look into the directory now */
    char *refused;       /* file of the giver last warned of */

    struct bell bell;
    struct source *sources;
    struct queued *first, **end; /* items ahead of the stage */
    uint64_t queued;             /* how many */
    bool idle;                   /* the stage waits for one */
    struct lease *leases;
    size_t lease_count, lease_room;
    uint64_t lease_last;
    bool over, closing, failed;
    struct error why;
};

/* ---- the queue and the leases; lock held ---- */

static void queue_add(struct taker *t, struct source *from, struct item_key key, struct buffer *bytes)
{
    struct queued *q = xalloc(1, sizeof *q);
    *q = (struct queued){from, key, *bytes, NULL};
    *bytes = (struct buffer){0};
    *t->end = q;
    t->end = &q->next;
    t->queued++;
    from->queued++;
    bell_ring(&t->bell);
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
static void queue_drop(struct taker *t, const struct source *from)
{
    struct queued **at = &t->first;
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

static uint64_t lease_add(struct taker *t, struct source *from, struct item_key key)
{
    if (t->lease_count == t->lease_room) {
        t->lease_room = t->lease_room ? 2 * t->lease_room : 16;
        t->leases = xresize(t->leases, t->lease_room, sizeof *t->leases);
    }
    t->leases[t->lease_count++] = (struct lease){++t->lease_last, key, from};
    return t->lease_last;
}

static void lease_acknowledge(struct taker *t, size_t i)
{
    struct source *s = t->leases[i].from;
    if (s->owed_count == s->owed_room) {
        s->owed_room = s->owed_room ? 2 * s->owed_room : 16;
        s->owed = xresize(s->owed, s->owed_room, sizeof *s->owed);
    }
    s->owed[s->owed_count++] = t->leases[i].key;
    t->leases[i] = t->leases[--t->lease_count];
}

/* ---- sources ---- */

static void source_forget(struct taker *t, struct source *s, bool linger)
{
    struct source **at = &t->sources;
    queue_drop(t, s);
    for (size_t i = t->lease_count; i-- > 0;)
        if (t->leases[i].from == s)
            t->leases[i] = t->leases[--t->lease_count];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    mail_hang_up(&s->socket, linger);
    free(s->owed);
    free(s);
}

/* Our leases there are gone: what lies in the queue will come again, to us or to another. */
static void source_renew(struct taker *t, struct source *s)
{
    queue_drop(t, s);
    s->session++;
    s->taken = 0;
}

static void source_hear(struct taker *t, struct source *s, const struct control *c, struct buffer *body, bool sound)
{
    s->heard_s = now_s();
    if (c->verb == VERB_END) {
        s->ended = t->end_seen = t->look = true;
        queue_drop(t, s);
    } else if (c->session != s->session || s->ended) {
        /* of a session that is over */
    } else if (c->verb == VERB_AGAIN) {
        source_renew(t, s);
    } else if (c->verb == VERB_ITEM && sound) {
        queue_add(t, s, c->key, body);
    } else if (c->verb == VERB_ITEM) {
        log_warn("item %llu came damaged from '%s': asking again", (unsigned long long)c->key.index, s->who.file);
        source_renew(t, s);
    }
    buffer_free(body);
}

static void sources_hear(struct taker *t)
{
    for (struct source *s = t->sources; s; s = s->next) {
        struct mail_address none;
        struct control c;
        struct buffer body;
        while (mail_receive(s->socket, &none, &c, &body)) { /* looks at all the bytes: not under the lock */
            bool sound = c.verb != VERB_ITEM || bytes_xxh3(body.data, body.size) == c.check;
            bell_lock(&t->bell);
            source_hear(t, s, &c, &body, sound);
            bell_unlock(&t->bell);
        }
    }
}

/* Lock held: how many more each giver may send: the free places, shared out; an idle stage has one more. At least one
 * where any is free, since we cannot know which giver has something: so many givers at once may overdo it a little. */
static uint64_t credit_each(const struct taker *t, double now)
{
    uint64_t places = t->credits + t->idle, givers = 0;
    for (const struct source *s = t->sources; s; s = s->next)
        givers += !s->ended && now - s->heard_s < t->silence_s;
    if (t->queued >= places)
        return 0;
    uint64_t each = (places - t->queued) / (givers ? givers : 1);
    return each ? each : 1;
}

/* Lock held: HELLO, acknowledgements, credit and heartbeat, as they are due. What does not fit now is said later. */
static void source_talk(const struct taker *t, struct source *s, uint64_t credit, double now)
{
    struct control c = {.verb = VERB_HELLO, .session = s->session, .limit = s->taken + s->queued + credit};
    size_t said = 0;
    if (s->ended)
        return;
    if (s->greeted != s->session) {
        if (mail_send(s->socket, NULL, &c, NULL) != MAIL_SENT)
            return;
        s->greeted = s->session;
        s->told = c.limit;
        s->said_s = now;
    }
    for (; said < s->owed_count; said++) {
        struct control ack = {.verb = VERB_ACK, .session = s->session, .key = s->owed[said]};
        if (mail_send(s->socket, NULL, &ack, NULL) != MAIL_SENT)
            break;
    }
    if (said) {
        s->owed_count -= said;
        memmove(s->owed, s->owed + said, s->owed_count * sizeof *s->owed);
    }
    c.verb = VERB_READY;
    bool due = c.limit != s->told || now - s->said_s >= t->heartbeat_s;
    if (due && mail_send(s->socket, NULL, &c, NULL) == MAIL_SENT) {
        s->told = c.limit;
        s->said_s = now;
    }
}

/* ---- who gives ---- */

static void source_add(struct taker *t, const char *file, double now)
{
    struct error e = {0};
    struct registered who;
    struct mailbox *socket;
    if (t->refused && strcmp(t->refused, file) == 0)
        return;
    if (registry_read(&t->registry, file, &who, &e) ||
        mail_reach(t->mail, &t->registry, &who, t->max_message, &socket, &e)) {
        if (e.code == EX_NOINPUT) /* it was taken away between listing and reading */
            return;
        log_warn("%s", e.text);
        free(t->refused);
        t->refused = xstrdup(file);
        return;
    }
    struct source *s = xalloc(1, sizeof *s);
    *s = (struct source){.who = who, .socket = socket, .session = 1, .heard_s = now, .said_s = now, .listed = true};
    bell_lock(&t->bell);
    s->next = t->sources;
    t->sources = s;
    bell_unlock(&t->bell);
}

static struct source *source_find(const struct taker *t, const char *file)
{
    struct source *s = t->sources;
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
    for (struct source *s = t->sources; s; s = s->next)
        s->listed = false;
    for (size_t i = 0; i < files.count; i++) {
        struct source *known = source_find(t, files.name[i]);
        if (known)
            known->listed = true;
        else
            source_add(t, files.name[i], now);
    }
    names_free(&files);
    bool over = t->end_seen = t->end_seen || registry_ended(&t->registry);
    bell_lock(&t->bell);
    for (struct source *s = t->sources, *next; s; s = next) {
        next = s->next;
        double silence_s = now - s->heard_s;
        if (!s->listed && (s->ended || silence_s > 2 * t->heartbeat_s))
            source_forget(t, s, false);
        else if (!s->ended && silence_s < t->silence_s)
            over = false;
    }
    if (over && !t->over) {
        t->over = true;
        bell_ring(&t->bell);
    }
    bell_unlock(&t->bell);
}

/* ---- the background thread ---- */

static void wait_for_sources(struct taker *t)
{
    size_t count = 0;
    for (struct source *s = t->sources; s; s = s->next) {
        if (count == t->socket_room) {
            t->socket_room = t->socket_room ? 2 * t->socket_room : 8;
            t->sockets = xresize(t->sockets, t->socket_room, sizeof(struct mailbox *));
        }
        t->sockets[count++] = s->socket;
    }
    mail_wait(t->mail, t->sockets, count, &t->registry, t->look ? 0 : END_TICK_S);
}

static void watch(struct taker *t, double now)
{
    struct error e = {0};
    look_around(t, now);
    if (!registry_check(&t->registry, &e))
        return;
    bell_lock(&t->bell);
    if (!t->failed) {
        t->failed = true;
        t->why = e;
        bell_ring(&t->bell);
    }
    bell_unlock(&t->bell);
}

static void *taker_run(void *argument)
{
    struct taker *t = argument;
    double before_s = now_s(), watched_s = 0;
    t->look = true;
    for (bool closing = false; !closing;) {
        wait_for_sources(t);
        double now = now_s();
        if (now - before_s > t->silence_s / 2) /* it was we who were stopped: they need not have been silent */
            for (struct source *s = t->sources; s; s = s->next)
                s->heard_s = now;
        before_s = now;
        sources_hear(t);
        if (t->look || now - watched_s >= END_TICK_S) {
            t->look = false;
            watched_s = now;
            watch(t, now);
        }
        bell_lock(&t->bell);
        closing = t->closing;
        uint64_t credit = credit_each(t, now);
        for (struct source *s = t->sources; s; s = s->next)
            source_talk(t, s, credit, now);
        bell_unlock(&t->bell);
    }
    /* What is not acknowledged may be leased to another at once. Who is silent need not be waited for. */
    double now = now_s();
    while (t->sources) {
        struct source *s = t->sources;
        struct control bye = {.verb = VERB_BYE, .session = s->session};
        bool there = !s->ended && now - s->heard_s < t->silence_s;
        source_forget(t, s, there && mail_send(s->socket, NULL, &bye, NULL) == MAIL_SENT);
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
    t->end = &t->first;
    if (registry_open(&t->registry, o->run_dir, o->name, e)) {
        free(t);
        return -1;
    }
    if (mail_open(&t->mail, e)) {
        registry_close(&t->registry);
        free(t);
        return -1;
    }
    bell_make(&t->bell);
    end_thread(&t->thread, taker_run, t);
    *out = t;
    return 0;
}

/* Lock held: the first of the queue, as the stage's. */
static void queue_take(struct taker *t, struct taken *item)
{
    struct queued *q = queue_unlink(t, &t->first);
    t->idle = false;
    q->from->taken++;
    *item = (struct taken){q->key, q->bytes, lease_add(t, q->from, q->key)};
    free(q);
}

int taker_take(struct taker *t, struct taken *item, double timeout_s, struct error *e)
{
    int result = 0;
    double until_s = timeout_s < 0 ? -1 : now_s() + timeout_s;
    *item = (struct taken){0};
    bell_lock(&t->bell);
    if (!t->first && !t->idle) {
        t->idle = true;
        mail_wake(t->mail);
    }
    while (!t->failed && !t->over && !t->first && bell_wait(&t->bell, until_s))
        ;
    if (t->failed) {
        if (e)
            *e = t->why;
        result = -1;
    } else if (t->over) {
        queue_drop(t, NULL);
        result = TAKER_END;
    } else if (t->first) {
        queue_take(t, item);
        result = 1;
    }
    bell_unlock(&t->bell);
    if (result == 1)
        mail_wake(t->mail); /* the credit goes back */
    return result;
}

void taker_acknowledge(struct taker *t, uint64_t lease)
{
    bell_lock(&t->bell);
    for (size_t i = 0; i < t->lease_count; i++)
        if (t->leases[i].number == lease) {
            lease_acknowledge(t, i);
            break;
        }
    bell_unlock(&t->bell);
    mail_wake(t->mail);
}

void taker_acknowledge_key(struct taker *t, struct item_key key)
{
    bell_lock(&t->bell);
    for (size_t i = t->lease_count; i-- > 0;)
        if (key_same(t->leases[i].key, key))
            lease_acknowledge(t, i);
    bell_unlock(&t->bell);
    mail_wake(t->mail);
}

bool taker_over(struct taker *t)
{
    bell_lock(&t->bell);
    bool over = t->over;
    bell_unlock(&t->bell);
    return over;
}

void taker_close(struct taker **pointer)
{
    struct taker *t = *pointer;
    if (!t)
        return;
    bell_lock(&t->bell);
    t->closing = true;
    bell_unlock(&t->bell);
    mail_wake(t->mail);
    pthread_join(t->thread, NULL);
    mail_close(&t->mail);
    registry_close(&t->registry);
    queue_drop(t, NULL);
    bell_free(&t->bell);
    free(t->sockets);
    free(t->leases);
    free(t->refused);
    free(t);
    *pointer = NULL;
}
