/* SPDX-License-Identifier: Apache-2.0 */
/* made_with -- regions say with which settings they were made.   proto */
#ifndef PETREL_PROTO_MADE_WITH_H
#define PETREL_PROTO_MADE_WITH_H
#include "proto/message.h"
#include "proto/recipe.h"

/* m->facts.made_with and m->settings: the record of r's RECIPE_SCAN, and its digest. */
void made_with_write(struct regions_message *m, const struct recipe *r);
#endif
