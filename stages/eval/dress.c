/* SPDX-License-Identifier: Apache-2.0 */
/* dress -- how a table looks as text, LaTeX or HTML.   [dress] -> table, paper */
#include "stages/eval/dress.h"
#include <string.h>

static void plain(const char *text, FILE *to)
{
    fputs(text, to);
}

static void latex(const char *text, FILE *to)
{
    for (; *text != '\0'; text++) {
        if (strchr("%&_#$", *text) != NULL)
            fputc('\\', to);
        if (strchr("{}\\^~", *text) == NULL)
            fputc(*text, to);
        else
            fputc(' ', to);
    }
}

static void html(const char *text, FILE *to)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '&': fputs("&amp;", to); break;
        default: fputc(*text, to);
        }
}

/* In Markdown a bar would end a cell. */
static void markdown(const char *text, FILE *to)
{
    for (; *text != '\0'; text++) {
        if (strchr("|*_`<>\\", *text) != NULL)
            fputc('\\', to);
        fputc(*text, to);
    }
}

static const struct dress dresses[] = {
    {"text", "", "", "", "\n", "  ", "  ", "**", "**", "_", "_", plain, true, 17, "*", "†", {"", ""}},
    {"latex",
     "\\begin{tabular}{lrrrrrrrr}\n\\hline\n",
     "\\hline\n\\end{tabular}\n",
     "",
     " \\\\\n",
     " & ",
     " & ",
     "\\textbf{",
     "}",
     "\\underline{",
     "}",
     latex,
     false,
     0,
     "*",
     "$^\\dagger$",
     {"% ", ""}},
    {"html",
     "<table>\n",
     "</table>\n",
     "<tr><td>",
     "</td></tr>\n",
     "</td><td>",
     "</td><td>",
     "<b>",
     "</b>",
     "<u>",
     "</u>",
     html,
     false,
     0,
     "*",
     "&dagger;",
     {"<p>", "</p>"}},
    {"markdown", "", "\n", "| ", " |\n", " | ", " | ", "**", "**", "<u>", "</u>", markdown, false, 0, "\\*", "†", {"", "\n"}},
};

const struct dress *dress_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(dresses); i++)
        if (strcmp(dresses[i].name, name) == 0)
            return &dresses[i];
    return &dresses[0];
}

void dress_note(const struct dress *d, const char *text, FILE *to)
{
    fputs(d->note[0], to);
    if (*d->note[0] == '%')
        fputs(text, to); /* a remark needs no escape, and has no line ends */
    else
        d->escape(text, to);
    fprintf(to, "%s\n", d->note[1]);
}

void dress_rule(const struct dress *d, const char *words, int columns, FILE *to)
{
    if (strcmp(d->name, "markdown") == 0) {
        fprintf(to, "| *");
        d->escape(words, to);
        fputc('*', to);
        while (columns-- > 0)
            fputs(" |", to);
        fputc('\n', to);
        return;
    }
    if (strcmp(d->name, "html") == 0)
        fprintf(to, "<tr class=\"rule\"><td colspan=\"%d\">", columns);
    else if (strcmp(d->name, "latex") == 0)
        fprintf(to, "\\hline\n\\multicolumn{%d}{l}{", columns);
    d->escape(words, to);
    fputs(strcmp(d->name, "html") == 0 ? "</td></tr>\n" : (strcmp(d->name, "latex") == 0 ? "} \\\\\n" : "\n"), to);
}

int dress_letters(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

void dress_cell(const struct dress *d, size_t place, const char *text, const char *after, int width, FILE *to)
{
    char all[160];
    format_into(all, sizeof all, "%s%s%s%s", place == 0 ? d->best : (place == 1 ? d->second : ""), text,
                place == 0 ? d->best_end : (place == 1 ? d->second_end : ""), after);
    int letters = dress_letters(all);
    fprintf(to, "%s%*s%s", d->between, letters < width ? width - letters : 0, "", all);
}
