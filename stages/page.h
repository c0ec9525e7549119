/* SPDX-License-Identifier: Apache-2.0 */
/* page -- one self-contained file for people to look at: what all pages share.   [page] -> eval, classify
 *
 * A page is an HTML file of the stage's page/ folder, which the Makefile turns into an array, as it does the looks (stages/page/page.css,
 * shared) and scripts. Where it says {{name}}, a function of that name writes what has to be there without scripts, too. */
#ifndef PETREL_STAGES_PAGE_H
#define PETREL_STAGES_PAGE_H
#include "common/base.h"
#include <stdio.h>

extern const unsigned char page_css[];

struct page_slot {
    const char *name;
    void (*put)(const void *page);
};
/* Writes the template, each {{name}} by its slot; one without a slot is left out. */
void page_fill(const char *html, const struct page_slot *slot, size_t count, const void *page, FILE *to);
/* Text with <, >, & and quotes made harmless. */
void page_text(FILE *to, const char *text);
/* JSON within a script element: no < that could end it. */
void page_json(FILE *to, const char *json);
#endif
