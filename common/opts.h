/* SPDX-License-Identifier: Apache-2.0 */
/* opts -- one table of options makes the parser, --help, the man page, the recipe keys and the run record.   common
 *
 * An option "stem-stride" is --stem-stride VALUE, --stem-stride=VALUE, --set stem_stride=VALUE and, with
 * OPT_RECIPE, the recipe key stem_stride. A flag "position" is --position and --no-position.
 * Names of one letter are "-j VALUE". '-' and '_' in names are alike. Later wins; the command line wins over --recipe
 * wherever it stands; several recipes count in their order.
 * Every program also has --help, --version, --quiet, --json, --recipe FILE, --set KEY=VALUE, --seed N, --threads N. */
#ifndef PETREL_COMMON_OPTS_H
#define PETREL_COMMON_OPTS_H
#include "common/base.h"
#include <stdio.h>

enum opt_kind {
    OPT_FLAG,    /* bool * */
    OPT_INT,     /* int64_t *, within [low, high] */
    OPT_REAL,    /* double *, within [low, high] */
    OPT_REALS,   /* struct opt_reals *: "2.036,2.036,3", or "none" */
    OPT_STRING,  /* const char ** : points into argv or a kept copy, never freed */
    OPT_STRINGS, /* struct opt_strings *: may be given more than once */
    OPT_CHOICE   /* const char **, one of choices "fcm|fixed" */
};
struct opt_reals {
    size_t count;
    double value[8];
};
struct opt_strings {
    size_t count;
    const char *value[256];
};

enum {
    OPT_RECIPE = 1, /* also a recipe key */
    OPT_HIDDEN = 2, /* not in --help */
    OPT_GIVEN = 4   /* set by opts_parse: said on the command line, not by a recipe alone */
};

struct option {
    const char *name; /* "stem-stride" */
    enum opt_kind kind;
    void *value;          /* holds the default before opts_parse */
    const char *argument; /* "MM,MM,MM", or the choices of OPT_CHOICE; NULL for flags */
    double low, high;     /* OPT_INT, OPT_REAL; both 0: any */
    const char *help;     /* one sentence, with the unit */
    unsigned flags;
    const char *group; /* heading in --help; NULL: "Options" */
};

/* Options every program has, filled by opts_parse. */
struct opts_common {
    bool quiet, json;
    const char *recipe;
    int64_t seed;
    int64_t threads; /* 0: all cores */
};

struct opts {
    const char *program;  /* "petrel-roi" */
    const char *usage;    /* "[options] --in volumes --out regions" */
    const char *purpose;  /* "finds the high-uptake regions of each volume" */
    const char *epilogue; /* examples, exit codes; may be NULL */
    struct option *table;
    size_t count;
    struct opts_common common; /* set defaults before; seed 1 unless set */
    /* after opts_parse: */
    char **rest; /* words that are no options, in order */
    size_t rest_count;
};

/* Parses argv; --help and --version print and exit(0). -1 and an EX_USAGE or EX_CONFIG sentence on a bad word:
 * unknown options and recipe keys name the nearest known one. Also calls program_name_set and log_open. */
int opts_parse(struct opts *o, int argc, char **argv, struct error *e) MUST_USE;
/* Text of one option's present value, for run records. Returned string is the caller's. */
char *opts_value(const struct option *option) MUST_USE;
/* "key = value" lines of every OPT_RECIPE option (all of them with all=true), in table order: a run record. */
void opts_write(const struct opts *o, bool all, FILE *to);
void opts_help(const struct opts *o, FILE *to);
void opts_man(const struct opts *o, FILE *to); /* --help-man: a man page, section 1 */
/* What "--options" prints, for pipelines/arguments.sh and a shell's completion: a line an option, tab-separated: name; flag,
 * value or values (may be repeated); shown or hidden; argument or -; help. */
void opts_list(const struct opts *o, FILE *to);
/* Sets one option from its text as the command line would; what a string or choice needs is kept for good. */
int opt_set(const struct option *option, const char *text, struct error *e) MUST_USE;
#endif
