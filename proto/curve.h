/* SPDX-License-Identifier: Apache-2.0 */
/* curve -- keys and the allow-list for tcp channels; behind channel.c.   proto */
#ifndef PETREL_PROTO_CURVE_H
#define PETREL_PROTO_CURVE_H
#include "proto/registry.h"

enum { CURVE_BYTES = 32 };
struct curve_keys {
    uint8_t open[CURVE_BYTES], secret[CURVE_BYTES]; /* "open": the public half */
    char hex[KEY_HEX];                              /* of the public half */
};
int curve_make(struct curve_keys *k, struct error *e) MUST_USE;
void curve_forget(struct curve_keys *k); /* wipes the secret */

/* On a ZeroMQ socket before bind or connect; -1 as ZeroMQ gives it (zmq_errno). */
int curve_serve(void *socket, const struct curve_keys *k) MUST_USE;
int curve_join(void *socket, const struct curve_keys *k, const char *server_hex) MUST_USE;

/* ZeroMQ asks at this socket (RFC 27, ZAP) whom to let in: those in the registry.
 * Opened before the socket that serves. */
void *zap_open(void *context);
void zap_answer(void *zap, const struct registry *r); /* everything asked by now */
#endif
