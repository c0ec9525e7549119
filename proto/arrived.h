/* SPDX-License-Identifier: Apache-2.0 */
/* arrived -- what of a source's stream has arrived for good, kept across its restarts.   proto
 *
 * RUN/channels/NAME.arrived, one line "run index" an item, appended in one write: a torn last line is an absent one.
 * It lives as long as the run: a new run begins without it. */
#ifndef PETREL_PROTO_ARRIVED_H
#define PETREL_PROTO_ARRIVED_H
#include "proto/channel.h"

struct arrived;
int arrived_open(struct arrived **a, const char *run_dir, const char *name, struct error *e) MUST_USE;
bool arrived_has(const struct arrived *a, struct item_key key);
int arrived_note(struct arrived *a, struct item_key key, struct error *e) MUST_USE;
void arrived_close(struct arrived **a); /* nulls */
#endif
