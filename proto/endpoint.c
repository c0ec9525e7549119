/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint -- the sockets under giver.c and taker.c; with curve_keys.c and zap.c the only user of zmq.h.   proto
 *
 * One ROUTER a giver, one DEALER for each giver a taker knows. Items leave without a copy: their bytes are held once,
 * by the giver's list and by however many messages are on their way. */
#include "proto/endpoint.h"

#include "proto/curve_keys.h"
#include "proto/zap.h"
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

enum { LINGER_MS = 1000, RECONNECT_MS = 100, RECONNECT_MAX_MS = 2000, QUEUE = 1000, GIVER_HEARS_MAX = 1024 };

struct shared {
    atomic_int holders;
    struct buffer bytes;
};

struct endpoint {
    void *context, *zap;
    int wake;
    struct curve_keys keys;
    bool keyed;
    zmq_pollitem_t *items;
    size_t room;
};

struct endpoint_socket {
    void *zmq;
    bool router;
};

/* ---- bytes held once ---- */

struct shared *shared_make(struct buffer *b)
{
    struct shared *s = xalloc(1, sizeof *s);
    atomic_init(&s->holders, 1);
    s->bytes = *b;
    *b = (struct buffer){0};
    return s;
}

void shared_drop(struct shared *s)
{
    if (atomic_fetch_sub(&s->holders, 1) == 1) {
        buffer_free(&s->bytes);
        free(s);
    }
}

static void shared_sent(void *data, void *s) /* ZeroMQ is done with a message, in a thread of its own */
{
    (void)data;
    shared_drop(s);
}

/* ---- an endpoint ---- */

static int zmq_failed(struct error *e, const char *what)
{
    return fail_as(e, EX_OSERR, "cannot %s: %s", what, zmq_strerror(zmq_errno()));
}

int endpoint_open(struct endpoint **out, struct error *e)
{
    struct endpoint *m = xalloc(1, sizeof *m);
    *out = NULL;
    m->context = zmq_ctx_new();
    m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!m->context || m->wake < 0) {
        zmq_failed(e, "open a channel");
        endpoint_close(&m);
        return -1;
    }
    *out = m;
    return 0;
}

void endpoint_close(struct endpoint **pointer)
{
    struct endpoint *m = *pointer;
    if (!m)
        return;
    if (m->zap)
        zmq_close(m->zap);
    if (m->context)
        while (zmq_ctx_term(m->context) && zmq_errno() == EINTR)
            ;
    if (m->wake >= 0)
        close(m->wake);
    curve_keys_wipe(&m->keys);
    free(m->items);
    free(m);
    *pointer = NULL;
}

void endpoint_wake(struct endpoint *m)
{
    uint64_t one = 1;
    if (write(m->wake, &one, sizeof one) < 0)
        assert(errno == EAGAIN); /* it is awake already */
}

/* ---- sockets ---- */

static int set(void *zmq, int option, int value)
{
    return zmq_setsockopt(zmq, option, &value, sizeof value);
}

static struct endpoint_socket *socket_open(struct endpoint *m, bool router, uint64_t max_message)
{
    int64_t max = max_message > INT64_MAX ? INT64_MAX : (int64_t)max_message;
    void *zmq = zmq_socket(m->context, router ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!zmq)
        return NULL;
    /* MANDATORY: a full or lost peer is an answer to act on, where the default is to drop the item in silence */
    if (set(zmq, ZMQ_LINGER, LINGER_MS) || set(zmq, ZMQ_SNDHWM, QUEUE) || set(zmq, ZMQ_RCVHWM, QUEUE) ||
        set(zmq, ZMQ_HEARTBEAT_IVL, 0) || set(zmq, ZMQ_RECONNECT_IVL, RECONNECT_MS) ||
        set(zmq, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) || (router && set(zmq, ZMQ_ROUTER_MANDATORY, 1)) ||
        zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &max, sizeof max)) {
        zmq_close(zmq);
        return NULL;
    }
    struct endpoint_socket *s = xalloc(1, sizeof *s);
    *s = (struct endpoint_socket){zmq, router};
    return s;
}

