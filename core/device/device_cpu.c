/* The CPU device, the reference for all others: its table, its memory and its scratch buffers. The
 * operations are in cpu_*.c: OpenBLAS and LAPACK where they are fast, own loops where an operation
 * reads memory only once. */
#include "core/device/device.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/device/cpu.h"

/* Allocations from this size on use mmap(): zeroed pages, returned to the system at once, and huge
 * pages if possible. */
#define LARGE ((size_t)1 << 21)

static int cpu_count(void)
{
    return 1;
}

static enum device_presence cpu_check(int index, struct err *err)
{
    (void)index;
    (void)err;
    return DEVICE_READY;
}

static void cpu_close(struct device *dev)
{
    struct cpu *cpu = (struct cpu *)dev;

    if (!cpu)
        return;
    for (int i = 0; cpu->scratch && i < dev->threads; i++)
        free(cpu->scratch[i]);
    free(cpu->scratch);
    free(cpu->shared);
    cpu_pool_close(cpu->pool);
    free(cpu);
}

/* threads 0: one for each processor. */
static struct device *cpu_open(int index, int threads, struct err *err)
{
    struct cpu *cpu = xcalloc(1, sizeof(*cpu));
    long found = sysconf(_SC_NPROCESSORS_ONLN);

    (void)index;
    cpu->dev.threads = threads > 0 ? threads : found > 0 ? (int)found : 1;
    cpu->scratch = xcalloc((size_t)cpu->dev.threads, sizeof(*cpu->scratch));
    cpu->pool = cpu_pool_open(cpu->dev.threads, err);
    if (!cpu->pool) {
        cpu_close(&cpu->dev);
        return NULL;
    }
    cpu->loops = cpu_loops();
    cpu_blas_start();
    return &cpu->dev;
}

/* The number after `word` at the beginning of a line of a kernel file; SIZE_MAX: not found. */
static size_t kernel_number(const char *path, const char *word)
{
    FILE *file = fopen(path, "re");
    char line[128];
    size_t value, found = SIZE_MAX, n = strlen(word);

    while (file && found == SIZE_MAX && fgets(line, sizeof(line), file))
        if (!strncmp(line, word, n) && sscanf(line + n, "%zu", &value) == 1)
            found = value;
    if (file)
        fclose(file);
    return found;
}

/* Available memory of the machine or of the container's limit (cgroup v2), whichever is less. File
 * cache counts as available, because the kernel can drop it. 0: unknown. */
static size_t cpu_free_memory(struct device *dev)
{
    size_t kib = kernel_number("/proc/meminfo", "MemAvailable:");
    size_t limit = kernel_number("/sys/fs/cgroup/memory.max", "");
    size_t used = kernel_number("/sys/fs/cgroup/memory.current", "");
    size_t cached = kernel_number("/sys/fs/cgroup/memory.stat", "file ");
    size_t left = kib == SIZE_MAX ? 0 : kib * 1024;

    (void)dev;
    if (limit == SIZE_MAX || used == SIZE_MAX)
        return left;
    if (cached != SIZE_MAX)
        used = cached < used ? used - cached : 0;
    limit = used < limit ? limit - used : 1;
    return left && left < limit ? left : limit;
}

static void cpu_survey(struct buf *out)
{
    char there[16];

    buf_printf(out, "cpu\t%ld processors, %s of memory free\n", sysconf(_SC_NPROCESSORS_ONLN),
               show_bytes((double)cpu_free_memory(NULL), there));
}

/* Linux grants more memory than it has and kills programs that use it. So large allocations are
 * compared with what is available first. */
static bool memory_suffices(struct device *dev, size_t bytes)
{
    size_t left = bytes >= 16 * LARGE ? cpu_free_memory(dev) : 0;

    return !left || bytes <= left;
}

static void *cpu_alloc(struct device *dev, size_t bytes)
{
    void *ptr = NULL;
    char size[16];

    if (!memory_suffices(dev, bytes)) {
        ptr = NULL;
    } else if (bytes >= LARGE) {
        ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (ptr == MAP_FAILED)
            ptr = NULL;
        else
            madvise(ptr, bytes, MADV_HUGEPAGE);
    } else if (posix_memalign(&ptr, 64, bytes ? bytes : 1)) {
        ptr = NULL;
    }
    if (!ptr)
        err_set(&dev->fault, ERR_LIMIT,
                "not enough memory for %s; close other programs or lower --memory",
                show_bytes((double)bytes, size));
    return ptr;
}

static void cpu_release(struct device *dev, void *ptr, size_t bytes)
{
    (void)dev;
    if (bytes >= LARGE)
        munmap(ptr, bytes);
    else
        free(ptr);
}

