/* One NMKE-LPS edit against its floor, in one run (median of 5):
 *
 *   attribution of 5 layers   : the product U of each layer in one call of the same BLAS
 *   target optimisation       : the products of one step at their own shapes, times the steps
 *   the whole edit            : the sum of both floors
 *
 * edit_bench [MODEL]; the default model otherwise. Numbers belong to the machine: compare the
 * ratios. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/attribute.h"
#include "core/edit/target.h"

void openblas_set_num_threads(int threads);

enum { REPEATS = 5, THREADS = 2 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x)
{
    qsort(x, REPEATS, sizeof(*x), by_size);
    return x[REPEATS / 2];
}

/* Seconds of c [m, n] = a [m, k] b, b stored [n, k] (turned) or [k, n]: one call. */
static double product(int m, int n, int k, bool turned)
{
    size_t na = (size_t)m * (size_t)k, nb = (size_t)k * (size_t)n, nc = (size_t)m * (size_t)n;
    float *a = xcalloc(na, sizeof(*a)), *b = xcalloc(nb, sizeof(*b)), *c = xcalloc(nc, sizeof(*c));
    double t[REPEATS];

    for (size_t i = 0; i < na; i++)
        a[i] = (float)(i % 13) - 6;
    for (size_t i = 0; i < nb; i++)
        b[i] = (float)(i % 11) - 5;
    for (int i = -1; i < REPEATS; i++) { /* the first warms up */
        double start = now();

        cblas_sgemm(CblasRowMajor, CblasNoTrans, turned ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
                    k, b, turned ? k : n, 0, c, n);
        if (i >= 0)
            t[i] = now() - start;
    }
    free(a);
    free(b);
    free(c);
    return median(t);
}

/* Products of one step for n positions, forward and back, blocks z+1 .. L-1 and the head. */
static double step_floor(const struct model_config *c, int n, int labels, int blocks)
{
    int q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    int shape[][2] = {{q, c->hidden},      {kv, c->hidden},     {kv, c->hidden},    {c->hidden, q},
                      {c->ffn, c->hidden}, {c->ffn, c->hidden}, {c->hidden, c->ffn}};
    double sum = 0;

    for (size_t i = 0; i < sizeof(shape) / sizeof(*shape); i++)
        sum += product(n, shape[i][0], shape[i][1], true) +
               product(n, shape[i][1], shape[i][0], false);
    sum *= blocks;
    return sum + product(labels, c->vocab, c->hidden, true) +
           product(labels, c->hidden, c->vocab, false);
}

struct bench {
    struct device *dev;
    struct model *model;
    struct model_state *view;
    struct request request;
    struct params params;
};

static bool attribute(struct bench *b, struct err *err)
{
    struct attribute_run *run = attribute_begin(b->view, &b->request, 1, &b->params, 1, NULL, err);
    bool ok = run != NULL;

    for (int l = 4; ok && l <= 8; l++) {
        struct attribution *a = attribute_layer(run, l, false, NULL, err);

        ok = a != NULL;
        attribution_unref(a);
    }
    attribute_end(run);
    return ok;
}

static bool open_bench(struct bench *b, const char *path, struct err *err)
{
    struct fact fact = {.subject = (char[]){"Eiffel Tower"},
                        .prompt = (char[]){"The {} is located in the city of"},
                        .target = (char[]){"Rome"}};
    struct prefixes prefixes = {0};

    params_default(&b->params);
    b->dev = device_open(&device_cpu, 0, THREADS, err);
    b->model = b->dev ? model_open(path, b->dev, 0, NULL, err) : NULL;
    if (!b->model ||
        !prefixes_parse(&prefixes,
                        "The first thing to say is. \nTherefore, as we know. \nBecause of this "
                        "fact. \nI would like to tell. \nYou can see that. \n",
                        err) ||
        !request_build(&b->request, &fact, &prefixes, b->model, &b->params, err))
        return false;
    prefixes_free(&prefixes);
    b->view = state_new(b->model, 1);
    return true;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct err err = {0};
    struct target target = {0};
    char *path = argc > 1 ? xstrdup(argv[1])
                 : getenv("EDITSCOPE_MODEL")
                     ? xstrdup(getenv("EDITSCOPE_MODEL"))
                     : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    double u[2], a[REPEATS], t[REPEATS], bare, step, attr, opt;
    int positions = 0;
    const struct model_config *c;

    if (!open_bench(&b, path, &err)) {
        fprintf(stderr, "edit_bench: %s\n", err.text);
        return 1;
    }
    c = b.model->config;
    for (int i = -1; i < REPEATS; i++) {
        double start = now();

        if (!attribute(&b, &err))
            break;
        if (i >= 0)
            a[i] = now() - start;
    }
    for (int i = 0; i < REPEATS && !err.kind; i++) {
        double start = now();

        target_free(&target);
        target_optimise(&target, b.view, &b.request, 8, NULL, &b.params, NULL, NULL, NULL, &err);
        t[i] = now() - start;
    }
    if (err.kind) {
        fprintf(stderr, "edit_bench: %s\n", err.text);
        return 1;
    }
    for (int i = 0; i < b.request.rows; i++)
        positions += b.request.row[i].count - b.request.row[i].lookup;
    openblas_set_num_threads(THREADS);
    u[0] = product(c->vocab, c->ffn, c->hidden, false);
    u[1] = product(c->ffn, c->vocab, c->hidden, true);
    bare = 5 * (u[0] < u[1] ? u[0] : u[1]);
    step = step_floor(c, positions + 1, b.request.rows, c->layers - 9);
    attr = median(a);
    opt = median(t);
    printf("attribution  %.3f s for 5 layers, bare U %.3f s (%.0f GFLOP/s): %.2f x\n", attr, bare,
           10e-9 * c->vocab * c->ffn * c->hidden / bare, attr / bare);
    printf("target       %.3f s for %d steps, products alone %.3f s: %.2f x\n", opt, target.steps,
           step * target.steps, opt / (step * target.steps));
    printf("whole edit   %.3f s, floor %.3f s: %.2f x\n", attr + opt, bare + step * target.steps,
           (attr + opt) / (bare + step * target.steps));
    return 0;
}
