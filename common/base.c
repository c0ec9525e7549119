/* SPDX-License-Identifier: Apache-2.0 */
/* base -- errors, memory, time.   common */
#include "common/base.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *name = "petrel";
static void (*hook)(int code, const char *sentence);
static char *(*text_of)(const char *text);
static enum text_use text_use;
static atomic_flag dying = ATOMIC_FLAG_INIT;

/* ---- failure ---- */

PRINTF_LIKE(3, 0) static int fail_with(struct error *e, int code, const char *format, va_list arguments)
{
    if (e) {
        e->code = code;
        vsnprintf(e->text, sizeof e->text, format, arguments);
    }
    return -1;
}

int fail(struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_with(e, EX_DATAERR, format, arguments);
    va_end(arguments);
    return -1;
}

int fail_as(struct error *e, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_with(e, code, format, arguments);
    va_end(arguments);
    return -1;
}

int fail_in(struct error *e, const char *format, ...)
{
    if (!e)
        return -1;
    struct error inner = *e;
    va_list arguments;
    va_start(arguments, format);
    fail_with(e, inner.code ? inner.code : EX_DATAERR, format, arguments);
    va_end(arguments);
    size_t used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", inner.text);
    return -1;
}

void die(int code, const char *format, ...)
{
    struct error e = {0};
    va_list arguments;
    va_start(arguments, format);
    fail_with(&e, code, format, arguments);
    va_end(arguments);

    /* A second death (in the hook, or in another thread) must not start the farewell again. */
    if (atomic_flag_test_and_set(&dying))
        _exit(code);
    /* where memory may be gone there is none for hiding: a sentence ends where it would name a file */
    bool const changes = text_of && code != EX_OSERR;
    if (text_of && !changes && text_use != TEXT_PEOPLE)
        e.text[strcspn(e.text, "'/")] = '\0';
    char *said = changes ? text_said(e.text, false) : e.text, *recorded = changes ? text_record(e.text) : e.text;
    fprintf(stderr, "%s%s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", name, said);
    if (hook)
        hook(code, recorded);
    if (changes) {
        free(said);
        free(recorded);
    }
    exit(code);
}

void die_of(const struct error *e)
{
    die(e->code ? e->code : EX_SOFTWARE, "%s", e->text[0] ? e->text : "failed without saying why");
}

void die_hook(void (*new_hook)(int code, const char *sentence))
{
    hook = new_hook;
}

static void leave(int code, void *nothing)
{
    (void)nothing;
    _exit(fflush(NULL) != 0 && code == EX_OK ? EX_IOERR : code);
}

void exit_plainly(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which looks for leaks at the very end */
    on_exit(leave, NULL);    /* what was registered last is called first: this, of all, last */
#endif
}

void program_name_set(const char *new_name)
{
    name = new_name;
}

const char *program_name(void)
{
    return name;
}

/* ---- what is written down ---- */

void text_hook(char *(*of)(const char *text), enum text_use use)
{
    text_of = of;
    text_use = use;
}

char *text_record(const char *text)
{
    return text_of && text_use != TEXT_PEOPLE ? text_of(text) : xstrdup(text);
}

char *text_said(const char *text, bool hidden)
{
    bool const changes = text_use == TEXT_PEOPLE || (text_use == TEXT_LOGS && !hidden);
    return text_of && changes ? text_of(text) : xstrdup(text);
}

/* ---- memory ---- */

/* Bytes of count * size, at least 1 so that NULL always means "not to be had"; false on overflow. */
static bool bytes_of(size_t count, size_t size, size_t *bytes)
{
    if (__builtin_mul_overflow(count, size, bytes) || *bytes > PTRDIFF_MAX - 64)
        return false;
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

_Noreturn static void no_memory(size_t count, size_t size)
{
    die(EX_OSERR, "no memory for %zu x %zu bytes (close other programs, or run on a larger machine)", count, size);
}

/* A volume is 50,000 pages of 4 KiB: the kernel's work for each is what a reader waits for, and each read of it takes half
 * as long again as over large ones, which are asked for. */
static void huge_pages_wish(void *memory, size_t bytes)
{
    enum { LARGE = 8 << 20, HUGE_PAGE = 2 << 20 };
    if (!memory || bytes < LARGE)
        return;
    uintptr_t const first = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t const end = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    (void)madvise((uint8_t *)memory + (first - (uintptr_t)memory), end - first, MADV_HUGEPAGE); /* may be refused */
}

static void *zeroed(size_t bytes)
{
    void *memory = calloc(1, bytes);
    huge_pages_wish(memory, bytes);
    return memory;
}

void *xalloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory = bytes_of(count, size, &bytes) ? zeroed(bytes) : NULL;
    if (!memory)
        no_memory(count, size);
    return memory;
}

void *xresize(void *old, size_t count, size_t size)
{
    size_t bytes;
    void *memory = bytes_of(count, size, &bytes) ? realloc(old, bytes) : NULL;
    if (!memory)
        no_memory(count, size);
    return memory;
}

void *xalloc_aligned(size_t count, size_t size)
{
    size_t bytes;
    void *memory = NULL;
    if (bytes_of(count, size, &bytes)) {
        bytes = (bytes + 63) / 64 * 64;
        memory = aligned_alloc(64, bytes);
    }
    if (!memory)
        no_memory(count, size);
    huge_pages_wish(memory, bytes);
    return memset(memory, 0, bytes);
}

void *try_alloc(struct error *e, size_t count, size_t size)
{
    size_t bytes;
    void *memory = bytes_of(count, size, &bytes) ? zeroed(bytes) : NULL;
    if (!memory)
        fail_as(e, EX_OSERR, "no memory for %zu x %zu bytes", count, size);
    return memory;
}

char *xstrdup(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(xalloc(size, 1), s, size);
}

char *xprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        die(EX_OSERR, "no memory for a line of text");
    return text;
}

void buffer_free(struct buffer *b)
{
    if (b->give_back)
        b->give_back(b->owner);
    else
        free(b->data);
    *b = (struct buffer){0};
}

void format_into(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= size)
        die(EX_SOFTWARE, "text does not fit in %zu bytes: '%s'", size, to);
}

/* ---- time and the machine ---- */

double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

uint64_t peak_memory_bytes(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (uint64_t)(own.ru_maxrss > children.ru_maxrss ? own.ru_maxrss : children.ru_maxrss) *
           1024; /* Linux counts KiB */
}
