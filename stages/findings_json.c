/* SPDX-License-Identifier: Apache-2.0 */
/* findings_json -- whose scan it is and what it was made by, of the JSON beside the table.   classify ═> [findings_json] -> findings */
#include "common/file.h"
#include "stages/findings.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void text_take(const json_t *from, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(from, key));
    snprintf(to, size, "%s", text ? text : "");
}

int findings_read_facts(const char *dir, struct findings *f, struct error *e)
{
    char *path = path_join(dir, "result.json");
    json_error_t why;
    json_t *all = json_load_file(path, 0, &why);
    int rc = all ? 0 : fail(e, "cannot use '%s': %s", path, why.text);
    text_take(all, "patient", f->patient, sizeof f->patient);
    text_take(all, "study", f->study, sizeof f->study);
    text_take(all, "scan", f->scan, sizeof f->scan);
    text_take(all, "version", f->version, sizeof f->version);
    text_take(all, "model_sha256", f->model_sha256, sizeof f->model_sha256);
    text_take(all, "sha256", f->source_sha256, sizeof f->source_sha256);
    text_take(all, "settings", f->settings, sizeof f->settings);
    f->threshold = json_number_value(json_object_get(all, "threshold"));
    json_decref(all);
    free(path);
    return rc;
}
