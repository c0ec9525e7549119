/* SPDX-License-Identifier: Apache-2.0 */
/* hash -- patients without their names: a salted hash in place of every id.   scan -> [hash] */
#include "stages/load/load.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

void hash_name(const char *salt, const char *id, char name[13])
{
    char *both = xprintf("%s%s", salt, id), hex[65];
    bytes_sha256(both, strlen(both), hex);
    memcpy(name, hex, 12);
    name[12] = '\0';
    free(both);
}

static int salt_make(const char *path, struct error *e)
{
    unsigned char random[32];
    char hex[65];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return fail_as(e, EX_OSERR, "cannot make a salt for patient hashes: %s", strerror(errno));
    for (size_t i = 0; i < sizeof random; i++)
        format_into(hex + 2 * i, 3, "%02x", random[i]);
    /* two programs may both find no salt: publication is atomic, and the one read back below is the one that stayed */
    mode_t before = umask(0077);
    int rc = publish_bytes(path, hex, 64, e);
    umask(before);
    return rc;
}

int hash_salt(char salt[65], struct error *e)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if ((!config || !*config) && (!home || !*home))
        return fail_as(e, EX_CONFIG, "no place for the salt of patient hashes: HOME is not set; give --salt TEXT");
    char *dir = config && *config ? xprintf("%s/petrel", config) : xprintf("%s/.config/petrel", home);
    char *path = path_join(dir, "salt");
    struct buffer text = {0};
    int rc = dir_make(dir, e);
    if (rc == 0 && !file_exists(path))
        rc = salt_make(path, e);
    if (rc == 0)
        rc = file_read(path, 4096, &text, e);
    if (rc == 0) {
        while (text.size && text.data[text.size - 1] <= ' ')
            text.size--;
        if (text.size == 64) {
            memcpy(salt, text.data, 64);
            salt[64] = '\0';
        } else {
            rc = fail_as(e, EX_CONFIG,
                         "bad salt in '%s': %zu characters, 64 wanted; delete it and patients get new names", path,
                         text.size);
        }
    }
    buffer_free(&text);
    free(path);
    free(dir);
    return rc;
}
