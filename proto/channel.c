/* SPDX-License-Identifier: Apache-2.0 */
/* channel -- defaults of both ends, and the thread each has.   proto */
#include "proto/channel_internal.h"

#include <signal.h>

void channel_defaults(struct channel_options *o)
{
    *o = (struct channel_options){
        .transport = "ipc",
        .credits = 2,
        .window = 4,
        .heartbeat_s = 1,
        .silence_s = 6,
        .max_message = (uint64_t)2 << 30,
    };
}

void channel_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(thread, NULL, run, argument))
        die(EX_OSERR, "cannot start a thread for a channel");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
