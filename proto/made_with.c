/* SPDX-License-Identifier: Apache-2.0 */
/* made_with -- regions say with which settings they were made.   proto */
#include "proto/made_with.h"
#include <stdlib.h>

void made_with_write(struct regions_message *m, const struct recipe *r)
{
    char *record = recipe_record(r, RECIPE_SCAN);
    format_into(m->facts.made_with, sizeof m->facts.made_with, "%s", record);
    m->settings = recipe_digest(r, RECIPE_SCAN);
    free(record);
}
