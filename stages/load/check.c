/* check -- what of an archive would be refused, and why; nothing is given on.   find -> [check] -> scan
 *
 * Every scan is read whole, voxels and truth, and asked whether SUV could be made of it. The list is for whoever keeps the
 * archive: it says paths and tags, tab-separated, and is made here, so identifiers stay as they are. */
#include "common/log.h"
#include "proto/suv.h"
#include "stages/load/load.h"

static void line_print(FILE *to, const char *scan, const char *stage, const char *reason)
{
    fprintf(to, "%s\t%s\t", stage, scan);
    for (; *reason; reason++) /* one line each, whatever a file's name holds */
        fputc(*reason == '\t' || *reason == '\n' ? ' ' : *reason, to);
    fputc('\n', to);
    fflush(to);
}

size_t check_print(const struct sources *s, const struct load_options *o, const char *formula, FILE *to)
{
    struct progress bar;
    size_t refused = 0;
    progress_begin(&bar, "check", "scans", 0, s->count);
    for (size_t i = 0; i < s->count; i++) {
        const struct source *from = &s->item[i];
        struct volume_message m;
        struct error e = {0};
        const char *by = NULL;
        if (scan_read(from, o, &m, &e) < 0) {
            by = "load";
        } else {
            if (suv_factor(&m.facts, formula, &e) < 0)
                by = "suv";
            volume_message_free(&m);
        }
        if (by && refused++ == 0)
            fputs("refused_by\tscan\treason\n", to);
        if (by)
            line_print(to, from->label, by, e.text);
        progress_update(&bar, i + 1, "%s", from->label);
    }
    progress_end(&bar);
    return refused;
}
