/* SPDX-License-Identifier: Apache-2.0 */
/* nuclide -- names, codes and half-lives; see nuclide.h.   proto */
#include "proto/nuclide.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static const struct nuclide nuclides[] = {
    {"F-18", "Fluorine", "C-111A1", "77004003", 6586.2, true},
    {"C-11", "Carbon", "C-105A1", "40565003", 1221.8, true},
    {"N-13", "Nitrogen", "C-107A1", "21576001", 597.9, true},
    {"O-15", "Oxygen", "C-B1038", "129504001", 122.2, true},
    {"O-14", "Oxygen", "C-1018C", "424875009", 70.6, true},
    {"Rb-82", "Rubidium", "C-159A2", "79197006", 76.4, true},
    {"Ga-68", "Gallium", "C-131A3", "35337001", 67.71 * MINUTE, true},
    {"Ge-68", "Germanium", "C-128A2", "53315004", 270.9 * DAY, true},
    {"Ga-66", "Gallium", "C-131A1", "79477007", 9.49 * HOUR, true},
    {"Cu-60", "Copper", "C-127A4", "425364008", 23.7 * MINUTE, true},
    {"Cu-61", "Copper", "C-127A1", "71425003", 3.33 * HOUR, true},
    {"Cu-62", "Copper", "C-127A5", "422934004", 9.67 * MINUTE, true},
    {"Cu-64", "Copper", "C-127A2", "3932008", 12.7 * HOUR, true},
    {"Zr-89", "Zirconium", "C-168A4", "63360001", 78.4 * HOUR, true},
    {"I-124", "Iodine", "C-114A5", "40937006", 4.176 * DAY, true},
    {"Sc-43", "Scandium", "", "126605", 3.89 * HOUR, true},
    {"Sc-44", "Scandium", "", "126600", 4.04 * HOUR, true},
    {"Y-86", "Yttrium", "C-162A3", "10738001", 14.74 * HOUR, true},
    {"Y-90", "Yttrium", "C-162A7", "14691008", 64.05 * HOUR, true},
    {"Br-75", "Bromine", "C-113A1", "17910003", 96.7 * MINUTE, true},
    {"Br-76", "Bromine", "C-113A2", "79523006", 16.2 * HOUR, true},
    {"Br-77", "Bromine", "C-113A3", "86521004", 57.04 * HOUR, true},
    {"Na-22", "Sodium", "C-155A1", "71633006", 2.602 * 365.25 * DAY, true},
    {"Tc-94m", "Technetium", "C-163AA", "424079002", 52.0 * MINUTE, true},
    {"As-70", "Arsenic", "", "126602", 52.6 * MINUTE, true},
    {"As-72", "Arsenic", "C-115A2", "2705002", 26.0 * HOUR, true},
    {"Mn-51", "Manganese", "", "126601", 46.2 * MINUTE, true},
    {"Mn-52", "Manganese", "C-149A1", "37225000", 5.591 * DAY, true},
    {"Mn-52m", "Manganese", "", "126607", 21.1 * MINUTE, true},
    {"K-38", "Potassium", "C-135A4", "423764008", 7.64 * MINUTE, true},
    {"Fe-52", "Iron", "C-130A1", "69089000", 8.275 * HOUR, true},
    {"Ti-45", "Titanium", "C-166A2", "75696008", 184.8 * MINUTE, true},
    {"Se-73", "Selenium", "C-116A2", "87437000", 7.15 * HOUR, true},
    {"Zn-62", "Zinc", "C-141A1", "65054007", 9.19 * HOUR, true},
    {"Nb-90", "Niobium", "", "126603", 14.6 * HOUR, true},
    {"Tb-152", "Terbium", "", "126606", 17.5 * HOUR, true},
    {"Co-55", "Cobalt", "", "", 17.53 * HOUR, true},
    {"Tc-99m", "Technetium", "C-163A8", "72454006", 6.007 * HOUR, false},
    {"Lu-177", "Lutetium", "C-101ED", "447553000", 6.647 * DAY, false},
    {"In-111", "Indium", "C-145A4", "56609000", 2.805 * DAY, false},
    {"I-123", "Iodine", "C-114A4", "21572004", 13.22 * HOUR, false},
    {"I-125", "Iodine", "C-114A6", "68630002", 59.4 * DAY, false},
    {"I-131", "Iodine", "C-114B1", "1368003", 8.025 * DAY, false},
    {"Ga-67", "Gallium", "C-131A2", "2008008", 3.262 * DAY, false},
    {"Tl-201", "Thallium", "C-138A9", "60057003", 73.0 * HOUR, false},
    {"Sm-153", "Samarium", "C-B1134", "419804008", 46.3 * HOUR, false},
    {"Re-186", "Rhenium", "C-11906", "395865006", 3.72 * DAY, false},
    {"Re-188", "Rhenium", "C-1018D", "423578007", 17.0 * HOUR, false},
    {"Ho-166", "Holmium", "", "C1943", 26.8 * HOUR, false},
    {"Xe-133", "Xenon", "C-172A8", "80751004", 5.25 * DAY, false},
    {"Kr-81m", "Krypton", "C-173A5", "61716009", 13.1, false},
    {"Ra-223", "Radium", "C-136A2", "24853006", 11.43 * DAY, false},
};

