/* SPDX-License-Identifier: Apache-2.0 */
/* cudnn_version -- see cudnn_version.h.   kernels/cuda */
#include "kernels/cuda/cudnn_version.h"

int cudnn_version_check(size_t version, enum precision precision, struct error *e)
{
    size_t major = version / 10000, minor = version / 100 % 100, patch = version % 100;
    if (major != 9)
        return fail_as(e, EX_UNAVAILABLE, "cuDNN is %zu.%zu, and 9 is wanted; put a cuDNN 9 where the loader finds it",
                       major, minor);
    if (precision == BFLOAT16 && version >= 90800 && version < 91500)
        return fail_as(
            e, EX_UNAVAILABLE,
            "cuDNN %zu.%zu.%zu computes three-dimensional convolutions in bfloat16 wrongly (9.8 to 9.14 do); "
            "install 9.15 or later, or use --precision float32",
            major, minor, patch);
    return 0; /* 9.10.2 to 9.15 do the same to TF32's, which nothing here uses */
}