static const void *cpu_adopt(struct device *dev, const void *host, size_t bytes)
{
    (void)dev;
    (void)bytes;
    return host;
}

static void cpu_transfer(struct device *dev, void *dst, const void *src, size_t bytes)
{
    (void)dev;
    memcpy(dst, src, bytes);
}

static void cpu_nothing(struct device *dev)
{
    (void)dev;
}

/* The CPU does not record (.graphs is not set), but end must return something that is not NULL. */
static void *cpu_graph_end(struct device *dev)
{
    return dev;
}

static void cpu_graph_use(struct device *dev, void *graph)
{
    (void)dev;
    (void)graph;
}

static void cpu_throttle(struct device *dev, int ahead)
{
    (void)dev;
    (void)ahead;
}

/* Replaces *ptr by a larger buffer. */
static bool buffer_grow(struct device *dev, void **ptr, size_t bytes)
{
    char size[16];

    free(*ptr);
    *ptr = NULL;
    if (!posix_memalign(ptr, 64, bytes))
        return true;
    *ptr = NULL;
    return err_set(&dev->fault, ERR_LIMIT,
                   "not enough memory for %s of scratch; close other programs",
                   show_bytes((double)bytes, size));
}

bool cpu_scratch(struct cpu *cpu, size_t bytes)
{
    if (bytes <= cpu->scratch_bytes)
        return true;
    cpu->scratch_bytes = 0;
    for (int i = 0; i < cpu->dev.threads; i++)
        if (!buffer_grow(&cpu->dev, &cpu->scratch[i], bytes))
            return false;
    cpu->scratch_bytes = bytes;
    return true;
}

bool cpu_shared(struct cpu *cpu, size_t bytes)
{
    if (bytes <= cpu->shared_bytes)
        return true;
    cpu->shared_bytes = 0;
    if (!buffer_grow(&cpu->dev, &cpu->shared, bytes))
        return false;
    cpu->shared_bytes = bytes;
    return true;
}

struct row_job {
    int rows, step;
    void (*work)(void *, int, int);
    void *context;
};

static void run_rows(void *context, int piece, int worker)
{
    const struct row_job *job = context;
    int first = piece * job->step, end = first + job->step;

    (void)worker;
    job->work(job->context, first, end < job->rows ? end : job->rows);
}

void cpu_rows(struct cpu *cpu, int rows, size_t cost, void (*work)(void *, int, int), void *context)
{
    const size_t enough = 32768; /* elements in a piece: fewer are not worth waking a thread */
    size_t step = cost ? (enough + cost - 1) / cost : enough;
    struct row_job job = {rows, step < (size_t)rows ? (int)step : rows, work, context};

    if (rows > 0)
        cpu_pool_run(cpu->pool, (rows + job.step - 1) / job.step, run_rows, &job);
}

const struct device_ops device_cpu = {
    .name = "cpu",
    .count = cpu_count,
    .check = cpu_check,
    .survey = cpu_survey,
    .open = cpu_open,
    .close = cpu_close,
    .free_memory = cpu_free_memory,
    .zeroed_from = LARGE,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .adopt = cpu_adopt,
    .upload = cpu_transfer,
    .download = cpu_transfer,
    .finish = cpu_nothing,
    .graph_begin = cpu_nothing,
    .graph_end = cpu_graph_end,
    .graph_launch = cpu_graph_use,
    .graph_free = cpu_graph_use,
    .throttle = cpu_throttle,
    .copy = cpu_copy,
    .fill = cpu_fill,
    .gather = cpu_gather,
    .scatter_add = cpu_scatter_add,
    .axpy = cpu_axpy,
    .scale_cols = cpu_scale_cols,
    .scale_rows = cpu_scale_rows,
    .col_norms = cpu_col_norms,
    .nearest = cpu_nearest,
    .largest = cpu_largest,
    .gemm = cpu_gemm,
    .gram = cpu_gram,
    .eigh = cpu_eigh,
    .eigh_top = cpu_eigh_top,
    .cholesky = cpu_cholesky,
    .cholesky_solve = cpu_cholesky_solve,
    .norm = cpu_norm,
    .norm_grad = cpu_norm_grad,
    .rope = cpu_rope,
    .attention = cpu_attention,
    .attention_grad = cpu_attention_grad,
    .gated = cpu_gated,
    .gated_grad = cpu_gated_grad,
    .softcap = cpu_softcap,
    .softcap_grad = cpu_softcap_grad,
    .lse = cpu_lse,
    .cross_entropy = cpu_cross_entropy,
    .kl = cpu_kl,
    .lps = cpu_lps,
    .adam = cpu_adam,
    .delta_apply = cpu_delta_apply,
};
