/* SPDX-License-Identifier: Apache-2.0 */
/* runtime -- streams are queues that run when somebody waits for them; device memory ends at a forbidden page.   tests/emu */
#include "cuda_runtime.h"
#include "cudnn.h"

#include <map>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

typedef std::vector<std::function<void()>> works;
struct emu_stream {
    works queue;
    uint64_t given, done; /* of all that was ever put in the queue */
    struct emu_graph *captures;
};
struct emu_event {
    cudaStream_t stream;
    uint64_t mark;
};
struct emu_graph {
    works node;
};

static std::vector<cudaStream_t> streams;
static std::map<void *, size_t> blocks; /* device memory: start, and bytes of the mapping's usable part */
static unsigned capturing;
static size_t device_bytes, device_most = (size_t)4 << 30;

static void wrong(const char *what, const char *name)
{
    fprintf(stderr, "emulator: %s '%s'\n", what, name);
    abort();
}

void emu_calls(const char *name)
{
    if (capturing)
        wrong("a step that is recorded calls", name);
}

static void run_to(cudaStream_t s, uint64_t mark)
{
    while (s->done < mark) {
        size_t behind = (size_t)(s->given - s->done);
        auto work = std::move(s->queue[s->queue.size() - behind]);
        s->done++;
        work();
    }
    if (s->done == s->given)
        s->queue.clear();
}

void emu_enqueue(cudaStream_t stream, std::function<void()> work)
{
    if (!stream)
        wrong("work for the default stream, which waits for nobody:", "use the back end's stream");
    if (stream->captures) {
        stream->captures->node.push_back(std::move(work));
        return;
    }
    stream->queue.push_back(std::move(work));
    stream->given++;
}

extern "C" {
const char *cudaGetErrorString(cudaError_t code)
{
    return code == cudaSuccess ? "no error" : code == cudaErrorMemoryAllocation ? "out of memory" : "emulated error";
}
const char *cudaGetErrorName(cudaError_t code)
{
    return code == cudaSuccess ? "cudaSuccess" : "cudaErrorEmulated";
}
cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

/* what a test wants the machine to have: PETREL_EMU_DRIVER, _DEVICES, _CUDNN, _MIB, _CAPABILITY, _BUSY */
static int wished(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}
cudaError_t cudaDriverGetVersion(int *version)
{
    *version = wished("PETREL_EMU_DRIVER", 13000);
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int *count)
{
    *count = wished("PETREL_EMU_DEVICES", 1);
    return *count ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int)
{
    emu_calls("cudaSetDevice");
    emu_seed();
    return wished("PETREL_EMU_BUSY", 0) ? cudaErrorDevicesUnavailable : cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int)
{
    *p = cudaDeviceProp();
    int capability = wished("PETREL_EMU_CAPABILITY", 86);
    snprintf(p->name, sizeof p->name, "no GPU: kernels emulated on the CPU");
    device_most = (size_t)wished("PETREL_EMU_MIB", 4096) << 20;
    p->totalGlobalMem = device_most;
    p->major = capability / 10;
    p->minor = capability % 10;
    p->multiProcessorCount = 1; /* few blocks, so that kernels' loops go round more than once */
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *left, size_t *all)
{
    *all = device_most;
    *left = device_most - device_bytes;
    return cudaSuccess;
}

/* Between two pages that may not be touched, its end at the second (but for alignment to 16, as a GPU's vectors want). */
cudaError_t emu_malloc(void **memory, size_t bytes)
{
    emu_calls("cudaMalloc");
    if (device_bytes + bytes > device_most)
        return cudaErrorMemoryAllocation;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + 15) / 16 * 16, whole = (size + page - 1) / page * page;
    char *all = (char *)mmap(NULL, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, whole, PROT_READ | PROT_WRITE))
        return cudaErrorMemoryAllocation;
    *memory = all + page + (whole - size);
    memset(*memory, 0xff, size);
    blocks[*memory] = size;
    device_bytes += size;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    if (!memory)
        return cudaSuccess;
    emu_calls("cudaFree");
    cudaDeviceSynchronize();
    auto b = blocks.find(memory);
    if (b == blocks.end())
        wrong("memory freed that is not the device's, or freed twice:", "cudaFree");
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (b->second + page - 1) / page * page;
    munmap((char *)memory + b->second - whole - page, whole + 2 * page);
    device_bytes -= b->second;
    blocks.erase(b);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    emu_calls("cudaMallocHost");
    *memory = malloc(bytes);
    if (*memory)
        memset(*memory, 0xff, bytes);
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeHost(void *memory)
{
    emu_calls("cudaFreeHost");
    cudaDeviceSynchronize();
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream)
{
    emu_enqueue(stream, [=]() { memmove(to, from, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream)
{
    emu_enqueue(stream, [=]() { memset(to, byte, bytes); });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    if (flags != cudaStreamNonBlocking)
        wrong("a stream that waits for the default one:", "cudaStreamCreateWithFlags");
    *stream = new emu_stream();
    streams.push_back(*stream);
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    run_to(stream, stream->given);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == stream)
            streams.erase(streams.begin() + (long)i);
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    emu_calls("cudaStreamSynchronize");
    run_to(stream, stream->given);
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize(void)
{
    emu_calls("cudaDeviceSynchronize");
    for (auto s : streams)
        run_to(s, s->given);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new emu_event();
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    emu_calls("cudaEventRecord"); /* it could be, but nothing here does */
    *event = {stream, stream->given};
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    emu_calls("cudaEventSynchronize");
    if (event->stream)
        run_to(event->stream, event->mark);
    return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    emu_calls("cudaStreamWaitEvent");
    cudaStream_t other = event->stream;
    uint64_t mark = event->mark;
    if (other)
        emu_enqueue(stream, [=]() { run_to(other, mark); });
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (stream->captures)
        wrong("captured already:", "cudaStreamBeginCapture");
    stream->captures = new emu_graph();
    capturing++;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = stream->captures;
    stream->captures = NULL;
    capturing--;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph, unsigned long long)
{
    *ready = new emu_graph(*graph);
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    for (const auto &work : graph->node)
        emu_enqueue(stream, work);
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    delete graph;
    return cudaSuccess;
}

/* cuDNN's handle */
size_t cudnnGetVersion(void)
{
    return (size_t)wished("PETREL_EMU_CUDNN", 91900);
}
cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    *handle = (cudnnHandle_t)malloc(1);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    free(handle);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t)
{
    return CUDNN_STATUS_SUCCESS;
}
const char *cudnnGetErrorString(cudnnStatus_t)
{
    return "emulated error";
}
}
