/* Decoding token by token beside its floor: reading the weights once. The default model's weights
 * are rounded again into each type that can be stored; then one pass of many tokens (prefill) and
 * many of one (decoding) are made, with float32 copies of the weights and without, and the CPU time
 * of a token is set beside the bytes that it reads over the bandwidth measured in the same run.
 * Arguments: threads (1), tokens to decode (64), of prefill (512), repeats (3), types by name
 * (all). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/generate.h"
#include "core/model/vocabulary.h"

enum { MOST_REPEATS = 64, BUFFER = 1 << 28 };

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof(*x), compare);
    return x[n / 2];
}

/* Bytes a second of CPU time that one thread reads, of memory that no cache holds. */
static double bandwidth(int repeats)
{
    size_t words = BUFFER / sizeof(unsigned long);
    unsigned long *x = xmalloc(BUFFER), sum = 0;
    double took[MOST_REPEATS];

    memset(x, 1, BUFFER);
    for (int r = 0; r < repeats; r++) {
        unsigned long lane[16] = {0};
        double start = cpu_seconds();

        for (size_t i = 0; i < words; i += 16)
            for (int l = 0; l < 16; l++)
                lane[l] += x[i + (size_t)l];
        for (int l = 0; l < 16; l++)
            sum += lane[l];
        took[r] = cpu_seconds() - start;
    }
    if (!sum)
        printf("\n"); /* so that it is not left out */
    free(x);
    return BUFFER / median(took, repeats);
}

/* The file's matrices rounded into the type; what no block of it fits keeps its own. They are left
 * to the end of the process. */
static double round_weights(struct weights *w, enum dtype type)
{
    double bytes = 0;

    for (int i = 0; i < weights_count(w); i++) {
        struct tensor *t = (struct tensor *)(size_t)weights_at(w, i);
        long n = t->dim[0] * (t->ndim > 1 ? t->dim[1] : 1);
        float *plain;
        char *out;

        if (t->ndim == 2 && type != DT_COUNT && dtype_row_bytes(type, t->dim[1])) {
            plain = xmalloc((size_t)n * sizeof(float));
            dtype_to_float(t->type, t->data, plain, n);
            out = xmalloc(dtype_row_bytes(type, n) + 64);
            dtype_from_float(type, plain, out, n);
            t->data = out;
            t->bytes = dtype_row_bytes(type, n);
            t->type = type;
            free(plain);
        }
        bytes += (double)t->bytes;
    }
    return bytes;
}

struct spent {
    double wall, cpu;
};

static bool prefill(const struct model_state *view, const int *ids, int n, struct spent *spent)
{
    const struct model *m = view->model;
    struct batch batch = batch_new(&ids, &n, NULL, 1, 0);
    struct forward *f = forward_new(m, n);
    struct kv_cache *cache = kv_cache_new(m, n);
    struct mat x = mat_new(m->dev, DT_F32, n, m->config->hidden);
    struct mat logits = mat_new(m->dev, DT_F32, 1, m->head.rows);
    double wall = clock_seconds(), cpu = cpu_seconds();
    bool ok = forward_run(f, view, &batch, cache, x, NULL, NULL, NULL);

    if (ok)
        forward_logits(f, mat_rows(x, n - 1, 1), logits);
    ok = device_sync(m->dev, NULL) && ok;
    *spent = (struct spent){clock_seconds() - wall, cpu_seconds() - cpu};
    mat_free(m->dev, &x);
    mat_free(m->dev, &logits);
    kv_cache_free(cache, m->dev);
    forward_free(f);
    batch_free(&batch);
    return ok;
}

static bool decode(const struct model_state *view, const int *ids, int n, struct spent *spent)
{
    struct generate_options o = {.tokens = n, .ignore_eos = true};
    struct generated g = {0};
    double wall = clock_seconds(), cpu = cpu_seconds();
    bool ok = generate(&g, view, ids, 1, &o, NULL, NULL);

    *spent = (struct spent){clock_seconds() - wall, cpu_seconds() - cpu};
    generated_free(&g);
    return ok;
}

