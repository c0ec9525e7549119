/* SPDX-License-Identifier: Apache-2.0 */
/* control_frame -- control frames of the channel, as structs and as bytes; PROTOCOL.md's grammar.   proto
 *
 *     "PC" version kind  number*  sum        numbers little endian; sum: XXH3 of what stands before it */
#ifndef PETREL_PROTO_CONTROL_FRAME_H
#define PETREL_PROTO_CONTROL_FRAME_H
#include "proto/channel.h"

enum { CHANNEL_VERSION = 2 }; /* raise when an old end would misread a new one */

enum frame_kind {
    FRAME_HELLO = 1,
    FRAME_READY,
    FRAME_ACK,
    FRAME_BYE, /* taker to giver */
    FRAME_ITEM = 17,
    FRAME_HERE,
    FRAME_AGAIN,
    FRAME_END /* giver to taker */
};
struct control_frame {
    enum frame_kind kind;
    uint64_t session, limit;
    struct item_key key;
    uint64_t check; /* XXH3 of an item's bytes; in an ACK: whoever says so had them */
};
enum { CONTROL_FRAME_MAX = 64 }; /* bytes of the longest frame, and some */

size_t control_frame_write(const struct control_frame *c, uint8_t to[CONTROL_FRAME_MAX]); /* bytes written */
bool control_frame_read(struct control_frame *c, const uint8_t *from,
                        size_t size); /* false: not one of ours, or damaged */
#endif
