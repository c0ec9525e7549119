/* SPDX-License-Identifier: Apache-2.0 */
/* base64 -- bytes as letters, for pictures inside a page.   [base64] -> eval, classify */
#include "stages/base64.h"
#include <string.h>

char *base64_of(const char *prefix, const void *data, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = data;
    size_t begun = strlen(prefix);
    char *text = xalloc(begun + (size + 2) / 3 * 4 + 1, 1), *to = text + begun;
    memcpy(text, prefix, begun);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t v = (uint32_t)from[i] << 16;
        v |= i + 1 < size ? (uint32_t)from[i + 1] << 8 : 0;
        v |= i + 2 < size ? from[i + 2] : 0;
        *to++ = letters[v >> 18];
        *to++ = letters[v >> 12 & 63];
        *to++ = i + 1 < size ? letters[v >> 6 & 63] : '=';
        *to++ = i + 2 < size ? letters[v & 63] : '=';
    }
    return text;
}
