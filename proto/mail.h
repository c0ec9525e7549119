/* SPDX-License-Identifier: Apache-2.0 */
/* mail -- what giver.c and taker.c need of sockets; channel.c makes it of ZeroMQ.   proto
 *
 * struct mail is one end's sockets and belongs to its background thread; only mail_wake may be called from another. */
#ifndef PETREL_PROTO_MAIL_H
#define PETREL_PROTO_MAIL_H
#include "proto/registry.h"
#include "proto/verbs.h"

/* Bytes held once, however many messages carry them. */
struct shared;
struct shared *shared_make(struct buffer *b) MUST_USE; /* takes *b and nulls it; one holder */
void shared_drop(struct shared *s);

/* Who a ROUTER speaks to. */
struct mail_address {
    size_t size;
    uint8_t byte[32];
};

struct mail;
struct mailbox;

int mail_open(struct mail **m, struct error *e) MUST_USE;
void mail_close(struct mail **m); /* after its sockets; nulls */
void mail_wake(struct mail *m);

/* Listen by "ipc" or "tcp"; fills where->endpoint and ->key for the registry. */
int mail_listen(struct mail *m, const char *transport, struct registered *where, struct mailbox **s,
                struct error *e) MUST_USE;
/* Reach a giver. The first on tcp makes this end's key and publishes its public half. */
int mail_reach(struct mail *m, struct registry *r, const struct registered *where, uint64_t max_message,
               struct mailbox **s, struct error *e) MUST_USE;
/* linger: let what was sent leave first (a second at most). Nulls. */
void mail_hang_up(struct mailbox **s, bool linger);

enum mail_sent { MAIL_SENT, MAIL_FULL /* try later */, MAIL_GONE /* nobody of that address */ };
/* to: NULL on a taker's socket. body: NULL for none; it is held for as long as it needs. */
enum mail_sent mail_send(struct mailbox *s, const struct mail_address *to, const struct control *c, struct shared *body);
/* false: nothing there now. What is not ours is dropped on the way. *body is the caller's, {0} if there was none. */
bool mail_receive(struct mailbox *s, struct mail_address *from, struct control *c, struct buffer *body);
/* Until a socket has something, mail_wake, or timeout_s. Meanwhile r says who may come in. */
void mail_wait(struct mail *m, struct mailbox *const *sockets, size_t count, const struct registry *r, double timeout_s);
#endif
