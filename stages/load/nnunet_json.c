/* SPDX-License-Identifier: Apache-2.0 */
/* nnunet_json -- what nnU-Net's dataset.json says of channels.   nnunet -> [nnunet_json] */
#include "stages/load/load.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Of the last folder that was asked for. */
static struct nnunet_dataset last;
static char *last_root;

const struct nnunet_dataset *nnunet_dataset(const char *root)
{
    if (last_root && strcmp(last_root, root) == 0)
        return &last;
    free(last_root);
    last_root = xstrdup(root);
    last = (struct nnunet_dataset){0};
    char *path = path_join(root, "dataset.json");
    struct buffer file = {0};
    find_look(path);
    json_t *all = file_exists(path) && file_read(path, 64 << 20, &file, NULL) == 0
                      ? json_loadb((const char *)file.data, file.size, 0, NULL)
                      : NULL;
    json_t *names = json_object_get(all, "channel_names");
    if (!names)
        names = json_object_get(all, "modality");
    for (int i = 0; i < NNUNET_CHANNELS; i++) {
        char key[8];
        format_into(key, sizeof key, "%d", i);
        const char *name = json_string_value(json_object_get(names, key));
        format_into(last.name[i], sizeof last.name[i], "%.31s", name ? name : "");
        last.said |= name != NULL;
    }
    json_decref(all);
    buffer_free(&file);
    free(path);
    return &last;
}
