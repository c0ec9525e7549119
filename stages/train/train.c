/* SPDX-License-Identifier: Apache-2.0 */
/* train -- what the files of this stage share: paths and signals.   [train] */
#include "stages/train/train.h"
#include "common/file.h"
#include <signal.h>

char *train_path(const struct train *t, const char *tail)
{
    char name[96];
    format_into(name, sizeof name, "%s%s", t->phase, tail);
    return path_join(t->stage_options.run, name);
}

/* ---- signals ---- */

static volatile sig_atomic_t asked;
static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

void train_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

/* stage_open has its own handlers for SIGTERM and SIGINT, and knows whether the pipeline is gone */
bool train_stop_asked(void)
{
    return asked || stage_stop_wanted();
}
