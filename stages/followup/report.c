/* SPDX-License-Identifier: Apache-2.0 */
/* report -- a follow-up as CSV.   match, response -> [report] */
#include "stages/followup/report.h"
#include "common/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER(name, what)                                                                                             \
    static double name(const struct lesion_pair *l)                                                                    \
    {                                                                                                                  \
        return what;                                                                                                   \
    }
#define KNOWN(side, what) (l->side.count ? (what) : (double)NAN)
NUMBER(earlier_ml, KNOWN(earlier, l->earlier.ml))
NUMBER(later_ml, KNOWN(later, l->later.ml))
NUMBER(ml_change, 100 * (later_ml(l) / earlier_ml(l) - 1))
NUMBER(earlier_suv_max, l->earlier.suv_max)
NUMBER(later_suv_max, l->later.suv_max)
NUMBER(earlier_suv_peak, l->earlier.suv_peak)
NUMBER(later_suv_peak, l->later.suv_peak)
NUMBER(suv_peak_change, 100 * (l->later.suv_peak / l->earlier.suv_peak - 1))
NUMBER(earlier_tlg, KNOWN(earlier, l->earlier.tlg_g))
NUMBER(later_tlg, KNOWN(later, l->later.tlg_g))
NUMBER(tlg_change, 100 * (later_tlg(l) / earlier_tlg(l) - 1))
NUMBER(dice, l->dice)
NUMBER(moved, l->moved_mm)
NUMBER(earlier_tumour, KNOWN(earlier, l->earlier.tumour))
NUMBER(later_tumour, KNOWN(later, l->later.tumour))
NUMBER(earlier_x, l->earlier.centroid_mm[0])
NUMBER(earlier_y, l->earlier.centroid_mm[1])
NUMBER(earlier_z, l->earlier.centroid_mm[2])
NUMBER(later_x, l->later.centroid_mm[0])
NUMBER(later_y, l->later.centroid_mm[1])
NUMBER(later_z, l->later.centroid_mm[2])

const struct follow_column follow_table[] = {
    {"tracking_id", "", "the lesion's name, through all scans: its region's where it was first seen", NULL},
    {"tracking_uid", "", "likewise, for other software", NULL},
    {"change", "",
     "stable, grown, shrunk (by total lesion glycolysis), gone, new; unfound: the other scan is as hot there, "
     "but has no region; outside: it did not look there",
     NULL},
    {"earlier_regions", "", "its regions in the earlier scan; several: merged since", NULL},
    {"later_regions", "", "its regions in the later scan; several: split", NULL},
    {"linked_by", "", "overlap or nearness, after alignment", NULL},
    {"earlier_tumour", "1", "1: one of them was called tumour", earlier_tumour},
    {"later_tumour", "1", "likewise", later_tumour},
    {"earlier_ml", "ml", "volume", earlier_ml},
    {"later_ml", "ml", "volume", later_ml},
    {"ml_change_percent", "%", "of volume", ml_change},
    {"earlier_suv_max", "SUV", "", earlier_suv_max},
    {"later_suv_max", "SUV", "", later_suv_max},
    {"earlier_suv_peak", "SUV", "of 1 ml", earlier_suv_peak},
    {"later_suv_peak", "SUV", "of 1 ml", later_suv_peak},
    {"suv_peak_change_percent", "%", "of SUVpeak", suv_peak_change},
    {"earlier_tlg_g", "g", "total lesion glycolysis", earlier_tlg},
    {"later_tlg_g", "g", "total lesion glycolysis", later_tlg},
    {"tlg_change_percent", "%", "of total lesion glycolysis", tlg_change},
    {"dice", "1", "overlap after alignment: twice what both hold over the sum of both", dice},
    {"moved_mm", "mm", "from centroid to centroid after alignment", moved},
    {"earlier_x_ras_mm", "mm", "centroid in the earlier scan, RAS", earlier_x},
    {"earlier_y_ras_mm", "mm", "", earlier_y},
    {"earlier_z_ras_mm", "mm", "", earlier_z},
    {"later_x_ras_mm", "mm", "centroid in the later scan, RAS", later_x},
    {"later_y_ras_mm", "mm", "", later_y},
    {"later_z_ras_mm", "mm", "", later_z},
};
const size_t follow_count = COUNT_OF(follow_table);

void side_numbers(const struct side *s, const struct findings *f, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->count && used + 8 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", i ? " " : "", f->finding[s->index[i]].number);
}

static int table_write(const struct follow_up *f, const char *path, struct error *e)
{
    struct publish out;
    char numbers[2][400];
    if (publish_open(&out, path, e) < 0)
        return -1;
    for (size_t c = 0; c < follow_count; c++)
        fprintf(out.to, "%s%s", c ? "," : "", follow_table[c].name);
    fputs("\r\n", out.to);
    for (size_t i = 0; i < f->matches->count; i++) {
        const struct lesion_pair *l = &f->matches->pair[i];
        if (!lesion_counts(l))
            continue;
        side_numbers(&l->earlier, f->earlier, numbers[0], sizeof numbers[0]);
        side_numbers(&l->later, f->later, numbers[1], sizeof numbers[1]);
        fprintf(out.to, "%s,%s,%s,%s,%s,%s", l->tracking_id, l->tracking_uid, change_name[l->change], numbers[0],
                numbers[1],
                isnan(l->dice)  ? ""
                : l->by_overlap ? "overlap"
                                : "nearness");
        for (size_t c = 0; c < follow_count; c++) {
            if (follow_table[c].number == NULL)
                continue;
            double const value = follow_table[c].number(l);
            if (isfinite(value))
                fprintf(out.to, ",%.6g", value);
            else
                fputc(',', out.to);
        }
        fputs("\r\n", out.to);
    }
    return publish_commit(&out, e);
}

int report_write(const struct follow_up *f, const char *dir, struct error *e)
{
    char *table = path_join(dir, "followup.csv");
    int rc = table_write(f, table, e);
    if (rc == 0)
        rc = report_json_write(f, dir, e);
    free(table);
    return rc;
}
