/* Streams, events and graphs of the emulated runtime.
 *
 * Queued work runs as late as the rules allow: when somebody waits for it, and then only that stream
 * and the work it waits for by events. So two streams run in order only if the program asks for it,
 * and a test sees a missing event. While a stream is captured its work goes into the graph, and
 * calls that CUDA forbids then fail and invalidate the capture, as in CUDA. */
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/emulate/emulated.h"
#include "tests/emulate/kernel.hpp"
#include "tests/emulate/stream.h"

using work = std::function<void()>;

struct emulated_graph {
    std::vector<work> node;
};

struct emulated_graph_exec {
    std::vector<work> node;
};

struct emulated_stream {
    std::deque<work> queue;
    unsigned long queued = 0, done = 0; /* pieces of work since it was made */
    emulated_graph *capture = nullptr;
    bool spoilt = false, busy = false;
};

struct emulated_event {
    emulated_stream *stream = nullptr; /* NULL: never recorded, so it has happened */
    unsigned long at = 0;
};

namespace
{

/* The machine does one thing at a time, whichever thread asks: several GPUs have one each. */
std::recursive_mutex machine;
struct hold {
    std::lock_guard<std::recursive_mutex> lock{machine};
};

std::map<const char *, size_t> pinned;
std::vector<emulated_stream *> streams;
cudaError_t last_error = cudaSuccess;

/* An error that stays is every later call's answer. */
cudaError_t alive()
{
    return emulated.lost ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t report(cudaError_t rc)
{
    if (rc != cudaSuccess)
        last_error = rc;
    return rc;
}

void run_until(emulated_stream *s, unsigned long at)
{
    while (s->done < at && !s->queue.empty()) {
        work next = std::move(s->queue.front());

        s->queue.pop_front();
        next();
        s->done++;
    }
}

void run_all()
{
    for (emulated_stream *s : streams)
        run_until(s, s->queued);
}

void enqueue(emulated_stream *s, work w)
{
    if (!s) { /* the default stream waits for all others */
        run_all();
        w();
    } else if (s->capture) {
        s->capture->node.push_back(std::move(w));
    } else {
        s->queue.push_back(std::move(w));
        s->queued++;
        if (emulated.early && s != streams.front())
            run_until(s, s->queued);
    }
}

/* Calls that a capture does not survive: true, and the capture is lost. */
bool forbidden()
{
    bool any = false;

    for (emulated_stream *s : streams)
        if (s->capture) {
            s->spoilt = true;
            any = true;
        }
    if (any)
        report(cudaErrorStreamCaptureUnsupported);
    return any;
}

bool is_pinned(const void *p)
{
    auto at = pinned.upper_bound(static_cast<const char *>(p));

    if (at == pinned.begin())
        return false;
    --at;
    return static_cast<const char *>(p) < at->first + at->second;
}

} // namespace

void emulate_launch(cudaStream_t stream, dim3 grid, dim3 block, const std::function<void()> &kernel)
{
    hold now;
    enqueue(stream, [=] { emulate_kernel(grid, block, kernel); });
}

void emulate_queue(cudaStream_t stream, void (*run)(const void *), const void *args, size_t bytes)
{
    hold now;
    auto copy = std::make_shared<std::vector<char>>(static_cast<const char *>(args),
                                                    static_cast<const char *>(args) + bytes);

    enqueue(stream, [=] { run(copy->data()); });
}

bool emulate_settle(cudaStream_t stream)
{
    hold now;
    return cudaStreamSynchronize(stream) == cudaSuccess;
}

bool emulate_is_forbidden(void)
{
    hold now;
    return forbidden();
}

void emulate_pin(void *ptr, size_t bytes)
{
    hold now;
    pinned[static_cast<const char *>(ptr)] = bytes;
}

void emulate_unpin(void *ptr)
{
    hold now;
    pinned.erase(static_cast<const char *>(ptr));
}

cudaError_t emulate_report(cudaError_t rc)
{
    hold now;
    return report(rc);
}

cudaError_t cudaGetLastError(void)
{
    hold now;
    cudaError_t rc = emulated.lost ? alive() : last_error;

    last_error = cudaSuccess;
    return rc;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    hold now;
    streams.push_back(*stream = new emulated_stream);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int)
{
    hold now;
    return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *lowest, int *highest)
{
    hold now;
    *lowest = 0;
    *highest = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    hold now;
    run_until(stream, stream->queued);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == stream)
            streams.erase(streams.begin() + static_cast<long>(i--));
    delete stream->capture;
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    hold now;
    if (forbidden())
        return cudaErrorStreamCaptureUnsupported;
    if (stream)
        run_until(stream, stream->queued);
    else
        run_all();
    return alive();
}

cudaError_t cudaDeviceSynchronize(void)
{
    hold now;
    if (forbidden())
        return cudaErrorStreamCaptureUnsupported;
    run_all();
    return alive();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    hold now;
    *event = new emulated_event;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    hold now;
    delete event;
    return cudaSuccess;
}

/* Joining streams of a capture is more than gpu/ does: it counts as an error here. */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    hold now;
    if (stream->capture) {
        stream->spoilt = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    event->stream = stream;
    event->at = stream->queued;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    hold now;
    emulated_event then = *event; /* what was recorded by now */

    if (stream->capture) {
        stream->spoilt = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    if (then.stream)
        enqueue(stream, [=] { run_until(then.stream, then.at); });
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    hold now;
    if (event->stream)
        run_until(event->stream, event->at);
    return alive();
}

/* Bytes of pageable memory are taken at once and brought back before it returns; pinned memory is
 * read and written when the copy's turn comes. */
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    hold now;
    bool host = kind != cudaMemcpyDeviceToDevice;
    bool late = !host || is_pinned(kind == cudaMemcpyHostToDevice ? src : dst);

    if (stream && stream->capture && host) { /* stricter than CUDA: the host's bytes may change */
        forbidden();
        return cudaErrorStreamCaptureUnsupported;
    }
    if (late) {
        enqueue(stream, [=] {
            if (alive() == cudaSuccess)
                std::memcpy(dst, src, bytes);
        });
        return alive();
    }
    if (stream)
        run_until(stream, stream->queued);
    if (alive() == cudaSuccess)
        std::memcpy(dst, src, bytes);
    return alive();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode)
{
    hold now;
    if (stream->capture)
        return report(cudaErrorIllegalState);
    stream->capture = new emulated_graph;
    stream->spoilt = false;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    hold now;
    *graph = nullptr;
    if (!stream->capture)
        return report(cudaErrorIllegalState);
    if (stream->spoilt)
        delete stream->capture;
    else
        *graph = stream->capture;
    stream->capture = nullptr;
    return stream->spoilt ? report(cudaErrorStreamCaptureInvalidated) : cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    hold now;
    *exec = new emulated_graph_exec{graph->node};
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    hold now;
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    hold now;
    for (const work &w : exec->node)
        enqueue(stream, w);
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    hold now;
    delete exec;
    return cudaSuccess;
}
