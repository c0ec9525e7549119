/* SPDX-License-Identifier: Apache-2.0 */
/* child -- processes of ours, kept running: started, started again when a signal kills one, asked to leave, then made to.   common
 *
 * The rules are the same wherever a process watches others: petrel-keep (a node of a pipeline), petrel-classify (its load, suv
 * and roi), petrel-pairs -j (its workers), petrel-load (its reader).
 *   - One that leaves with a code has ended.
 *   - One that a signal kills is started again after a pause: 0.1, 0.2, 0.5, 1, then 2 s while it is killed again and again;
 *     one that lived for CHILD_WELL_S begins again with the first. (An exit code above 128 is a shell's word for a signal.)
 *   - A signal of its own making (SIGSEGV and its like) CHILD_FAULTS_MAX times in a row, none of them well before: it has ended,
 *     with EX_SOFTWARE. Likewise after CHILD_RESTARTS_MAX restarts for whatever signals.
 *   - Asked to leave it gets SIGTERM; asked again, or after CHILD_PATIENCE_S, SIGKILL. It is not started again, and its code
 *     is EX_TEMPFAIL.
 *   - Should its parent die, however, it gets a signal for that.
 * The kernel ties the last to the thread that started it: start and look from one that lives as long as the children. */
#ifndef PETREL_COMMON_CHILD_H
#define PETREL_COMMON_CHILD_H
#include "common/base.h"
#include <sys/types.h>

enum { CHILD_RESTARTS_MAX = 1000, CHILD_FAULTS_MAX = 10, CHILD_WELL_S = 10, CHILD_PATIENCE_S = 60, CHILD_LOOK_MS = 20 };

/* fork; 0 in the child, which gets on_parent_death when its parent dies. Output is flushed first. -1 and a sentence. */
pid_t child_fork(int on_parent_death, struct error *e) MUST_USE;
/* Waits for one child to end, however often a signal interrupts; its status as waitpid has it. */
int child_wait(pid_t pid);
/* The signal a status of waitpid tells of; 0: it left by itself. */
int child_signal(int status);
/* Does this signal come of what the process did itself, and not from outside? */
bool child_faulted(int signal);

struct child {
    pid_t pid;  /* 0: not running at the moment */
    int signal; /* that killed it last */
    int kills, in_a_row, faults;
    double begun_s, again_s;
    bool ended;
    int code; /* once it has ended */
};
struct children {
    size_t count;
    struct child *child;                     /* [count], zeroed */
    int (*run)(void *context, size_t which); /* in the new process; its result is the exit code */
    void (*killed)(void *context, size_t which,
                   bool again); /* a signal killed it; again: it will be started again; may be NULL */
    void *context;
    int on_parent_death; /* the signal */
    int asked;           /* how often to leave */
    double asked_s;
};
int children_start(struct children *c, struct error *e) MUST_USE;
/* Without waiting: hears who ended, starts again whose pause is over. How many have not ended. Call it every CHILD_LOOK_MS or so. */
size_t children_look(struct children *c);
void children_ask(struct children *c);
/* The worst code of all that ended: a failure, then EX_TEMPFAIL, then EX_DATAERR, then EX_OK. */
int children_code(const struct children *c);
#endif
