/* SPDX-License-Identifier: Apache-2.0 */
/* uid -- DICOM unique identifiers derived from what they name.   common */
#include "common/uid.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum { UUID_BYTES = 16, DIGITS = 39 }; /* 2^128 has 39 digits */

/* Divides the number, highest byte first, by ten in place; the remainder. */
static unsigned tenth(uint8_t number[UUID_BYTES])
{
    unsigned rest = 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        rest = rest << 8 | number[i];
        number[i] = (uint8_t)(rest / 10);
        rest %= 10;
    }
    return rest;
}

void uid_derive(const char *text, char uid[UID_SIZE])
{
    char hex[65], digit[DIGITS + 1] = "";
    uint8_t uuid[UUID_BYTES];
    bytes_sha256(text, strlen(text), hex);
    for (size_t i = 0; i < UUID_BYTES; i++)
        uuid[i] = (uint8_t)strtoul((char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    for (size_t i = DIGITS; i-- > 0;)
        digit[i] = (char)('0' + tenth(uuid));
    format_into(uid, UID_SIZE, "2.25.%s", digit + strspn(digit, "0"));
}
