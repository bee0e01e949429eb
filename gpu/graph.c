/* Recorded operations (CUDA graphs), and limiting how far the host runs ahead.
 *
 * A graph is a stream capture: between begin and end, kernel launches are stored instead of run.
 * Kernels are stored with their arguments, so all pointers in them must stay valid:
 *   - matrices: the caller keeps them as long as the graph;
 *   - small host arrays (index[], pos[]): collected while recording, uploaded once at its end, to
 *     memory that the graph owns;
 *   - scratch buffers: an old one that a graph may use is not freed when it is replaced, but when
 *     the last graph is freed (cuda_retire()).
 * Waiting, allocating, releasing and copying end a capture with an unhelpful CUDA error. So each of
 * these calls cuda_refuse_while_capturing() first, which makes it a fault in words. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "gpu/internal.h"

enum { GRAPH_STAGE_BYTES = 1 << 20 };

struct graph {
    cudaGraphExec_t exec;
    char *stage, *stage_host;
    size_t stage_at;
};

static void graph_discard(struct cuda *self, struct graph *g)
{
    if (g->exec)
        cuda_ok(&self->base, cudaGraphExecDestroy(g->exec), "free a CUDA graph");
    cudaFree(g->stage);
    free(g->stage_host);
    free(g);
}

void cuda_graph_begin(struct device *dev)
{
    struct cuda *self = cuda_of(dev);
    struct graph *g;

    if (cuda_refuse_while_capturing(dev, "another capture"))
        return;
    g = xcalloc(1, sizeof(*g));
    g->stage_host = xmalloc(GRAPH_STAGE_BYTES);
    if (cuda_ok(dev, cudaMalloc((void **)&g->stage, GRAPH_STAGE_BYTES), "allocate memory") &&
        cuda_ok(dev, cudaStreamBeginCapture(self->stream, cudaStreamCaptureModeThreadLocal),
                "capture a CUDA graph"))
        self->graph = g;
    else
        graph_discard(self, g);
}

bool cuda_refuse_while_capturing(struct device *dev, const char *what)
{
    if (!cuda_of(dev)->graph)
        return false;
    if (!dev->fault.kind)
        err_set(&dev->fault, ERR_DEVICE, "%s is not possible while a CUDA graph is captured", what);
    return true;
}

const void *cuda_graph_stage(struct device *dev, const void *host, size_t bytes)
{
    struct graph *g = cuda_of(dev)->graph;
    size_t at = g->stage_at;

    if (bytes > GRAPH_STAGE_BYTES - at) {
        err_set(&dev->fault, ERR_LIMIT,
                "the index arrays of a CUDA graph are too large; at most %d bytes",
                GRAPH_STAGE_BYTES);
        return NULL;
    }
    memcpy(g->stage_host + at, host, bytes);
    g->stage_at = at + (bytes + 255) / 256 * 256;
    if (g->stage_at > GRAPH_STAGE_BYTES)
        g->stage_at = GRAPH_STAGE_BYTES;
    return g->stage + at;
}

/* After any fault the capture is discarded; the first fault says why. */
void *cuda_graph_end(struct device *dev)
{
    struct cuda *self = cuda_of(dev);
    struct graph *g = self->graph;
    cudaGraph_t graph = NULL;
    bool ok;

    if (!g)
        return NULL;
    self->graph = NULL;
    ok = cuda_ok(dev, cudaStreamEndCapture(self->stream, &graph), "capture a CUDA graph") &&
         cuda_ok(dev, cudaGetLastError(), "capture a CUDA graph") && !dev->fault.kind &&
         cuda_ok(dev, cudaGraphInstantiate(&g->exec, graph, 0), "capture a CUDA graph") &&
         cuda_ok(dev,
                 cudaMemcpyAsync(g->stage, g->stage_host, g->stage_at, cudaMemcpyHostToDevice,
                                 self->stream),
                 "upload");
    if (graph)
        cudaGraphDestroy(graph);
    if (ok) {
        self->graphs++;
        return g;
    }
    cudaGetLastError(); /* clears CUDA's error: it is in the fault already */
    graph_discard(self, g);
    if (!self->graphs)
        cuda_retired_free(self);
    return NULL;
}

void cuda_graph_launch(struct device *dev, void *graph)
{
    struct graph *g = graph;

    if (cuda_refuse_while_capturing(dev, "launching a CUDA graph"))
        return;
    cuda_of(dev)->lps.values = NULL; /* the graph may overwrite SCRATCH_TERMS */
    cuda_ok(dev, cudaGraphLaunch(g->exec, cuda_of(dev)->stream), "launch a CUDA graph");
}

void cuda_graph_free(struct device *dev, void *graph)
{
    struct cuda *self = cuda_of(dev);

    if (cuda_refuse_while_capturing(dev, "freeing a CUDA graph"))
        return;
    cuda_ok(dev, cudaStreamSynchronize(self->stream), "synchronize");
    graph_discard(self, graph);
    if (!--self->graphs)
        cuda_retired_free(self);
}

void cuda_retire(struct cuda *self, void *ptr)
{
    self->retired =
        xrealloc(self->retired, (size_t)(self->retired_count + 1) * sizeof(*self->retired));
    self->retired[self->retired_count++] = ptr;
}

void cuda_retired_free(struct cuda *self)
{
    for (int i = 0; i < self->retired_count; i++)
        cudaFree(self->retired[i]);
    free(self->retired);
    self->retired = NULL;
    self->retired_count = 0;
}

/* Call n records event n of a ring, and waits for event n - ahead. */
void cuda_throttle(struct device *dev, int ahead)
{
    struct cuda *self = cuda_of(dev);
    unsigned long n = self->throttled;

    if (dev->fault.kind || cuda_refuse_while_capturing(dev, "waiting"))
        return;
    ahead = ahead < 0 ? 0 : ahead < THROTTLES ? ahead : THROTTLES - 1;
    if (!self->throttle[n % THROTTLES] &&
        !cuda_ok(dev,
                 cudaEventCreateWithFlags(&self->throttle[n % THROTTLES], cudaEventDisableTiming),
                 "create an event"))
        return;
    if (!cuda_ok(dev, cudaEventRecord(self->throttle[n % THROTTLES], self->stream),
                 "record an event"))
        return;
    self->throttled++;
    if (n >= (unsigned long)ahead)
        cuda_ok(dev, cudaEventSynchronize(self->throttle[(n - (unsigned long)ahead) % THROTTLES]),
                "synchronize");
}
