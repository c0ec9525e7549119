/* SPDX-License-Identifier: Apache-2.0 */
/* zap -- the allow-list of tcp channels: ZeroMQ asks whom to let in (RFC 27), the registry knows.   proto */
#ifndef PETREL_PROTO_ZAP_H
#define PETREL_PROTO_ZAP_H
#include "proto/registry.h"

/* ZeroMQ asks at this socket (RFC 27, ZAP) whom to let in: those in the registry.
 * Opened before the socket that serves. */
void *zap_open(void *context);
void zap_answer(void *zap, const struct registry *r); /* everything asked by now */
#endif
