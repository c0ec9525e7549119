/* SPDX-License-Identifier: Apache-2.0 */
/* page -- one self-contained file for people to look at: what all pages share.   [page] -> eval, classify */
#include "stages/page.h"
#include <string.h>

void page_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '&': fputs("&amp;", to); break;
        case '"': fputs("&quot;", to); break;
        case '\'': fputs("&#39;", to); break;
        default: fputc(*text, to);
        }
}

void page_json(FILE *to, const char *json)
{
    for (; *json != '\0'; json++)
        if (*json == '<')
            fputs("\\u003c", to);
        else
            fputc(*json, to);
}

void page_fill(const char *html, const struct page_slot *slot, size_t count, const void *page, FILE *to)
{
    for (const char *at = html; *at != '\0';) {
        const char *open = strstr(at, "{{"), *close = open != NULL ? strstr(open, "}}") : NULL;
        if (close == NULL) {
            fputs(at, to);
            break;
        }
        fwrite(at, 1, (size_t)(open - at), to);
        for (size_t k = 0; k < count; k++)
            if (strlen(slot[k].name) == (size_t)(close - open - 2) &&
                strncmp(slot[k].name, open + 2, strlen(slot[k].name)) == 0)
                slot[k].put(page);
        at = close + 2;
    }
}
