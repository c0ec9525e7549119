/* SPDX-License-Identifier: Apache-2.0 */
/* search -- which of the DICOM series at hand each result was read from.   main -> [search] -> dicom_source, layout */
#include "stages/export/search.h"
#include "common/child.h"
#include "common/log.h"
#include "stages/export/layout.h"
#include "stages/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- in the process ---- */

/* The series whose files are those the scan was read from. -1: none; the sentence says what was there. */
static int series_choose(const struct findings *f, const struct dicom_series *series, size_t count,
                         const struct dicom_series **found, struct error *e)
{
    char why[600] = "no PET series is there";
    for (size_t i = 0; i < count; i++) {
        struct error here = {0};
        struct dicom_object o = {.findings = f, .series = &series[i]};
        char hex[65];
        if (layout_make(&o, &here) == 0) {
            if (files_sha256((const char *const *)series[i].file.name, series[i].file.count, hex, e) < 0)
                return -1;
            layout_free(&o);
            *found = &series[i];
            if (strcmp(hex, f->source_sha256) == 0)
                return 0;
            fail(&here, "its files are not those that were read then (their SHA-256 differs)");
        } else {
            layout_free(&o);
        }
        snprintf(why, sizeof why, "of %zu PET series none is it; of the one in '%.200s': %.300s", count,
                 series[i].file.name[0], here.text);
    }
    return fail(e, "the scan of '%s' is not among the DICOM files given: %s", f->dir, why);
}

/* What goes through the pipe, a result after the other: a code and a sentence, "" where it was found; how many files; their names. Texts end
 * with 0. */
static void tell(FILE *to, const struct error *why, const struct dicom_series *found)
{
    size_t const files = *why->text ? 0 : found->file.count;
    fprintf(to, "%d%c%s%c%zu%c", why->code, 0, why->text, 0, files, 0);
    for (size_t i = 0; i < files; i++)
        fprintf(to, "%s%c", found->file.name[i], 0);
}

static _Noreturn void process_run(int to, char *const *path, size_t path_count, const struct names *result)
{
    struct error e = {0};
    struct dicom_series *series = NULL;
    size_t count = 0;
    FILE *out = fdopen(to, "w");
    if (!out)
        _exit(EX_OSERR);
    if (sandbox_enter(&e) < 0)
        log_warn("%s: files are parsed without it", e.text);
    e = (struct error){0};
    int const looked = dicom_series_find(path, path_count, &series, &count, &e);
    for (size_t i = 0; i < result->count; i++) {
        struct error one = e;
        const struct dicom_series *found = NULL;
        struct findings f;
        if (looked == 0 && findings_read(result->name[i], &f, &one) == 0) {
            (void)!series_choose(&f, series, count, &found, &one);
            findings_free(&f);
        }
        tell(out, &one, found);
    }
    _exit(fclose(out) == 0 ? EX_OK : EX_IOERR);
}

/* ---- from outside ---- */

static struct buffer all_read(int from)
{
    enum { PART = 1 << 16 };
    struct buffer b = {0};
    for (;;) {
        b.data = xresize(b.data, b.size + PART, 1);
        ssize_t const got = read(from, b.data + b.size, PART);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return b;
        b.size += (size_t)got;
    }
}

/* The next text; NULL: there is none. */
static const char *text_next(const struct buffer *b, size_t *at)
{
    const char *const text = (const char *)b->data + *at;
    const char *const end = *at < b->size ? memchr(text, 0, b->size - *at) : NULL;
    if (end)
        *at += (size_t)(end - text) + 1;
    return end ? text : NULL;
}

static int heard(const struct buffer *b, size_t count, struct searched *of)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const char *code = text_next(b, &at), *sentence = text_next(b, &at), *files = text_next(b, &at);
        if (!code || !sentence || !files)
            return -1;
        of[i].why.code = (int)strtol(code, NULL, 10);
        snprintf(of[i].why.text, sizeof of[i].why.text, "%s", sentence);
        size_t const wanted = strtoul(files, NULL, 10);
        if (wanted > b->size)
            return -1;
        of[i].file.name = xalloc(wanted + 1, sizeof *of[i].file.name);
        for (const char *name; of[i].file.count < wanted; of[i].file.count++) {
            if (!(name = text_next(b, &at)))
                return -1;
            of[i].file.name[of[i].file.count] = xstrdup(name);
        }
    }
    return 0;
}

int search_series(char *const *path, size_t path_count, const struct names *result, struct searched *of, struct error *e)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return fail_as(e, EX_OSERR, "cannot make a pipe: %s", strerror(errno));
    pid_t const process = child_fork(SIGKILL, e);
    if (process == 0) {
        close(pipes[0]);
        process_run(pipes[1], path, path_count, result);
    }
    close(pipes[1]);
    struct buffer b = process > 0 ? all_read(pipes[0]) : (struct buffer){0};
    close(pipes[0]);
    if (process < 0)
        return -1;
    int const status = child_wait(process);
    int rc = 0;
    if (WIFSIGNALED(status))
        rc = fail(e,
                  "looking for the series killed its reader (signal %d, %s): a DICOM file there is damaged in a way "
                  "that no check "
                  "here knows; name the series' own folder",
                  WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != EX_OK)
        rc = fail_as(e, WEXITSTATUS(status), "looking for the series ended with code %d", WEXITSTATUS(status));
    else if (heard(&b, result->count, of) < 0)
        rc = fail_as(e, EX_SOFTWARE, "what was found of the series did not come through");
    buffer_free(&b);
    return rc;
}

void searched_free(struct searched *s)
{
    names_free(&s->file);
    *s = (struct searched){0};
}
