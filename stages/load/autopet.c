/* SPDX-License-Identifier: Apache-2.0 */
/* autopet -- the two layouts of the autoPET release.   find -> [autopet]
 *
 *     PETCT_<hash>/<date-...>/SUV.nii.gz    SUV by body weight
 *                            /PET.nii.gz    Bq/mL, with the facts in PET.json beside it
 *                            /SEG.nii.gz    truth
 *                            /CT.nii.gz, CTres.nii.gz
 *     imagesTr/fdg_<hash>_<study>_0001.nii.gz   SUV (_0000 is the CT)
 *     labelsTr/fdg_<hash>_<study>.nii.gz        truth
 * A study that holds both SUV and PET is one scan, and SUV is preferred. */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

const char *autopet_scan(const struct names *in_folder)
{
    static const char *const wanted[] = {"SUV.nii.gz", "SUV.nii", "PET.nii.gz", "PET.nii"};
    for (size_t w = 0; w < COUNT_OF(wanted); w++)
        for (size_t i = 0; i < in_folder->count; i++)
            if (strcmp(in_folder->name[i], wanted[w]) == 0)
                return in_folder->name[i];
    return NULL;
}

bool autopet_flat(struct source *f, const char *path)
{
    static const char tail[] = "_0001.nii.gz";
    const char *name = path_base(path), *second = strchr(name, '_');
    const char *third = second ? strchr(second + 1, '_') : NULL;
    if (strncmp(name, "fdg_", 4) != 0 || !ends_with(name, tail) || !third)
        return false;
    int stem = (int)(strlen(name) - strlen(tail));
    char *images = path_parent(path), *root = path_parent(images);
    char *mask = xprintf("%s/labelsTr/%.*s.nii.gz", root, stem, name);
    f->units = xstrdup("SUV");
    f->patient = xprintf("%.*s", (int)(third - second - 1), second + 1);
    f->study = xprintf("%.*s", stem, name);
    char *ct = xprintf("%s/%.*s_0000.nii.gz", images, stem, name);
    f->mask = file_exists(mask) ? mask : (free(mask), NULL);
    f->ct = file_exists(ct) ? ct : (free(ct), NULL);
    free(root);
    free(images);
    return true;
}
