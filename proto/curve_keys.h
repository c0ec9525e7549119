/* SPDX-License-Identifier: Apache-2.0 */
/* curve_keys -- keys of encrypted tcp channels (CURVE); behind endpoint.c.   proto */
#ifndef PETREL_PROTO_CURVE_KEYS_H
#define PETREL_PROTO_CURVE_KEYS_H
#include "proto/registry.h"

enum { CURVE_KEY_BYTES = 32 };
struct curve_keys {
    uint8_t open[CURVE_KEY_BYTES], secret[CURVE_KEY_BYTES]; /* "open": the public half */
    char hex[KEY_HEX];                                      /* of the public half */
};
int curve_keys_make(struct curve_keys *k, struct error *e) MUST_USE;
void curve_keys_wipe(struct curve_keys *k); /* wipes the secret */

void curve_key_hex(char hex[KEY_HEX], const uint8_t bytes[CURVE_KEY_BYTES]);

/* On a ZeroMQ socket before bind or connect; -1 as ZeroMQ gives it (zmq_errno). */
int curve_keys_serve(void *socket, const struct curve_keys *k) MUST_USE;
int curve_keys_connect(void *socket, const struct curve_keys *k, const char *server_hex) MUST_USE;
#endif