const struct nuclide *nuclide_of_code(const char *code)
{
    for (size_t i = 0; *code && i < COUNT_OF(nuclides); i++)
        if (strcmp(code, nuclides[i].srt) == 0 || strcmp(code, nuclides[i].sct) == 0)
            return &nuclides[i];
    return NULL;
}

/* The letters of a word of elements, between digits, hyphens and carets: "18F" and "F-18" are number 18 and word "F". */
static bool named(const struct nuclide *n, const char *word, size_t length, const char *number, size_t digits)
{
    const char *hyphen = strchr(n->name, '-');
    size_t const symbol = (size_t)(hyphen - n->name), mass = strlen(hyphen + 1);
    return mass == digits && strncasecmp(hyphen + 1, number, digits) == 0 &&
           ((length == symbol && strncasecmp(n->name, word, length) == 0) ||
            (length == strlen(n->element) && strncasecmp(n->element, word, length) == 0));
}

/* Past what may stand between a nuclide's name and its number. */
static const char *past_marks(const char *at)
{
    while (*at && strchr("-^[] ", *at))
        at++;
    return at;
}

/* A number of nuclides at the start of a text, with its m; 0: none. */
static size_t mass_length(const char *at)
{
    size_t const digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 3)
        return 0;
    return digits + (at[digits] == 'm' && !isalpha((unsigned char)at[digits + 1]));
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (isalpha((unsigned char)at[length]))
        length++;
    return length;
}

const struct nuclide *nuclide_of_text(const char *text)
{
    for (const char *at = text; *at; at++) {
        bool const begins = at == text || (!isalnum((unsigned char)at[-1]));
        size_t const word = begins ? word_length(at) : 0, mass = begins ? mass_length(at) : 0;
        const char *other = past_marks(at + (word ? word : mass));
        size_t const rest = word ? mass_length(other) : mass ? word_length(other) : 0;
        for (size_t i = 0; rest && i < COUNT_OF(nuclides); i++)
            if (word ? named(&nuclides[i], at, word, other, rest) : named(&nuclides[i], other, rest, at, mass))
                return &nuclides[i];
    }
    return NULL;
}

bool nuclide_agrees(const struct nuclide *n, double half_life_s)
{
    return fabs(half_life_s / n->half_life_s - 1) <= NUCLIDE_TOLERANCE;
}

const struct nuclide *nuclide_of_half_life(double half_life_s)
{
    const struct nuclide *best = NULL;
    for (size_t i = 0; i < COUNT_OF(nuclides); i++)
        if (nuclide_agrees(&nuclides[i], half_life_s) &&
            (!best || (best->positron == nuclides[i].positron &&
                       fabs(half_life_s / nuclides[i].half_life_s - 1) < fabs(half_life_s / best->half_life_s - 1))))
            best = &nuclides[i];
    return best;
}

bool tracer_is_fdg(const char *tracer)
{
    static const char *const names[] = {"fdg", "deoxyglucose", "desoxyglucose", "fluorodeoxy", "fludeoxy"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcasestr(tracer, names[i]))
            return true;
    return false;
}
