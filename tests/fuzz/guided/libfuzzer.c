/* SPDX-License-Identifier: Apache-2.0 */
/* libfuzzer -- the parsers of foreign files under LLVM's libFuzzer, guided by coverage, with address and undefined-behaviour sanitizers.
 *
 *     make fuzz [SECONDS=60] [TARGETS="nifti dicom ..."]          (tests/fuzz/guided/run.sh; needs clang)
 *
 * PETREL_FUZZ names the target (tests/fuzz/targets.h). A file that kills a parser is left as crash-..., and belongs, named
 * TARGET-anything, into tests/fuzz/regressions/, which the tests go through. */
#include "tests/fuzz/targets.h"

static const struct target *target;
static char path[128];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void leave(void)
{
    char *dir = path_parent(path);
    dir_remove(dir);
    free(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *name = getenv("PETREL_FUZZ");
    for (size_t t = 0; t < COUNT_OF(targets); t++)
        if (name && strcmp(targets[t].name, name) == 0)
            target = &targets[t];
    char dir[] = "/dev/shm/petrel-fuzz.XXXXXX";
    if (!target || !mkdtemp(dir))
        die(EX_USAGE, "PETREL_FUZZ names no target, or there is no /dev/shm");
    format_into(path, sizeof path, "%s/%s", dir, target->file);
    (void)target->seed(path, 0); /* what lies beside the file that is parsed */
    atexit(leave);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; target->paths && i < size; i++)
        if (data[i] == '/') /* a name of a file that is not ours */
            return -1;
    write_or_die(path, data, size);
    target->parse(path);
    return 0;
}