static int listen_tcp(struct endpoint *m, struct endpoint_socket *s, struct registered *where, struct error *e)
{
    char bound[ENDPOINT_MAX];
    size_t size = sizeof bound;
    if (curve_keys_make(&m->keys, e))
        return -1;
    m->keyed = true;
    m->zap = zap_open(m->context);
    if (!m->zap || curve_keys_serve(s->zmq, &m->keys) || zmq_bind(s->zmq, "tcp://*:*") ||
        zmq_getsockopt(s->zmq, ZMQ_LAST_ENDPOINT, bound, &size))
        return zmq_failed(e, "listen on tcp");
    char host[65];
    const char *name = getenv("PETREL_HOST"), *port = strrchr(bound, ':');
    registry_host(host);
    if (!port)
        return fail_as(e, EX_OSERR, "cannot listen on tcp: '%s' has no port", bound);
    if (name && strlen(name) > 128)
        return fail_as(e, EX_CONFIG, "PETREL_HOST is longer than 128 letters");
    format_into(where->endpoint, sizeof where->endpoint, "tcp://%s%s", name && *name ? name : host, port);
    memcpy(where->key, m->keys.hex, sizeof where->key);
    return 0;
}

static int listen_ipc(struct endpoint_socket *s, struct registered *where, struct error *e)
{
    char path[ENDPOINT_MAX];
    if (registry_socket_path(path, e))
        return -1;
    format_into(where->endpoint, sizeof where->endpoint, "ipc://%.*s", ENDPOINT_MAX - 7, path);
    if (zmq_bind(s->zmq, where->endpoint))
        return fail_as(e, EX_OSERR, "cannot listen at '%s': %s", path, zmq_strerror(zmq_errno()));
    return 0;
}

int endpoint_listen(struct endpoint *m, const char *transport, struct registered *where, struct endpoint_socket **out,
                    struct error *e)
{
    bool tcp = strcmp(transport, "tcp") == 0;
    *out = NULL;
    *where = (struct registered){0};
    if (!tcp && strcmp(transport, "ipc") != 0)
        return fail_as(e, EX_USAGE, "unknown transport '%s': use ipc (one machine) or tcp", transport);
    struct endpoint_socket *s = socket_open(m, true, GIVER_HEARS_MAX);
    if (!s)
        return zmq_failed(e, "open a socket");
    if (tcp ? listen_tcp(m, s, where, e) : listen_ipc(s, where, e)) {
        socket_close(&s, false);
        return -1;
    }
    *out = s;
    return 0;
}

int endpoint_connect(struct endpoint *m, struct registry *r, const struct registered *where, uint64_t max_message,
                     struct endpoint_socket **out, struct error *e)
{
    char host[65], endpoint[ENDPOINT_MAX];
    bool tcp = strncmp(where->endpoint, "tcp://", 6) == 0;
    const char *port = strrchr(where->endpoint, ':');
    *out = NULL;
    registry_host(host);
    if (!tcp && strncmp(where->endpoint, "ipc://", 6) != 0)
        return fail(e, "giver '%s' listens at '%s', which is neither ipc nor tcp", where->file, where->endpoint);
    if (!tcp && strcmp(host, where->host) != 0)
        return fail(e, "giver '%s' is on another machine and gives by ipc: start it with --transport tcp", where->file);
    if (tcp && !m->keyed) {
        if (curve_keys_make(&m->keys, e) || registry_allow(r, m->keys.hex, e))
            return -1;
        m->keyed = true;
    }
    /* our own machine's name need not resolve */
    if (tcp && strcmp(host, where->host) == 0)
        format_into(endpoint, sizeof endpoint, "tcp://127.0.0.1%s", port);
    else
        format_into(endpoint, sizeof endpoint, "%s", where->endpoint);
    struct endpoint_socket *s = socket_open(m, false, max_message);
    if (!s)
        return zmq_failed(e, "open a socket");
    if ((tcp && curve_keys_connect(s->zmq, &m->keys, where->key)) || zmq_connect(s->zmq, endpoint)) {
        fail_as(e, EX_OSERR, "cannot reach giver '%s' at '%s': %s", where->file, endpoint, zmq_strerror(zmq_errno()));
        socket_close(&s, false);
        return -1;
    }
    *out = s;
    return 0;
}

void socket_close(struct endpoint_socket **pointer, bool linger)
{
    struct endpoint_socket *s = *pointer;
    if (!s)
        return;
    set(s->zmq, ZMQ_LINGER, linger ? LINGER_MS : 0);
    zmq_close(s->zmq);
    free(s);
    *pointer = NULL;
}

/* ---- messages ---- */

