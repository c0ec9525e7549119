/* upstream -- load, suv and roi as children of this very program.   [upstream] -> classify */
#include "stages/classify/upstream.h"
#include "common/file.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MOST = 16 };

static int start(const char *program, char *const word[], struct error *e)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return fail_as(e, EX_OSERR, "cannot find my own folder: %s", strerror(errno));
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    char *path = path_join(self, program);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execv(path, word);
        fprintf(stderr, "petrel-classify: cannot start '%s': %s\n", path, strerror(errno));
        _exit(EX_UNAVAILABLE);
    }
    free(path);
    return pid > 0 ? 0 : fail_as(e, EX_OSERR, "cannot start %s: %s", program, strerror(errno));
}

int upstream_start(struct upstream *u, char **scan, size_t scans, const char *settings, struct error *e)
{
    const char *tmp = getenv("TMPDIR");
    format_into(u->run_dir, sizeof u->run_dir, "%.40s/petrel-XXXXXX", tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(u->run_dir) == NULL)
        return fail_as(e, EX_CANTCREAT, "cannot make a run directory in '%s': %s", u->run_dir, strerror(errno));
    format_into(u->recipe, sizeof u->recipe, "%s/recipe.conf", u->run_dir);
    if (publish_bytes(u->recipe, settings, strlen(settings), e) < 0)
        return -1;
    char **load = xalloc(scans + WORDS_MOST, sizeof *load);
    char *first[] = {"petrel-load", "--quiet", "--run", u->run_dir, "--channel-out", "volumes"};
    memcpy(load, first, sizeof first);
    memcpy(load + COUNT_OF(first), scan, scans * sizeof *scan);
    char *suv[] = {"petrel-suv", "--quiet", "--run", u->run_dir, "--in", "volumes", "--out", "suv", NULL};
    char *roi[] = {"petrel-roi", "--quiet", "--run", u->run_dir, "--in", "suv", "--out", "regions", "--recipe", u->recipe, NULL};
    int rc = start("petrel-load", load, e);
    if (rc == 0)
        rc = start("petrel-suv", suv, e);
    if (rc == 0)
        rc = start("petrel-roi", roi, e);
    free(load);
    return rc;
}

int upstream_end(struct upstream *u)
{
    int worst = EX_OK;
    for (int status; wait(&status) > 0 || errno == EINTR;) {
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
        if (code != EX_OK && worst != EX_OK ? worst == EX_DATAERR : code != EX_OK)
            worst = code; /* a failure is worse than a refusal */
    }
    dir_remove(u->run_dir);
    return worst;
}
