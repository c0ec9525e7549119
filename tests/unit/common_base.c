/* SPDX-License-Identifier: Apache-2.0 */
/* common_base -- failing, dying, memory and text.   tests */
#include "common/base.h"

#include "tests/unit/common_child.h"

/* (fail) in brackets is ours; without, cmocka has a macro of that name */
static void fail_writes_the_sentence(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal((fail)(&e, "weight is %g g", 0.5), -1);
    assert_string_equal(e.text, "weight is 0.5 g");
    assert_int_equal(e.code, EX_DATAERR);
    assert_int_equal(fail_as(&e, EX_IOERR, "cannot read '%s'", "x"), -1);
    assert_int_equal(e.code, EX_IOERR);
    assert_int_equal(fail_in(&e, "scan %d", 7), -1);
    assert_string_equal(e.text, "scan 7: cannot read 'x'");
    assert_int_equal(e.code, EX_IOERR);
    assert_int_equal((fail)(NULL, "nobody hears"), -1);
    assert_int_equal(fail_in(NULL, "nobody hears"), -1);
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    char *much = xalloc(3000, 1);
    memset(much, 'a', 2999);
    struct error e = {0};
    (fail)(&e, "%s", much);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    fail_in(&e, "%s", much);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    (fail)(&e, "short");
    fail_in(&e, "before");
    assert_string_equal(e.text, "before: short");
    free(much);
}

static void hook(int code, const char *sentence)
{
    printf("hook %d %s\n", code, sentence);
    die(3, "again"); /* a hook that dies must not call itself */
}

static void do_die(void *context)
{
    (void)context;
    program_name_set("petrel-test");
    die_hook(hook);
    struct error e = {0};
    fail_as(&e, EX_CONFIG, "no key");
    setvbuf(stdout, NULL, _IONBF, 0);
    die_of(&e);
}

static void do_die_plain(void *context)
{
    die(*(int *)context, "stopped %s", "here");
}

static void dying(void **state)
{
    (void)state;
    char text[500];
    assert_int_equal(child_run(do_die, NULL, text, sizeof text), 3);
    assert_string_equal(text, "petrel-test: no key\nhook 78 no key\n");
    int code = EX_SOFTWARE;
    assert_int_equal(child_run(do_die_plain, &code, text, sizeof text), EX_SOFTWARE);
    assert_says(text, ": stopped here\n");
}

static void ask_too_much(void *context)
{
    switch (*(int *)context) {
    case 0: free(xalloc(SIZE_MAX / 2, 3)); break;
    case 1: free(xresize(NULL, SIZE_MAX / 2, 4)); break;
    case 2: free(xalloc_aligned(SIZE_MAX / 16, 16)); break;
    default: {
        char small[4];
        format_into(small, sizeof small, "%s", "four");
    }
    }
}

static void memory(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        char text[500];
        assert_int_equal(child_run(ask_too_much, &i, text, sizeof text), i < 3 ? EX_OSERR : EX_SOFTWARE);
    }
    struct error e = {0};
    assert_null(try_alloc(&e, SIZE_MAX / 2, 3));
    assert_int_equal(e.code, EX_OSERR);
    void *nothing = xalloc(0, 8);
    assert_non_null(nothing);
    free(nothing);
    for (size_t count = 1; count < 40; count += 13) {
        float *numbers = xalloc_aligned(count, sizeof *numbers);
        assert_int_equal((uintptr_t)numbers % 64, 0);
        for (size_t i = 0; i < count; i++)
            assert_true(numbers[i] == 0);
        free(numbers);
    }
    struct buffer b = {.data = xalloc(3, 1), .size = 3};
    buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(b.size, 0);
    char *text = xprintf("%d-%s", 3, "x"), *copy = xstrdup(text);
    assert_string_equal(copy, "3-x");
    free(text);
    free(copy);
    char exact[5];
    format_into(exact, sizeof exact, "%s", "four");
    assert_string_equal(exact, "four");
}

static void time_and_machine(void **state)
{
    (void)state;
    double before = now_s();
    assert_true(now_s() >= before);
    assert_true(peak_memory_bytes() > 100000);
    assert_true(strlen(program_version()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_writes_the_sentence),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(dying),
        cmocka_unit_test(memory),
        cmocka_unit_test(time_and_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
