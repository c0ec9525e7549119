/* SPDX-License-Identifier: Apache-2.0 */
/* object -- parts that are opened at run time, so that one program runs with and without them.   kernels */
#ifndef PETREL_KERNELS_OBJECT_H
#define PETREL_KERNELS_OBJECT_H
#include "common/base.h"

/* The symbol of a shared object: the file that the environment's variable names, or `file` beside the program, in ../lib (both
 * as a build leaves them), or where `make install` puts it: PETREL_PARTS, by the Makefile, $(libdir)/petrel as seen from $(bindir).
 * NULL: why not, for people, in tried. It stays open. */
void *object_symbol(const char *file, const char *variable, const char *symbol, char tried[900]) MUST_USE;
#endif
