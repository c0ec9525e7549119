/* SPDX-License-Identifier: Apache-2.0 */
/* load_charset -- text by SpecificCharacterSet: each repertoire there is (bytes as pydicom 3.0.2 writes them, but for ISO_IR 203, which it
 * does not know), what files do wrong, and UTF-8 whatever comes. */
#include "common/rng.h"
#include "common/utf8.h"
#include "stages/load/charset.h"
#include "stages/load/load.h"
#include "stages/sandbox.h"
#include "tests/unit/common_child.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *charset, *bytes, *text;
} cases[] = {
    {"", "plain", "plain"},
    {"ISO_IR 6", "plain", "plain"},
    {"ISO_IR 100", "L\344sion gr\366\337e", "Läsion größe"},
    {"ISO_IR 101", "Guz p\263uca", "Guz płuca"},
    {"ISO_IR 144", "\276\337\343\345\336\333\354", "Опухоль"},
    {"ISO_IR 127", "\350\321\345", "ورم"},
    {"ISO_IR 126", "\274\343\352\357\362", "Όγκος"},
    {"ISO_IR 138", "\342\351\343\345\354", "גידול"},
    {"ISO_IR 148", "T\374m\366r \375\360", "Tümör ığ"},
    {"ISO_IR 166", "\340\271\327\351\315\247\315\241", "เนื้องอก"},
    {"ISO_IR 203", "\275uf \244", "œuf €"},
    {"ISO_IR 13", "\324\317\300\336", "ﾔﾏﾀﾞ"},
    {"ISO_IR 192", "\350\202\277\347\230\244 \303\244", "肿瘤 ä"},
    {"GB18030", "\326\327\301\366", "肿瘤"},
    {"GBK", "\326\327\301\366", "肿瘤"},
    {"\\ISO 2022 IR 87", "\033$B;3ED<pag\033(B", "山田腫瘍"},
    {"\\ISO 2022 IR 87", "a \033$B;3\033(B b", "a 山 b"},
    {"\\ISO 2022 IR 87\\ISO 2022 IR 159", "\033$B<pag\033$(D0!\033(B", "腫瘍丂"},
    {"ISO 2022 IR 13\\ISO 2022 IR 87", "\324\317\300\336 \033$B;3ED\033(J x", "ﾔﾏﾀﾞ 山田 x"},
    {"\\ISO 2022 IR 149", "\033$)C\301\276\276\347", "종양"},
    {"\\ISO 2022 IR 58", "\033$)A\326\327\301\366", "肿瘤"},
    {"ISO 2022 IR 100\\ISO 2022 IR 126", "L\344 \033-F\274\343\352\357\362", "Lä Όγκος"},
    /* no switch, though it takes one */
    {"\\ISO 2022 IR 58", "\326\327\301\366", "肿瘤"},
    {"ISO 2022 IR 6\\ISO 2022 IR 100", "L\344sion", "Läsion"},
    /* says nothing, or what it is not */
    {"", "L\344sion", "Läsion"},
    {"", "L\303\244sion", "Läsion"},
    {"ISO_IR 192", "L\344sion", "Läsion"},
    {"ISO_IR 4711", "L\344sion", "Läsion"},
    /* lines and escapes break no message */
    {"ISO_IR 100", "a\r\nb\tc", "a  b c"},
    {"", "x\033[31mred", "x [31mred"},
};

static void check_all(void)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[200];
        charset_text(cases[i].charset, cases[i].bytes, text, sizeof text);
        if (strcmp(text, cases[i].text) != 0)
            printf("case %zu (%s): '%s', not '%s'\n", i, cases[i].charset, text, cases[i].text);
    }
}

static void repertoires(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[200];
        charset_text(cases[i].charset, cases[i].bytes, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void locked_in(void *context)
{
    (void)context;
    struct error e = {0};
    charset_start();
    if (sandbox_enter(&e) < 0)
        puts(e.text);
    check_all();
    puts("done");
}

/* What iconv loads was loaded before. */
static void within_the_sandbox(void **state)
{
    (void)state;
    char said[4000];
    assert_int_equal(child_run(locked_in, NULL, said, sizeof said), 0);
    if (strstr(said, "does not permit seccomp")) {
        print_message("# skipped: %s", said);
        skip();
    }
    assert_string_equal(said, "done\n");
}

/* Whatever bytes, sizes and repertoires: UTF-8, whole characters, within its room. */
static void always_utf8(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        char bytes[40], text[41];
        struct rng r = rng_make(7, 0, n);
        size_t const length = rng_below(&r, sizeof bytes), size = 1 + rng_below(&r, sizeof text - 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = rng_below(&r, 6) ? (char)(1 + rng_below(&r, 255)) : "\033$()BDICA-"[rng_below(&r, 10)];
        bytes[length < sizeof bytes ? length : sizeof bytes - 1] = '\0';
        memset(text, 'x', sizeof text);
        charset_text(cases[rng_below(&r, COUNT_OF(cases))].charset, bytes, text, size);
        assert_true(strlen(text) < size);
        assert_true(utf8_valid(text));
        for (const char *c = text; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

static void cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
        size_t size;
    } texts[] = {
        {"a\344b", "a\\xe4b", 20},
        {"\303\244\360\237\230\200", "\303\244\360\237\230\200", 20},
        {"\300\200", "\\xc0\\x80", 20},
        {"\355\240\200", "\\xed\\xa0\\x80", 20}, /* half of a pair */
        {"\364\220\200\200", "\\xf4\\x90\\x80\\x80", 20},
        {"ab\303", "ab", 4}, /* cut off there */
        {"\344\344\344", "\\xe4\\x", 7},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char text[40];
        strcpy(text, texts[i].bytes);
        utf8_clean(text, texts[i].size);
        assert_string_equal(text, texts[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(repertoires), cmocka_unit_test(within_the_sandbox),
                                       cmocka_unit_test(always_utf8), cmocka_unit_test(cleaned)};
    return cmocka_run_group_tests_name("load_charset", tests, NULL, NULL);
}
