/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint -- what giver.c and taker.c need of sockets, made of ZeroMQ.   proto
 *
 * struct endpoint is one end's sockets and belongs to its background thread; only endpoint_wake may be called from another. */
#ifndef PETREL_PROTO_ENDPOINT_H
#define PETREL_PROTO_ENDPOINT_H
#include "proto/control_frame.h"
#include "proto/registry.h"

/* Bytes held once, however many messages carry them. */
struct shared;
struct shared *shared_make(struct buffer *b) MUST_USE; /* takes *b and nulls it; one holder */
void shared_drop(struct shared *s);

/* Who a ROUTER speaks to. */
struct routing_id {
    size_t size;
    uint8_t byte[32];
};

struct endpoint;
struct endpoint_socket;

int endpoint_open(struct endpoint **m, struct error *e) MUST_USE;
void endpoint_close(struct endpoint **m); /* after its sockets; nulls */
void endpoint_wake(struct endpoint *m);

/* Listen by "ipc" or "tcp"; fills where->endpoint and ->key for the registry. */
int endpoint_listen(struct endpoint *m, const char *transport, struct registered *where, struct endpoint_socket **s,
                    struct error *e) MUST_USE;
/* Reach a giver. The first on tcp makes this end's key and publishes its public half. */
int endpoint_connect(struct endpoint *m, struct registry *r, const struct registered *where, uint64_t max_message,
                     struct endpoint_socket **s, struct error *e) MUST_USE;
/* linger: let what was sent leave first (a second at most). Nulls. */
void socket_close(struct endpoint_socket **s, bool linger);

enum send_result { SEND_DONE, SEND_FULL /* try later */, SEND_GONE /* nobody of that address */ };
/* to: NULL on a taker's socket. body: NULL for none; it is held for as long as it needs. */
enum send_result socket_send(struct endpoint_socket *s, const struct routing_id *to, const struct control_frame *c,
                             struct shared *body);
/* false: nothing there now. What is not ours is dropped on the way. *body is the caller's, {0} if there was none. */
bool socket_receive(struct endpoint_socket *s, struct routing_id *from, struct control_frame *c, struct buffer *body);
/* Until a socket has something, endpoint_wake, or timeout_s. Meanwhile r says who may come in. */
void endpoint_wait(struct endpoint *m, struct endpoint_socket *const *sockets, size_t count, const struct registry *r,
                   double timeout_s);
#endif
