/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_internal -- a setting's row, for recipe.c, recipe_record.c and recipe_check.c.   proto */
#ifndef PETREL_PROTO_RECIPE_INTERNAL_H
#define PETREL_PROTO_RECIPE_INTERNAL_H
#include "proto/recipe.h"

struct recipe_row {
    const char *key, *option; /* "stem_stride", "stem-stride" */
    enum opt_kind kind;
    size_t offset; /* in struct recipe */
    unsigned groups;
    const char *argument;
    double low, high;
    const char *help, *heading;
    const char *paper, *paper_from;
    const char *released, *released_from; /* NULL: as in the paper */
};
const struct recipe_row *recipe_rows(size_t *count);
char *recipe_value(const struct recipe_row *row, const struct recipe *r) MUST_USE; /* as text; the caller's */
int recipe_set(const struct recipe_row *row, struct recipe *r, const char *text, struct error *e) MUST_USE;
#endif
