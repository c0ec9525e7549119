/* open -- the cpu back end's table: the reference's operations until its own land.   kernels/cpu */
#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"

struct backend *cpu_open(int threads, struct error *e)
{
    struct backend *b = ref_open(threads, e);
    if (b)
        b->name = "cpu";
    return b;
}
