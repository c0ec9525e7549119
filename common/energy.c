/* SPDX-License-Identifier: Apache-2.0 */
/* energy -- joules this machine took, where it tells.   common */
#include "common/energy.h"
#include "common/file.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double JOULES = 1e-6; /* in a microjoule */

/* The number in a file of one, or NAN. */
static double number_in(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    FILE *from = fopen(path, "r");
    double value = NAN;
    if (from != NULL) {
        if (fscanf(from, "%lf", &value) != 1)
            value = NAN;
        fclose(from);
    }
    free(path);
    return value;
}

/* "intel-rapl:0" is a package, "intel-rapl:0:0" a part of one. */
static bool is_package(const char *name)
{
    const char *number = strchr(name, ':');
    if (number == NULL || strncmp(name, "intel-rapl", strlen("intel-rapl")) != 0 ||
        strncmp(name, "intel-rapl-mmio", strlen("intel-rapl-mmio")) == 0)
        return false;
    while (isdigit((unsigned char)*++number))
        ;
    return *number == '\0';
}

static double gpu_watts(void)
{
    const char *seen = getenv("CUDA_VISIBLE_DEVICES");
    char device[64] = "0";
    double watts = NAN;
    /* an index or a UUID, and nothing a shell would take for more */
    size_t length = seen != NULL ? strspn(seen, "0123456789abcdefABCDEFGPUMIG-/") : 0;
    if (length > 0 && length < sizeof device)
        format_into(device, sizeof device, "%.*s", (int)length, seen);
    char *command = xprintf("nvidia-smi -i %s --query-gpu=power.draw --format=csv,noheader,nounits 2>/dev/null", device);
    FILE *from = popen(command, "r");
    if (from != NULL) {
        if (fscanf(from, "%lf", &watts) != 1)
            watts = NAN;
        pclose(from);
    }
    free(command);
    return watts;
}

void energy_open(struct energy *n, const char *powercap, bool gpu)
{
    struct names names = {0};
    struct error ignored = {0};
    const char *root = powercap != NULL ? powercap : "/sys/class/powercap";
    *n = (struct energy){.gpu = gpu, .gpu_watts = NAN, .processors_j = NAN, .gpu_j = NAN};
    if (!dir_exists(root) || dir_list(root, &names, &ignored) < 0)
        names = (struct names){0};
    for (size_t i = 0; i < names.count && n->packages < ENERGY_PACKAGES; i++) {
        if (!is_package(names.name[i]))
            continue;
        char *path = path_join(root, names.name[i]);
        double now = number_in(path, "energy_uj");
        if (isnan(now)) {
            free(path);
            continue;
        }
        n->path[n->packages] = path;
        n->range_uj[n->packages] = number_in(path, "max_energy_range_uj");
        n->last_uj[n->packages++] = now;
        n->processors_j = 0.0;
    }
    names_free(&names);
    energy_look(n);
}

static void look(struct energy *n, bool last)
{
    for (size_t i = 0; i < n->packages; i++) {
        double now = number_in(n->path[i], "energy_uj"), more = now - n->last_uj[i];
        if (more < 0)
            more += n->range_uj[i];
        n->processors_j += JOULES * more; /* NAN from here on, should it no longer be readable */
        n->last_uj[i] = now;
    }
    if (!n->gpu || (!last && !isnan(n->gpu_watts) && now_s() - n->gpu_looked_s < ENERGY_GPU_EVERY_S))
        return;
    double watts = gpu_watts(), at = now_s();
    if (isnan(watts)) {
        n->gpu = false; /* no nvidia-smi, or it does not say */
        return;
    }
    if (isnan(n->gpu_watts))
        n->gpu_j = 0.0;
    else
        n->gpu_j += (at - n->gpu_looked_s) * (watts + n->gpu_watts) / 2.0;
    n->gpu_watts = watts;
    n->gpu_looked_s = at;
}

void energy_look(struct energy *n)
{
    look(n, false);
}

void energy_close(struct energy *n)
{
    look(n, true);
    for (size_t i = 0; i < n->packages; i++)
        free(n->path[i]);
    n->packages = 0;
}
