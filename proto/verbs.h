/* SPDX-License-Identifier: Apache-2.0 */
/* verbs -- control frames of the channel, as structs and as bytes; PROTOCOL.md's grammar.   proto
 *
 *     "PC" version verb  number*  sum        numbers little endian; sum: XXH3 of what stands before it */
#ifndef PETREL_PROTO_VERBS_H
#define PETREL_PROTO_VERBS_H
#include "proto/channel.h"

enum { CHANNEL_VERSION = 1 }; /* raise when an old end would misread a new one */

enum verb {
    VERB_HELLO = 1,
    VERB_READY,
    VERB_ACK,
    VERB_BYE, /* taker to giver */
    VERB_ITEM = 17,
    VERB_HERE,
    VERB_AGAIN,
    VERB_END /* giver to taker */
};
struct control {
    enum verb verb;
    uint64_t session, limit;
    struct item_key key;
    uint64_t check; /* XXH3 of an item's bytes */
};
enum { CONTROL_MAX = 64 }; /* bytes of the longest frame, and some */

size_t control_write(const struct control *c, uint8_t to[CONTROL_MAX]); /* bytes written */
bool control_read(struct control *c, const uint8_t *from, size_t size); /* false: not one of ours, or damaged */
#endif
