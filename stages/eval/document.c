/* SPDX-License-Identifier: Apache-2.0 */
/* document -- headings, paragraphs and tables as Markdown or as one HTML file.   [document] -> card, sheet */
#include "stages/eval/document.h"
#include <string.h>

static const char looks[] = ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d5dae1}"
                            "@media(prefers-color-scheme:dark){:root{--ink:#e3e7ec;--paper:#14171b;--line:#343b44}}"
                            "body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 "
                            "system-ui,sans-serif}main{max-width:960px;margin:0 auto;padding:16px}"
                            "h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 "
                            ".4em}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}"
                            "th,td{text-align:left;vertical-align:top;padding:4px 8px;border-bottom:1px solid "
                            "var(--line);overflow-wrap:anywhere}th,td:first-child{overflow-wrap:normal}td:first-child,"
                            "th:first-child{white-space:nowrap}";

/* In Markdown a bar would end a cell and a star or an underscore would dress words. */
static void put_markdown(FILE *to, const char *text, bool cell)
{
    for (; *text != '\0'; text++)
        if (*text == '\n')
            fputs(cell ? "<br>" : "\n", to);
        else {
            if (strchr("|*_`<>\\", *text) != NULL)
                fputc('\\', to);
            fputc(*text, to);
        }
}

static void put_html(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '&': fputs("&amp;", to); break;
        case '\n': fputs("<br>", to); break;
        default: fputc(*text, to);
        }
}

static void put(struct document *d, const char *before, const char *text, const char *after, bool cell)
{
    fputs(before, d->out.to);
    if (d->html)
        put_html(d->out.to, text);
    else
        put_markdown(d->out.to, text, cell);
    fputs(after, d->out.to);
}

int document_open(struct document *d, const char *path, const char *title, struct error *e)
{
    *d = (struct document){.html = ends_with(path, ".html") || ends_with(path, ".htm")};
    if (!d->html && !ends_with(path, ".md"))
        return fail_as(e, EX_USAGE, "'%s' ends neither in .md nor in .html: say which it is to be", path);
    if (publish_open(&d->out, path, e) < 0)
        return -1;
    if (d->html) {
        fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
              "content=\"width=device-width, initial-scale=1\"><title>",
              d->out.to);
        put(d, "", title, "</title><style>", false);
        fprintf(d->out.to, "%s</style></head><body><main>\n", looks);
    }
    put(d, d->html ? "<h1>" : "# ", title, d->html ? "</h1>\n" : "\n", false);
    return 0;
}

int document_close(struct document *d, struct error *e)
{
    if (d->html)
        fputs("</main></body></html>\n", d->out.to);
    return publish_commit(&d->out, e);
}

void document_heading(struct document *d, const char *text)
{
    put(d, d->html ? "<h2>" : "\n## ", text, d->html ? "</h2>\n" : "\n", false);
}

void document_paragraph(struct document *d, const char *text)
{
    put(d, d->html ? "<p>" : "\n", text, d->html ? "</p>\n" : "\n", false);
}

void document_table(struct document *d, const char *const *heads)
{
    d->columns = 0;
    fputs(d->html ? "<div class=\"scroll\"><table><tr>" : "\n|", d->out.to);
    for (; heads[d->columns] != NULL; d->columns++)
        put(d, d->html ? "<th>" : " ", heads[d->columns], d->html ? "</th>" : " |", true);
    fputs(d->html ? "</tr>\n" : "\n|", d->out.to);
    for (size_t k = 0; !d->html && k < d->columns; k++)
        fputs(" --- |", d->out.to);
    fputs(d->html ? "" : "\n", d->out.to);
}

void document_row(struct document *d, const char *const *cells)
{
    fputs(d->html ? "<tr>" : "|", d->out.to);
    for (size_t k = 0; k < d->columns; k++)
        put(d, d->html ? "<td>" : " ", cells[k], d->html ? "</td>" : " |", true);
    fputs(d->html ? "</tr>\n" : "\n", d->out.to);
}

void document_table_end(struct document *d)
{
    fputs(d->html ? "</table></div>\n" : "", d->out.to);
}
