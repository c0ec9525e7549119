/* SPDX-License-Identifier: Apache-2.0 */
/* response -- what a follow-up comes to for the patient.   match -> [response] */
#include "stages/followup/response.h"
#include <math.h>
#include <stdio.h>

static bool all_know_sul(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->finding[i].tumour && isnan(f->finding[i].sul_peak))
            return false;
    return true;
}

/* Of the hottest region called tumour; NAN: none is. */
static double hottest(const struct findings *f, bool sul)
{
    double most = (double)NAN;
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *g = &f->finding[i];
        double const peak = sul ? g->sul_peak : g->suv_peak;
        if (g->tumour && !(most >= peak))
            most = peak;
    }
    return most;
}

static void say(struct response *r, const char *category, const char *why)
{
    r->category = category;
    format_into(r->why, sizeof r->why, "%s", why);
}

static void say_change(struct response *r, const char *category, const char *what, double from, double to)
{
    r->category = category;
    format_into(r->why, sizeof r->why, "%s went from %.2f to %.2f (%+.0f %%)", what, from, to, 100 * (to - from) / from);
}

void response_judge(const struct findings *earlier, const struct findings *later, const struct matches *m,
                    struct response *r)
{
    *r = (struct response){.category = "", .earlier_tlg_g = earlier->tlg_g, .later_tlg_g = later->tlg_g};
    size_t fresh = 0;
    for (size_t i = 0; i < m->count; i++)
        if (lesion_counts(&m->pair[i])) {
            r->counted[m->pair[i].change]++;
            fresh += m->pair[i].change == CHANGE_NEW;
        }
    r->by_sul = all_know_sul(earlier) && all_know_sul(later);
    r->earlier_peak = hottest(earlier, r->by_sul);
    r->later_peak = hottest(later, r->by_sul);
    const char *const peak = r->by_sul ? "the hottest lesion's SULpeak" : "the hottest lesion's SUVpeak";
    double const from = r->earlier_peak, to = r->later_peak, suv = hottest(earlier, false);
    bool const liver = !isnan(earlier->liver_mean) && !isnan(earlier->liver_sd);
    char outside[80] = "", unfound[100] = "";
    if (r->counted[CHANGE_UNFOUND])
        format_into(unfound, sizeof unfound,
                    "%zu lesions are as hot in the other scan, though no region was made there; ",
                    r->counted[CHANGE_UNFOUND]);
    if (r->counted[CHANGE_OUTSIDE])
        format_into(outside, sizeof outside, "%zu lesions lie where the other scan did not look; ",
                    r->counted[CHANGE_OUTSIDE]);
    format_into(r->told, sizeof r->told, "%s%s%s%s", outside, unfound,
                r->by_sul ? "" : "SUVpeak stands in for SULpeak: height or weight are not known; ",
                liver ? "" : "the liver is not known: whether a lesion can be measured was not asked; ");
    if (earlier->tumours == 0)
        say(r, fresh > 0 ? "PMD" : "",
            fresh > 0 ? "no region was called tumour at first, and there are new ones"
                      : "no region was called tumour at first: nothing to follow");
    else if (later->tumours == 0)
        say(r, "CMR", "no region is called tumour any more");
    else if (liver && suv < 1.5 * earlier->liver_mean + 2 * earlier->liver_sd)
        say(r,
            "", "the hottest lesion at first is too faint to be measured (1.5 times the liver and 2 of its standard deviations)");
    else if (fresh > 0)
        format_into(r->why, sizeof r->why, "%zu new lesion%s", fresh, fresh == 1 ? "" : "s"), r->category = "PMD";
    else if (to >= (1 + PERCIST_SHARE) * from && to - from >= PERCIST_LEAST)
        say_change(r, "PMD", peak, from, to);
    else if (later->tlg_g >= (1 + PERCIST_TLG_SHARE) * earlier->tlg_g)
        say_change(r, "PMD", "total lesion glycolysis", earlier->tlg_g, later->tlg_g);
    else if (to <= (1 - PERCIST_SHARE) * from && from - to >= PERCIST_LEAST)
        say_change(r, "PMR", peak, from, to);
    else
        say_change(r, "SMD", peak, from, to);
}
