/* SPDX-License-Identifier: Apache-2.0 */
/* narrow -- a backbone's settings in a test. */
#ifndef PETREL_TESTS_NARROW_H
#define PETREL_TESTS_NARROW_H
#include "kernels/nets/network.h"

/* The setting `key` of the backbone; one it lacks ends the test. */
static inline void backbone_put(struct network_settings *s, const char *key, const char *text)
{
    struct error e = {0};
    if (network_set(s, key, text, &e))
        die_of(&e);
}

static inline void narrow(struct network_settings *s, int width)
{
    char text[16];
    format_into(text, sizeof text, "%d", width);
    backbone_put(s, "backbone_width", text);
}
#endif