struct plan {
    const char *model;
    int threads, tokens, prompt, repeats;
    double bandwidth;
};

/* type DT_COUNT: as the file has it. memory as model_open() takes it. */
static bool measure(const struct plan *p, enum dtype type, long long memory)
{
    double wall[2][MOST_REPEATS], cpu[2][MOST_REPEATS], bytes, floor;
    struct device *dev = device_open(&device_cpu, 0, p->threads, NULL);
    struct weights *w = weights_open(p->model, NULL);
    int *ids = xcalloc((size_t)p->prompt + 1, sizeof(*ids));
    struct model_state *view;
    struct model *m;
    bool ok = true;

    if (!dev || !w)
        return false;
    bytes = round_weights(w, type);
    m = model_of(w, tokenizer_open(w, NULL), dev, memory, NULL, NULL);
    if (!m)
        return false;
    for (int i = 0; i < p->prompt; i++)
        ids[i] = 100 + (int)(i * 7919L % 20000) % (m->head.rows - 100);
    view = state_new(m, 1);
    for (int r = -1; ok && r < p->repeats; r++) {
        struct spent pp = {0}, tg = {0};

        ok = prefill(view, ids, p->prompt, &pp) && decode(view, ids, p->tokens, &tg);
        for (int k = 0; k < 2 && r >= 0; k++) {
            wall[k][r] = k ? tg.wall : pp.wall;
            cpu[k][r] = k ? tg.cpu : pp.cpu;
        }
    }
    if (ok) {
        double pp = median(cpu[0], p->repeats), tg = median(cpu[1], p->repeats);

        floor = bytes / p->bandwidth * p->tokens;
        printf("%-5s %-6s %7.0f %8.3f %8.1f %8.3f %8.1f %8.3f %6.1f\n",
               type == DT_COUNT ? "file" : dtype_name(type), memory < 0 ? "stored" : "copies",
               bytes / 1e6, pp, p->prompt / median(wall[0], p->repeats), tg,
               p->tokens / median(wall[1], p->repeats), floor, tg / floor);
        fflush(stdout);
    }
    state_free(view);
    model_close(m);
    device_close(dev);
    free(ids);
    return ok;
}

static bool wanted(enum dtype type, int argc, char **argv)
{
    for (int i = 5; i < argc; i++)
        if (!strcmp(argv[i], type == DT_COUNT ? "file" : dtype_name(type)))
            return true;
    return argc <= 5;
}

int main(int argc, char **argv)
{
    int arg[] = {1, 64, 512, 3};
    const char *named = getenv("EDITSCOPE_MODEL");
    char *model =
        named ? xstrdup(named) : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    struct plan p = {.model = model};
    bool ok = true;

    for (int i = 1; i < argc && i <= 4; i++)
        arg[i - 1] = (int)strtol(argv[i], NULL, 10);
    p.threads = arg[0];
    p.tokens = arg[1];
    p.prompt = arg[2] < 1 ? 1 : arg[2];
    p.repeats = arg[3] < 1 ? 1 : arg[3] > MOST_REPEATS ? MOST_REPEATS : arg[3];
    if (!file_exists(model)) {
        printf("no default model: make model\n");
        free(model);
        return 0;
    }
    p.bandwidth = bandwidth(5);
    printf("%d threads; one reads %.1f GB/s of CPU time\n", p.threads, p.bandwidth / 1e9);
    printf("type  reads     MB  pp%-4d CPU s  tok/s  tg%-4d CPU s  tok/s  floor s  times\n",
           p.prompt, p.tokens);
    for (int t = 0; t <= DT_COUNT && ok; t++)
        if (wanted((enum dtype)t, argc, argv) && (t == DT_COUNT || dtype_can_store((enum dtype)t)))
            ok = measure(&p, (enum dtype)t, 0) && measure(&p, (enum dtype)t, -1);
    free(model);
    return !ok;
}
