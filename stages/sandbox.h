/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox -- from here on this process may read files and what it holds open, and nothing else; the only user of libseccomp.
 * load, export -> [sandbox] */
#ifndef PETREL_STAGES_SANDBOX_H
#define PETREL_STAGES_SANDBOX_H
#include "common/base.h"

/* Files open for reading alone; no socket, no program, no process, no other process's memory, no code written at run time: these calls
 * fail with EPERM. For good. -1: the system does not permit it (and why); nothing has changed then. Nothing is done under the
 * sanitizers, whose own ways are others, and in a build for valgrind (make memcheck=1), which does what this forbids. */
int sandbox_enter(struct error *e) MUST_USE;
#endif
