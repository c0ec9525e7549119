/* SPDX-License-Identifier: Apache-2.0 */
/* version -- from git at build time.   common */
#include "common/base.h"

const char *program_version(void)
{
    return PETREL_VERSION;
}
