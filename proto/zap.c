/* SPDX-License-Identifier: Apache-2.0 */
/* zap -- the allow-list of tcp channels.   proto
 *
 * The ZAP handler is there before its socket listens and after it closes: without one ZeroMQ would let everybody in. */
#include "proto/zap.h"

#include "proto/curve_keys.h"
#include <string.h>
#include <zmq.h>

void *zap_open(void *context)
{
    void *zap = zmq_socket(context, ZMQ_REP);
    int linger_ms = 0;
    if (zap &&
        (zmq_setsockopt(zap, ZMQ_LINGER, &linger_ms, sizeof linger_ms) || zmq_bind(zap, "inproc://zeromq.zap.01"))) {
        zmq_close(zap);
        return NULL;
    }
    return zap;
}

/* A question is seven frames, in this order; the key is its credentials. */
enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY, ZAP_FRAMES };

struct zap_frame {
    uint8_t byte[256];
    size_t size;
};

static bool frame_is(const struct zap_frame *f, const char *text)
{
    return f->size == strlen(text) && memcmp(f->byte, text, f->size) == 0;
}

/* false: nothing was asked. Frames past what a question has, or longer than any of them, make *whole false. */
static bool zap_receive(void *zap, struct zap_frame frame[ZAP_FRAMES], bool *whole)
{
    int more = 1;
    size_t size = sizeof more;
    *whole = true;
    for (int i = 0; more; i++) {
        struct zap_frame spare, *to = i < ZAP_FRAMES ? &frame[i] : &spare;
        int got = zmq_recv(zap, to->byte, sizeof to->byte, ZMQ_DONTWAIT);
        if (got < 0)
            return false;
        to->size = (size_t)got;
        if (to == &spare || to->size > sizeof to->byte)
            *whole = false;
        if (zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size))
            return false;
        if (!more && i != ZAP_FRAMES - 1)
            *whole = false;
    }
    return true;
}

void zap_answer(void *zap, const struct registry *r)
{
    struct zap_frame frame[ZAP_FRAMES] = {0};
    bool whole;
    while (zap_receive(zap, frame, &whole)) {
        bool allowed = false;
        if (whole && frame_is(&frame[ZAP_VERSION], "1.0") && frame_is(&frame[ZAP_MECHANISM], "CURVE") &&
            frame[ZAP_KEY].size == CURVE_KEY_BYTES) {
            char hex[KEY_HEX];
            curve_key_hex(hex, frame[ZAP_KEY].byte);
            allowed = registry_allows(r, hex);
        }
        size_t request = frame[ZAP_REQUEST].size < sizeof frame[0].byte ? frame[ZAP_REQUEST].size : 0;
        const struct {
            const void *data;
            size_t size;
        } answer[] = {
            {"1.0", 3}, {frame[ZAP_REQUEST].byte, request}, {allowed ? "200" : "400", 3}, {"", 0}, {"", 0}, {"", 0},
        };
        for (size_t i = 0; i < COUNT_OF(answer); i++)
            zmq_send(zap, answer[i].data, answer[i].size, i + 1 < COUNT_OF(answer) ? ZMQ_SNDMORE : 0);
    }
}
