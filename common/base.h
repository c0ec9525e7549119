/* SPDX-License-Identifier: Apache-2.0 */
/* base -- errors, memory, time: what every other file may assume.   common
 *
 * Three tiers of failure (STYLE: git's):
 *   cannot happen                assert()
 *   this process cannot go on    die(EX_..., "sentence")
 *   this item is bad             return fail(e, "sentence"), and the caller decides
 * Sentences are lower case, failure first, the subject in 'quotes', then what to do. */
#ifndef PETREL_COMMON_BASE_H
#define PETREL_COMMON_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sysexits.h> /* EX_USAGE 64, EX_DATAERR 65, EX_NOINPUT 66, EX_UNAVAILABLE 69, EX_SOFTWARE 70,
                         EX_OSERR 71, EX_CANTCREAT 73, EX_IOERR 74, EX_TEMPFAIL 75 (stopped by a signal
                         after saving: run it again to go on), EX_CONFIG 78 */

#ifdef __cplusplus
#define _Noreturn __attribute__((noreturn))
extern "C" {
#endif

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
/* A function built twice, for AVX2 and for any x86-64, and chosen when the program is loaded. Neither fuses multiply and
 * add and no sum is reordered, so both give the same bits. The sanitizers cannot follow such a choice. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define VECTORISED
#endif
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A sentence about what is wrong with one item, and the exit code to leave with
 * should the caller find it fatal. The caller owns it; zero-initialise it. */
struct error {
    int code;
    char text[1000];
};

/* Write the sentence into *e (e may be NULL) with code EX_DATAERR; always returns -1. */
int fail(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same with another of the EX_ codes. */
int fail_as(struct error *e, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Put "context: " before the sentence already in *e, keeping its code; always returns -1. */
int fail_in(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* Print "PROGRAM: sentence" on stderr and leave with the code. */
_Noreturn void die(int code, const char *format, ...) PRINTF_LIKE(2, 3);
_Noreturn void die_of(const struct error *e);
/* Called by die() before it leaves: a stage tells its pipeline here. At most one hook; NULL takes it away. */
void die_hook(void (*hook)(int code, const char *sentence));
/* Names of files and what stands for them (common/pseudonym.h). A program that knows the names hides them from what is written down, and
 * one that knows what stands for them gives them back to people; either by a function of one text, whose result is the caller's. */
enum text_use {
    TEXT_RECORDS, /* it hides: from records for watchers and RUN/FAILED */
    TEXT_LOGS,    /* it hides: from these and from stderr, which is a log of a run */
    TEXT_PEOPLE   /* it gives back: on stderr, which a person reads */
};
void text_hook(char *(*of)(const char *text), enum text_use use); /* NULL, as at the start: texts stay */
char *text_record(const char *text) MUST_USE;                     /* as it goes into records and RUN/FAILED */
char *text_said(const char *text, bool hidden) MUST_USE; /* as it goes to stderr; hidden: names were taken out already */
/* First in main() of programs with DCMTK: at exit() its own farewell is not taken, which throws where memory is gone. What comes by atexit()
 * is; streams are flushed. */
void exit_plainly(void);
/* The name die() and the log put first, such as "petrel-roi". Not copied. */
void program_name_set(const char *name);
const char *program_name(void);
/* "0.1.0" or "0.1.0-12-gabcdef", from git at build time. */
const char *program_version(void);

/* Memory that is there or the process dies (EX_OSERR). Sizes are count * size, checked for overflow. */
void *xalloc(size_t count, size_t size) MUST_USE;             /* zeroed */
void *xresize(void *old, size_t count, size_t size) MUST_USE; /* not zeroed */
char *xstrdup(const char *s) MUST_USE;
char *xprintf(const char *format, ...) PRINTF_LIKE(1, 2) MUST_USE;
/* Memory whose size came from a file: NULL and a sentence when it is not to be had. Zeroed. */
void *try_alloc(struct error *e, size_t count, size_t size) MUST_USE;
/* Zeroed, aligned to 64 bytes; for numbers. Free with free(). */
void *xalloc_aligned(size_t count, size_t size) MUST_USE;

/* Bytes owned by whoever holds the struct: from malloc, or an owner's, who takes them back from any thread. */
struct buffer {
    uint8_t *data;
    size_t size;
    void *owner;
    void (*give_back)(void *owner);
};
void buffer_free(struct buffer *b); /* and nulls it */

/* Seconds on a clock that only goes forward. */
double now_s(void);
/* Largest resident set so far of this process or of one it started and outlived, bytes. */
uint64_t peak_memory_bytes(void);

/* snprintf that dies rather than truncate. */
void format_into(char *to, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

#ifdef __cplusplus
}
#endif
#endif
