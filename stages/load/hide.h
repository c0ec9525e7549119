/* SPDX-License-Identifier: Apache-2.0 */
/* hide -- names of files and folders out of all that is written down, their salted hashes in place.   find -> [hide] -> facts, logs
 *
 * A path keeps its form: each component becomes 12 hexadecimal digits, an image's ending stays, and so do the words that archives call
 * every scan by (SUV, CTres, imagesTr ...). A component hashes as a patient's id does: a folder named by the id is shown as the patient
 * is. What stands for what is written to the table of common/pseudonym.h as it comes up. */
#ifndef PETREL_STAGES_LOAD_HIDE_H
#define PETREL_STAGES_LOAD_HIDE_H
#include "common/base.h"

/* From now on names are hidden from logs and records; before that, nothing is. path: of the table, which is appended to (mode 0600). The
 * reader's process inherits all of it. */
int hide_open(const char *salt, const char *path, struct error *e) MUST_USE;
int hide_descriptor(void); /* of the table, for who closes all files but those needed; -1: none is open */
/* A path with pseudonyms for its components; the caller's. */
char *hide_path(const char *salt, const char *path) MUST_USE;
/* Its components are names, wherever they turn up in a text. */
void hide_know(const char *path);
/* A text that may be about files: paths in 'quotes', and what is known anywhere. Nothing was opened: as it is. The caller's. */
char *hide_text(const char *text) MUST_USE;
#endif