enum send_result socket_send(struct endpoint_socket *s, const struct routing_id *to, const struct control_frame *c,
                             struct shared *body)
{
    uint8_t head[CONTROL_FRAME_MAX];
    size_t size = control_frame_write(c, head);
    int result = 0;
    assert(s->router == (to != NULL));
    /* the first frame decides: the rest of a message always fits */
    if (to)
        result = zmq_send(s->zmq, to->byte, to->size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    if (result >= 0)
        result = zmq_send(s->zmq, head, size, ZMQ_DONTWAIT | (body ? ZMQ_SNDMORE : 0));
    if (result < 0)
        return zmq_errno() == EHOSTUNREACH ? SEND_GONE : SEND_FULL;
    if (!body)
        return SEND_DONE;
    zmq_msg_t m;
    atomic_fetch_add(&body->holders, 1);
    if (zmq_msg_init_data(&m, body->bytes.data, body->bytes.size, shared_sent, body))
        die(EX_OSERR, "no memory for a message");
    if (zmq_msg_send(&m, s->zmq, ZMQ_DONTWAIT) < 0)
        die(EX_OSERR, "cannot send the rest of a message: %s", zmq_strerror(zmq_errno()));
    return SEND_DONE;
}

/* The next frame of the message being received; false: there is none now. */
static bool frame_next(struct endpoint_socket *s, zmq_msg_t *m, bool *more)
{
    zmq_msg_init(m);
    if (zmq_msg_recv(m, s->zmq, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(m);
        return false;
    }
    *more = zmq_msg_more(m);
    return true;
}

static void frame_give_back(void *m)
{
    zmq_msg_close(m);
    free(m);
}

/* A large frame stays where ZeroMQ received it, a small one might keep others' memory with it and is copied. */
static void frame_keep(zmq_msg_t *m, struct buffer *body)
{
    enum { LARGE = 64 << 10 };
    size_t const size = zmq_msg_size(m);
    if (size < LARGE) {
        *body = (struct buffer){.data = xresize(NULL, size, 1), .size = size};
        memcpy(body->data, zmq_msg_data(m), size);
        return;
    }
    zmq_msg_t *own = xalloc(1, sizeof *own);
    zmq_msg_init(own);
    if (zmq_msg_move(own, m))
        die(EX_OSERR, "cannot keep a message: %s", zmq_strerror(zmq_errno()));
    *body = (struct buffer){.data = zmq_msg_data(own), .size = size, .owner = own, .give_back = frame_give_back};
}

/* One message, whole; *ours is false if its frames are not as they should be. */
static bool message_next(struct endpoint_socket *s, struct routing_id *from, struct control_frame *c,
                         struct buffer *body, bool *ours)
{
    zmq_msg_t m;
    bool more = true, head = false;
    *ours = true;
    *body = (struct buffer){0};
    *from = (struct routing_id){0};
    for (int i = s->router ? 0 : 1; more; i++) { /* frames: 0 address, 1 head, 2 body */
        if (!frame_next(s, &m, &more))
            return false;
        const void *data = zmq_msg_data(&m);
        size_t size = zmq_msg_size(&m);
        if (i == 0 && size <= sizeof from->byte) {
            from->size = size;
            memcpy(from->byte, data, size);
        } else if (i == 1) {
            head = control_frame_read(c, data, size);
        } else if (i == 2 && head && c->kind == FRAME_ITEM && !s->router) {
            frame_keep(&m, body);
        } else {
            *ours = false;
        }
        zmq_msg_close(&m);
    }
    *ours = *ours && head && (c->kind == FRAME_ITEM) == (body->data != NULL) && (c->kind < FRAME_ITEM) == s->router;
    return true;
}

bool socket_receive(struct endpoint_socket *s, struct routing_id *from, struct control_frame *c, struct buffer *body)
{
    bool ours;
    while (message_next(s, from, c, body, &ours)) {
        if (ours)
            return true;
        buffer_free(body);
    }
    return false;
}

void endpoint_wait(struct endpoint *m, struct endpoint_socket *const *sockets, size_t count, const struct registry *r,
                   double timeout_s)
{
    size_t n = 0;
    if (m->room < count + 2) {
        m->room = 2 * count + 2;
        m->items = xresize(m->items, m->room, sizeof *m->items);
    }
    m->items[n++] = (zmq_pollitem_t){NULL, m->wake, ZMQ_POLLIN, 0};
    if (m->zap)
        m->items[n++] = (zmq_pollitem_t){m->zap, 0, ZMQ_POLLIN, 0};
    for (size_t i = 0; i < count; i++)
        m->items[n++] = (zmq_pollitem_t){sockets[i]->zmq, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(m->items, (int)n, (long)(timeout_s * 1000)) < 0 && zmq_errno() != EINTR)
        die(EX_OSERR, "cannot wait for messages: %s", zmq_strerror(zmq_errno()));
    uint64_t woken;
    if (read(m->wake, &woken, sizeof woken) < 0)
        assert(errno == EAGAIN);
    if (m->zap)
        zap_answer(m->zap, r);
}
