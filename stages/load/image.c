/* SPDX-License-Identifier: Apache-2.0 */
/* image -- a volume in one file, or a header and its voxels, by its ending.   scan, mask -> [image] -> nifti, mha, nrrd */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *ending;
    int (*read)(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e);
} formats[] = {{".nii.gz", nifti_read_files}, {".nii", nifti_read_files}, {".hdr", nifti_read_files},
               {".hdr.gz", nifti_read_files}, {".mha", mha_read},         {".mhd", mha_read},
               {".nrrd", nrrd_read},          {".nhdr", nrrd_read}};

const char *image_ending(size_t which)
{
    return which < COUNT_OF(formats) ? formats[which].ending : NULL;
}

size_t image_stem(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (ends_with(name, formats[i].ending))
            return strlen(name) - strlen(formats[i].ending);
    return 0;
}

int image_read(const char *path, size_t max_bytes, struct nifti *image, char **data_file, struct error *e)
{
    char *other = NULL;
    *image = (struct nifti){0};
    int rc = -1;
    size_t i = 0;
    while (i < COUNT_OF(formats) && !ends_with(path, formats[i].ending))
        i++;
    if (i < COUNT_OF(formats))
        rc = formats[i].read(path, max_bytes, image, &other, e);
    else
        fail(e, "cannot open '%s': its ending is none of .nii .nii.gz .hdr .mha .mhd .nrrd .nhdr", path);
    if (data_file && rc == 0)
        *data_file = other;
    else
        free(other);
    return rc;
}
