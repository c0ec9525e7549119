/* SPDX-License-Identifier: Apache-2.0 */
/* recipe -- every setting that can change a number.   proto
 *
 * One row a setting (recipe.def) makes the field here, the options of every stage, the keys of recipe files and the record of
 * a run. Defaults are the `paper` recipe. A stage shows in --help only its own groups, but accepts them all, so one file
 * serves a pipeline. What a setting means stands in its row; cross-checks are in recipe_check.c.
 *
 * What was made with which settings is carried as a record: one line of text, "suv/1 formula=janmahasatian spacing=3,3,3".
 * It names the groups, each with its generation (raised when the same settings came to give other numbers), and every
 * setting that differs from its default; so a new setting leaves what there is valid. */
#ifndef PETREL_PROTO_RECIPE_H
#define PETREL_PROTO_RECIPE_H
#include "common/opts.h"

enum recipe_group {
    RECIPE_REGIONS = 1,
    RECIPE_BOXES = 2,
    RECIPE_NETWORK = 4,
    RECIPE_SAMPLING = 8,
    RECIPE_AUGMENT = 16,
    RECIPE_PRETRAIN = 32,
    RECIPE_CLASSIFIER = 64,
    RECIPE_CHANNELS = 128,
    RECIPE_SUV = 256,
    RECIPE_ALL = 511,
    RECIPE_SCAN = RECIPE_SUV | RECIPE_REGIONS /* what the regions of a scan depend on; channels may be left out later */
};

struct recipe {
#define RECIPE_FLAG               bool
#define RECIPE_INT                int64_t
#define RECIPE_REAL               double
#define RECIPE_REALS              struct opt_reals
#define RECIPE_STRING             const char *
#define RECIPE_CHOICE             const char *
#define SETTING(kind, field, ...) RECIPE_##kind field;
#define HEADING(text)
#include "proto/recipe.def"
#undef SETTING
#undef HEADING
};

void recipe_defaults(struct recipe *r);
/* The authors' released code's values, where a row has them. */
void recipe_released(struct recipe *r);
int recipe_channels(const struct recipe *r); /* how many: C */
/* Appends rows for every setting to table (capacity `room`); rows outside `groups` get OPT_HIDDEN. Returns rows added. */
size_t recipe_options(struct recipe *r, unsigned groups, struct option *table, size_t room);
/* The parts of the position vector that position_parts lists, in any order: bit i stands for numbers 3 i to 3 i + 2. -1 and a sentence. */
int recipe_position_parts(const struct recipe *r, unsigned *parts, struct error *e) MUST_USE;
enum { RECIPE_ROWS = 256 };
/* -1 and a sentence for settings that contradict each other. */
int recipe_check(const struct recipe *r, struct error *e) MUST_USE;
/* What crop asks for, enum crop_kind, with the two heights where it gives them; -1 and a sentence. */
enum crop_kind { CROP_NONE, CROP_HEIGHTS, CROP_THIGHS };
int recipe_crop(const struct recipe *r, double *low_mm, double *high_mm, struct error *e) MUST_USE;

/* ---- records ---- */

/* The record of these groups' settings. The caller's. */
char *recipe_record(const struct recipe *r, unsigned groups) MUST_USE;
/* XXH3 of the record: who may reuse what. */
uint64_t recipe_digest(const struct recipe *r, unsigned groups);
/* Two records of the same groups: 0 alike; 1 and what differs for people, "formula = bw there, janmahasatian here", names given. */
int record_compare(const char *there, const char *here, char *what, size_t size);
/* Settings of these groups become the record's. Those in `given` (a table whose OPT_GIVEN rows were said on the command line; NULL:
 * none) and those that differ from their default must be the record's already: else -1 and a sentence with the key and both values. */
int record_adopt(struct recipe *r, const char *record, unsigned groups, const struct option *given, size_t rows,
                 const char *whose, struct error *e) MUST_USE;

/* The recipe file of one column, as it lies under pipelines/recipes/: "paper" or "released". */
int recipe_file_write(const char *name, FILE *to, struct error *e) MUST_USE;
#endif
