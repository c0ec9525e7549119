/* SPDX-License-Identifier: Apache-2.0 */
/* fibers -- a block's threads take turns on one processor; a launch is all its blocks.   tests/emu */
#include "cuda_runtime.h"

#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 128 << 10, MOST = 1024, WARP = 32 };

struct emu_index emu_now;
#ifndef __SANITIZE_ADDRESS__
static thread_local float shared_memory_begins_somewhere; /* so that the module has such memory */
#endif

struct fiber {
    void *stack, *at; /* at: where it stopped */
    enum emu_wait wait;
    const void *where;
    dim3 thread;
    uint64_t slot;
};
static struct fiber fiber[MOST];
static void *scheduler; /* where it stopped */
static unsigned current, count;
static const std::function<void()> *body;
static const char *kernel_name;
static uint64_t state;

static void wrong(const char *what)
{
    fprintf(stderr, "emulator: kernel '%s', block %u,%u,%u: %s\n", kernel_name, emu_now.block.x, emu_now.block.y,
            emu_now.block.z, what);
    abort();
}

void emu_seed(void)
{
    const char *seed = getenv("PETREL_EMU_SEED");
    state = 0x9e3779b97f4a7c15u ^ (seed ? strtoull(seed, NULL, 10) * 0xbf58476d1ce4e5b9u : 0);
}

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* i-th of n in an order given by two random numbers: n consecutive i visit each once. */
struct order {
    uint64_t start, step, n;
};
static struct order order_of(uint64_t n)
{
    uint64_t step = random_next() % n | 1, a, b;
    for (;; step += 2) { /* coprime to n */
        for (a = n, b = step % n; b;) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1 || n == 1)
            return {random_next() % n, step % n, n};
    }
}
static uint64_t of(const struct order *o, uint64_t i)
{
    return (o->start + i * o->step) % o->n;
}

/* ---- one stack for another ---- */

#ifdef __x86_64__
/* What the caller expects kept goes on its stack; the rest it has saved itself. */
extern "C" void emu_switch(void **from, void *to);
asm(".text\n.globl emu_switch\n.hidden emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
    ".size emu_switch,.-emu_switch\n");
static void fiber_runs(void);
static void *fresh(void *stack)
{
    void **top = (void **)((char *)stack + STACK) - 1; /* a function begins 8 bytes off 16, after its return address */
    *--top = (void *)fiber_runs;
    top -= 6;
    memset(top, 0, 6 * sizeof *top);
    return top;
}
#else
static void fiber_runs(void);
static ucontext_t context[MOST + 1];
static void emu_switch(void **from, void *to)
{
    swapcontext((ucontext_t *)*from, (ucontext_t *)to);
}
static void *fresh(void *stack)
{
    ucontext_t *c = &context[current];
    getcontext(c);
    c->uc_stack.ss_sp = stack;
    c->uc_stack.ss_size = STACK;
    makecontext(c, fiber_runs, 0);
    return c;
}
#define UCONTEXT
#endif

/* Onto the stack [bottom, bottom + size), as AddressSanitizer must be told. */
static void onto(void **from, void *to, const void *bottom, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    void *fake;
    __sanitizer_start_switch_fiber(&fake, bottom, size);
#else
    (void)bottom, (void)size;
#endif
    emu_switch(from, to);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
}

static void *own_stack; /* the scheduler's: the thread's */
static size_t own_size;

static void back_to_scheduler(void)
{
#ifdef UCONTEXT
    fiber[current].at = &context[current];
#endif
    onto(&fiber[current].at, scheduler, own_stack, own_size);
}

static void fiber_runs(void)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
    for (;;) {
        (*body)();
        fiber[current].wait = EMU_DONE;
        back_to_scheduler();
    }
}

