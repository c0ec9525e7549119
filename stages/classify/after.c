/* SPDX-License-Identifier: Apache-2.0 */
/* after -- what goes on with a result, as children of this program.   result -> [after] */
#include "stages/classify/after.h"
#include "common/child.h"
#include "common/log.h"
#include "stages/classify/words.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char noted[] = "export.wanted";

/* ---- a child, to its end ---- */

static int worse(int a, int b) /* a failure, then "some input was refused", then none */
{
    return a == EX_OK || (a == EX_DATAERR && b != EX_OK) ? b : a;
}

/* The program beside this one; word[0] is its name. Its exit code; a signal's is EX_SOFTWARE. */
static int run(struct words *w)
{
    struct error e = {0};
    char *path = program_beside(w->word[0]);
    pid_t const pid = child_fork(SIGTERM, &e);
    if (pid < 0)
        die_of(&e);
    if (pid == 0) {
        execv(path, w->word);
        _exit(EX_UNAVAILABLE);
    }
    int const status = child_wait(pid);
    free(path);
    if (child_signal(status))
        log_warn("%s was killed by signal %d", w->word[0], child_signal(status));
    else if (WEXITSTATUS(status) == EX_UNAVAILABLE)
        log_warn("%s cannot be started, or cannot run here", w->word[0]);
    return child_signal(status) ? EX_SOFTWARE : WEXITSTATUS(status);
}

/* ---- asked for ---- */

int after_check(struct after *a, char **scan, size_t scans, const char *regions, struct error *e)
{
    if (a->dicom && a->from.count == 0 && scans == 0)
        return fail_as(e, EX_USAGE, "--from is missing: name where the scans' DICOM series lie");
    if (a->keep && regions && a->from.count < COUNT_OF(a->from.value))
        a->from.value[a->from.count++] = regions;
    for (size_t i = 0; a->from.count < COUNT_OF(a->from.value) && i < scans; i++)
        a->from.value[a->from.count++] = scan[i];
    if (a->dicom && scans > COUNT_OF(a->from.value))
        return fail_as(e, EX_USAGE, "--dicom looks at no more than %zu folders: name one above them",
                       COUNT_OF(a->from.value));
    if (a->earlier && !file_exists(a->earlier) && !dir_exists(a->earlier))
        return fail_as(e, EX_NOINPUT, "cannot open '%s' (--earlier): no such file or folder", a->earlier);
    return 0;
}

static bool is_result(const char *dir)
{
    char *json = path_join(dir, "regions.json");
    bool const is = file_exists(json);
    free(json);
    return is;
}

/* The one result in a folder of results. */
static int only_result(const char *dir, char **found, struct error *e)
{
    struct names in = {0};
    size_t count = 0;
    *found = NULL;
    if (dir_list(dir, &in, e) < 0)
        return -1;
    for (size_t i = 0; i < in.count; i++) {
        char *one = path_join(dir, in.name[i]);
        if (is_result(one) && count++ == 0)
            *found = one;
        else
            free(one);
    }
    names_free(&in);
    return count == 1 ? 0 : fail(e, "'%s' holds %zu results, and --earlier is one: name its folder", dir, count);
}

int after_begin(struct after *a, const char *out, const char *const *words, struct error *e)
{
    if (a->earlier == NULL)
        return 0;
    if (is_result(a->earlier)) {
        a->earlier_dir = xstrdup(a->earlier);
        return 0;
    }
    struct words w = {0};
    char *dir = path_join(out, "earlier"), *out_word = xprintf("--out=%s", dir);
    words_add(&w, "petrel-classify");
    words_add_all(&w, words);
    words_add(&w, out_word);
    words_add(&w, "--quiet");
    words_add(&w, "--");
    words_add(&w, a->earlier);
    int const code = run(&w);
    int rc = code == EX_OK ? only_result(dir, &a->earlier_dir, e)
                           : fail_as(e, code, "the earlier scan '%s' could not be classified", a->earlier);
    free(out_word);
    free(dir);
    words_free(&w);
    return rc;
}

/* It came as SEG or RTSTRUCT and goes back as one. */
static bool goes_back(const struct after *a, const struct given *given)
{
    return a->keep && given && strcmp(given->format, "image") != 0;
}

int after_result(struct after *a, const char *dir, const struct given *given, struct error *e)
{
    struct words w = {0};
    int rc = 0;
    if (a->earlier_dir) {
        words_add(&w, "petrel-followup");
        words_add(&w, "--quiet");
        if (a->same_patient)
            words_add(&w, "--same-patient");
        words_add(&w, "--");
        words_add(&w, a->earlier_dir);
        words_add(&w, dir);
        a->code = worse(a->code, run(&w));
        words_free(&w);
    }
    if (a->dicom || a->bids || goes_back(a, given)) {
        char *note = path_join(dir, noted);
        rc = publish_bytes(note, "", 0, e);
        free(note);
    }
    return rc;
}

/* Adds the results in OUT that are noted. */
static size_t noted_add(const char *out, struct words *w)
{
    struct names in = {0};
    size_t count = 0;
    if (dir_list(out, &in, NULL) < 0)
        return 0;
    for (size_t i = 0; i < in.count; i++) {
        char *dir = path_join(out, in.name[i]), *note = path_join(dir, noted);
        if (file_exists(note)) {
            words_add(w, dir);
            unlink(note);
            count++;
        }
        free(note);
        free(dir);
    }
    names_free(&in);
    return count;
}

int after_end(struct after *a, const char *out)
{
    struct words w = {0};
    words_add(&w, "petrel-export");
    words_add(&w, "--quiet");
    char *objects = a->dicom && a->keep ? xprintf("%s,kept", a->dicom)
                    : a->keep           ? xstrdup("kept")
                    : a->dicom          ? xstrdup(a->dicom)
                                        : NULL;
    words_add_option(&w, "--dicom", objects);
    words_add_option(&w, "--bids", a->bids);
    for (size_t i = 0; objects && i < a->from.count; i++)
        words_add_option(&w, "--from", a->from.value[i]);
    words_add(&w, "--");
    if ((a->dicom || a->bids || a->keep) && noted_add(out, &w) > 0)
        a->code = worse(a->code, run(&w));
    free(objects);
    words_free(&w);
    free(a->earlier_dir);
    return a->code;
}
