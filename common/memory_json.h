/* SPDX-License-Identifier: Apache-2.0 */
/* memory_json -- a value of jansson's that finds no memory would be left out without a word; with this the process dies (EX_OSERR), as with
 * xalloc.   common */
#ifndef PETREL_COMMON_MEMORY_JSON_H
#define PETREL_COMMON_MEMORY_JSON_H
void json_memory_or_die(void); /* before any JSON is read or made; opts_parse does */
#endif
