/* SPDX-License-Identifier: Apache-2.0 */
/* autopet -- the two layouts of the autoPET releases.   find_image, nnunet -> [autopet]
 *
 *     PETCT_<hash>/<date-...>/SUV.nii.gz    SUV by body weight
 *                            /PET.nii.gz    Bq/mL, with the facts in PET.json beside it
 *                            /SEG.nii.gz    truth
 *                            /CT.nii.gz, CTres.nii.gz
 *     imagesTr/fdg_<hash>_<study>_0001.nii.gz    SUV (_0000 is the CT); autoPET III and IV have psma_<hash>_<date>, too
 *     labelsTr/fdg_<hash>_<study>.nii.gz         truth
 * A study that holds both SUV and PET is one scan, and SUV is preferred. */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *autopet_scan(const struct names *in_folder)
{
    static const char *const wanted[] = {"SUV", "PET"};
    for (size_t w = 0; w < COUNT_OF(wanted); w++)
        for (size_t i = 0; i < in_folder->count; i++)
            if (image_stem(in_folder->name[i]) == strlen(wanted[w]) &&
                strncasecmp(in_folder->name[i], wanted[w], strlen(wanted[w])) == 0)
                return in_folder->name[i];
    return NULL;
}

bool autopet_name(const char *name)
{
    const char *second = strchr(name, '_');
    return (strncasecmp(name, "fdg_", 4) == 0 || strncasecmp(name, "psma_", 5) == 0) && strchr(second + 1, '_');
}

bool autopet_who(struct source *f, const char *name, size_t stem)
{
    if (!autopet_name(name))
        return false;
    const char *second = strchr(name, '_') + 1;
    free(f->units);
    f->units = xstrdup("SUV");
    f->patient = xprintf("%.*s", (int)strcspn(second, "_"), second);
    f->study = xprintf("%.*s", (int)stem, name);
    return true;
}
