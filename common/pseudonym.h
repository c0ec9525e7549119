/* SPDX-License-Identifier: Apache-2.0 */
/* pseudonym -- what stands in logs, caches and reports for the name of a file or folder, and the table that links the two.   common
 *
 * People keep names in folders' names. A program that knows such names (petrel-load) hides them from all that is written down; the table
 * of what stands for what, RUN.names, is the user's own (mode 0600): a line each, PSEUDONYM TAB NAME. What is said to whoever
 * started a run is said with the names, from that table. */
#ifndef PETREL_COMMON_PSEUDONYM_H
#define PETREL_COMMON_PSEUDONYM_H
#include "common/base.h"

enum { PSEUDONYM_LENGTH = 12 }; /* lower-case hexadecimal digits */

struct pseudonyms {
    struct pseudonym {
        char key[PSEUDONYM_LENGTH + 1];
        char *name;
    } * one; /* sorted by key */
    size_t count;
};
/* RUN.names of a run directory (RUN/names where nothing can be made beside it), or what PETREL_NAMES says; the caller's. */
char *pseudonyms_path(const char *run_dir) MUST_USE;
/* No file: an empty table. Lines that are none are passed over. */
int pseudonyms_read(struct pseudonyms *p, const char *path, struct error *e) MUST_USE;
/* The text with names in the places of pseudonyms; the caller's. */
char *pseudonyms_reveal(const struct pseudonyms *p, const char *text) MUST_USE;
void pseudonyms_free(struct pseudonyms *p);
#endif
