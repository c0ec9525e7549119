/* SPDX-License-Identifier: Apache-2.0 */
/* curve_keys -- keys of encrypted tcp channels (CURVE).   proto
 *
 * CURVE (curve25519) encrypts and says who speaks; the registry says who may, and zap.c asks it. */
#include "proto/curve_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { Z85 = 41 };

void curve_key_hex(char hex[KEY_HEX], const uint8_t bytes[CURVE_KEY_BYTES])
{
    for (size_t i = 0; i < CURVE_KEY_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static bool hex_read(const char *hex, uint8_t bytes[CURVE_KEY_BYTES])
{
    if (strlen(hex) != KEY_HEX - 1 || strspn(hex, "0123456789abcdef") != KEY_HEX - 1)
        return false;
    for (size_t i = 0; i < CURVE_KEY_BYTES; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return false;
        bytes[i] = (uint8_t)byte;
    }
    return true;
}

int curve_keys_make(struct curve_keys *k, struct error *e)
{
    char open[Z85], secret[Z85];
    if (zmq_curve_keypair(open, secret) || !zmq_z85_decode(k->open, open) || !zmq_z85_decode(k->secret, secret))
        return fail_as(e, EX_UNAVAILABLE, "cannot make a CURVE key: %s (is ZeroMQ built with libsodium?)",
                       zmq_strerror(zmq_errno()));
    explicit_bzero(secret, sizeof secret);
    curve_key_hex(k->hex, k->open);
    return 0;
}

void curve_keys_wipe(struct curve_keys *k)
{
    explicit_bzero(k, sizeof *k);
}

static const char domain[] = "petrel"; /* zap.c answers for it */

int curve_keys_serve(void *socket, const struct curve_keys *k)
{
    int yes = 1;
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, k->secret, CURVE_KEY_BYTES) ||
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, sizeof domain - 1))
        return -1;
    return 0;
}

int curve_keys_connect(void *socket, const struct curve_keys *k, const char *server_hex)
{
    uint8_t server[CURVE_KEY_BYTES];
    if (!hex_read(server_hex, server)) {
        errno = EINVAL;
        return -1;
    }
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, CURVE_KEY_BYTES) ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, k->open, CURVE_KEY_BYTES) ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, k->secret, CURVE_KEY_BYTES))
        return -1;
    return 0;
}