static void run_fiber(unsigned i)
{
    struct fiber *f = &fiber[i];
    current = i;
    emu_now.thread = f->thread;
    if (!f->stack) {
        f->stack = mmap(NULL, STACK + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (f->stack == MAP_FAILED)
            wrong("no memory for a stack");
        mprotect(f->stack, 4096, PROT_NONE);
        f->stack = (char *)f->stack + 4096;
        f->at = fresh(f->stack);
    }
#ifdef UCONTEXT
    scheduler = &context[MOST];
#endif
    if (!own_size) {
        pthread_attr_t a;
        pthread_getattr_np(pthread_self(), &a);
        pthread_attr_getstack(&a, &own_stack, &own_size);
        pthread_attr_destroy(&a);
    }
    onto(&scheduler, f->at, f->stack, STACK);
}

/* ---- barriers ---- */

void emu_barrier(enum emu_wait kind, const void *where)
{
    fiber[current].wait = kind;
    fiber[current].where = where;
    back_to_scheduler();
}

unsigned emu_lane(void)
{
    return current % WARP;
}

uint64_t emu_exchange(uint64_t mine, unsigned lane, const void *where)
{
    unsigned from = current / WARP * WARP + lane % WARP;
    fiber[current].slot = mine;
    emu_barrier(EMU_WARP, where);
    if (from >= count)
        wrong("a shuffle from a lane that the block has not");
    uint64_t got = fiber[from].slot;
    emu_barrier(EMU_WARP, where); /* nobody writes the next before all have read this */
    return got;
}

/* Lets go those of [from, past) who all wait for each other. */
static bool release(enum emu_wait kind, unsigned from, unsigned past)
{
    unsigned waiting = 0, done = 0;
    const void *where = NULL;
    for (unsigned i = from; i < past; i++) {
        if (fiber[i].wait == kind) {
            if (waiting && fiber[i].where != where)
                wrong("threads wait at two different barriers");
            where = fiber[i].where;
            waiting++;
        }
        done += fiber[i].wait == EMU_DONE;
    }
    if (!waiting || waiting + done < past - from)
        return false;
    if (done)
        wrong("some threads wait at a barrier or shuffle, and others have left the kernel");
    for (unsigned i = from; i < past; i++)
        fiber[i].wait = EMU_RUNS;
    return true;
}

static void run_block(void)
{
    for (unsigned i = 0; i < count; i++)
        fiber[i].wait = EMU_RUNS;
    for (;;) {
        struct order o = order_of(count);
        for (unsigned i = 0; i < count; i++) {
            unsigned k = (unsigned)of(&o, i);
            if (fiber[k].wait == EMU_RUNS)
                run_fiber(k);
        }
        bool goes_on = false;
        for (unsigned w = 0; w < count; w += WARP)
            goes_on |= release(EMU_WARP, w, w + WARP < count ? w + WARP : count);
        if (goes_on)
            continue;
        if (release(EMU_BLOCK, 0, count))
            continue;
        for (unsigned i = 0; i < count; i++)
            if (fiber[i].wait != EMU_DONE)
                wrong("threads wait for others that never come");
        return;
    }
}

/* ---- shared memory: this module's thread-local storage ---- */

static int find_storage(struct dl_phdr_info *info, size_t, void *to)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t here = (uintptr_t)&find_storage;
        if (p->p_type == PT_LOAD && here >= info->dlpi_addr + p->p_vaddr &&
            here < info->dlpi_addr + p->p_vaddr + p->p_memsz)
            for (int k = 0; k < info->dlpi_phnum; k++)
                if (info->dlpi_phdr[k].p_type == PT_TLS && info->dlpi_tls_data) {
                    ((void **)to)[0] = info->dlpi_tls_data;
                    ((size_t *)to)[1] = info->dlpi_phdr[k].p_memsz;
                    return 1;
                }
    }
    return 0;
}

static void poison_shared(void)
{
#ifndef __SANITIZE_ADDRESS__
    static struct {
        void *at;
        size_t bytes;
    } storage;
    if (!storage.at) {
        *(volatile float *)&shared_memory_begins_somewhere = 0;
        if (!dl_iterate_phdr(find_storage, &storage))
            wrong("its shared memory cannot be found");
    }
    memset(storage.at, 0xff, storage.bytes);
#endif
}

static void run_grid(const char *name, dim3 blocks, dim3 threads, const std::function<void()> &kernel)
{
    kernel_name = name;
    body = &kernel;
    count = threads.x * threads.y * threads.z;
    emu_now.block_size = threads;
    emu_now.grid_size = blocks;
    for (unsigned i = 0; i < count; i++)
        fiber[i].thread = dim3(i % threads.x, i / threads.x % threads.y, i / threads.x / threads.y);
    uint64_t all = (uint64_t)blocks.x * blocks.y * blocks.z;
    struct order o = order_of(all);
    for (uint64_t i = 0; i < all; i++) {
        uint64_t k = of(&o, i);
        emu_now.block =
            dim3((unsigned)(k % blocks.x), (unsigned)(k / blocks.x % blocks.y), (unsigned)(k / blocks.x / blocks.y));
        poison_shared();
        run_block();
    }
}

void emu_launch(cudaStream_t stream, const char *name, dim3 blocks, dim3 threads, std::function<void()> kernel)
{
    kernel_name = name;
    if (!blocks.x || !blocks.y || !blocks.z || blocks.x > 0x7fffffff || blocks.y > 65535 || blocks.z > 65535)
        wrong("a grid of no blocks, or of too many");
    if (!threads.x || !threads.y || !threads.z || threads.x * threads.y * threads.z > MOST || threads.z > 64)
        wrong("a block of no threads, or of too many");
    emu_enqueue(stream, [=]() { run_grid(name, blocks, threads, kernel); });
}
