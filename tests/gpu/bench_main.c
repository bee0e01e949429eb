/* gpu_bench: compares the CUDA device with what the machine can do, in one run.
 *
 *   gpu_bench [--device NAME[:N]] [--small] [--repeats N] [--json FILE] [--model FILE]
 *             [--only ops|llama|qwen|model]
 *
 * It measures the ceilings (copy bandwidth and products by the library), then every operation, then
 * whole computations on synthetic weights and on the default model. It prints the table last, and
 * writes the same numbers to the JSON file. No time from another machine is built in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/vocabulary.h"
#include "tests/gpu/bench.h"
#if HAVE_CUDA
#include "gpu/cuda.h"
#endif

struct options {
    const char *device, *json, *model, *only;
    bool small, list;
    int repeats;
};

static bool parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.device = "cuda", .json = NULL, .repeats = 7};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (!strcmp(argv[i], "--small")) {
            o->small = true;
            continue;
        }
        if (!strcmp(argv[i], "--list")) {
            o->list = true;
            continue;
        }
        if (!value)
            return false;
        i++;
        if (!strcmp(argv[i - 1], "--device"))
            o->device = value;
        else if (!strcmp(argv[i - 1], "--json"))
            o->json = value;
        else if (!strcmp(argv[i - 1], "--model"))
            o->model = value;
        else if (!strcmp(argv[i - 1], "--only"))
            o->only = value;
        else if (!strcmp(argv[i - 1], "--repeats"))
            o->repeats = (int)strtol(value, NULL, 10);
        else
            return false;
    }
    return o->repeats >= 1 && o->repeats <= 64;
}

static struct device *open_device(const char *name, struct err *err)
{
    if (!strcmp(name, "cpu"))
        return device_open(&device_cpu, 0, 2, err);
#if HAVE_CUDA
    if (!strncmp(name, "cuda", 4)) {
        int index = name[4] == ':' ? (int)strtol(name + 5, NULL, 10) : 0;

        if (device_cuda.count() > index)
            return device_open(&device_cuda, index, 2, err);
        device_cuda.check(index, err);
        return NULL;
    }
#endif
    err_set(err, ERR_USAGE, "--device %s: not one of cpu%s", name,
            HAVE_CUDA ? ", cuda" : " (built without CUDA)");
    return NULL;
}

/* --- what ran --------------------------------------------------------------------- */

static void first_line(const char *command, char *to, size_t room)
{
    FILE *pipe = popen(command, "r");

    *to = '\0';
    if (!pipe)
        return;
    if (!fgets(to, (int)room, pipe))
        *to = '\0';
    to[strcspn(to, "\n")] = '\0';
    pclose(pipe);
}

void bench_machine(json_t *into, const char *when)
{
    char text[400];

    first_line("nvidia-smi --query-gpu=name,driver_version,pstate,clocks.sm,clocks.mem,"
               "clocks.max.sm,power.draw,power.limit,temperature.gpu,memory.total "
               "--format=csv,noheader 2>/dev/null",
               text, sizeof(text));
    json_object_set_new(into, when, json_string(text));
    printf("%-8s %s\n", when, *text ? text : "no nvidia-smi");
}

static void header(struct bench *b, int argc, char **argv)
{
    json_t *head = json_object();
    struct utsname name;
    struct buf command = {0};

    for (int i = 0; i < argc; i++)
        buf_printf(&command, "%s%s", i ? " " : "", argv[i]);
    json_object_set_new(head, "command", json_string(command.data));
    json_object_set_new(head, "device", json_string(b->dev->ops->name));
    printf("%s\n", command.data);
    if (!uname(&name)) {
        json_object_set_new(head, "kernel", json_string(name.release));
        printf("%-8s %s %s\n", "system", name.sysname, name.release);
    }
#if HAVE_CUDA && defined(CUDART_VERSION)
    json_object_set_new(head, "cuda", json_integer(CUDART_VERSION));
    printf("%-8s built for CUDA %d.%d\n", "cuda", CUDART_VERSION / 1000,
           CUDART_VERSION % 1000 / 10);
#endif
    json_object_set_new(b->json, "header", head);
    bench_machine(head, "before");
    buf_free(&command);
}

/* --- the models ------------------------------------------------------------------- */

static void on_synthetic(struct bench *b, const struct shape *s)
{
    struct request request[2];
    struct weights *file = synthetic_weights(s, 1, &b->err);
    struct model *m = file ? bench_place(b, file, NULL) : NULL;

    if (!m)
        return;
    for (uint32_t i = 0; i < 2; i++)
        request[i] = synthetic_request(s->vocab, 100 * i + 1);
    bench_model(b, m, s->name, request, 2);
    for (int i = 0; i < 2; i++)
        request_free(&request[i]);
    model_close(m);
}

/* The facts that ship with the program, up to four, under made prefixes. */
static void on_model(struct bench *b, const char *path)
{
    enum { MOST = 4 };
    struct params params;
    struct prefixes prefixes = {0};
    struct fact *fact = NULL;
    struct request request[MOST];
    int facts = 0, n = 0;
    struct weights *file = weights_open(path, &b->err);
    struct tokenizer *tokenizer = file ? tokenizer_open(file, &b->err) : NULL;
    struct model *m = NULL;

    if (tokenizer)
        m = bench_place(b, file, tokenizer);
    else
        weights_close(file);

    params_default(&params);
    if (m && prefixes_load(&prefixes, "samples/prefixes.txt", &b->err) &&
        facts_load("samples/facts.jsonl", &fact, &facts, &b->err))
        while (n < MOST && n < facts &&
               request_build(&request[n], &fact[n], &prefixes, m, &params, &b->err))
            n++;
    if (n)
        bench_model(b, m, m->config->name, request, n);
    for (int i = 0; i < n; i++)
        request_free(&request[i]);
    for (int i = 0; i < facts; i++)
        fact_free(&fact[i]);
    free(fact);
    prefixes_free(&prefixes);
    model_close(m);
}

static bool wanted(const struct options *o, const char *part)
{
    return !o->only || !strcmp(o->only, part);
}

/* A tile of U has the shape of the model that is measured, and so do the ceilings. */
static void journeys(struct bench *b, const struct options *o)
{
    const struct shape *llama = o->small ? &shape_small_llama : &shape_llama3_8b;
    const struct shape *qwen = o->small ? &shape_small_qwen : &shape_qwen25_05b;
    char *path = o->model ? xstrdup(o->model)
                 : getenv("EDITSCOPE_MODEL")
                     ? xstrdup(getenv("EDITSCOPE_MODEL"))
                     : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    if (wanted(o, "llama") && !b->err.kind)
        on_synthetic(b, llama);
    if (wanted(o, "qwen") && !b->err.kind) {
        bench_ceilings(b, qwen);
        on_synthetic(b, qwen);
    }
    if (wanted(o, "model") && !b->err.kind && (!o->small || o->model)) {
        struct shape s = {.hidden = 576, .ffn = 1536, .vocab = 49152};

        if (!file_exists(path)) {
            printf("%s is not there: the default model was not measured\n", path);
        } else {
            bench_ceilings(b, &s);
            on_model(b, path);
        }
    }
    free(path);
}

/* --- the verdicts ----------------------------------------------------------------- */

/* Where in precision_names[] the fastest is that keeps 99.5 % of the neurons in the class float32
 * gives them, in every model measured, by either way; -1: nothing was measured. */
static int fastest(const json_t *precisions, bool *by_fused)
{
    int best = -1;
    double least = 0;

    for (int way = 0; way < 2 * PRECISION_COUNT; way++) {
        double seconds = 0, worst = 1;
        size_t i;
        json_t *v;

        json_array_foreach(precisions, i, v)
        {
            double same = json_real_value(json_object_get(v, "same_class"));

            if (strcmp(json_string_value(json_object_get(v, "precision")),
                       precision_names[way / 2]) ||
                json_is_true(json_object_get(v, "fused")) != way % 2)
                continue;
            seconds += json_real_value(json_object_get(v, "seconds"));
            worst = worst < same ? worst : same;
        }
        if (seconds > 0 && worst >= 0.995 && (best < 0 || seconds < least)) {
            best = way / 2;
            *by_fused = way % 2;
            least = seconds;
        }
    }
    return best;
}

static void verdicts(struct bench *b)
{
    json_t *precisions = json_object_get(b->json, "precisions"), *v;
    bool fused = false;
    int at = fastest(precisions, &fused);
    const char *best = at < 0 ? NULL : precision_names[at];
    size_t i;

    printf("\n%-30s %-13s %10s %10s %6s %11s %11s %12s\n", "attribution, edited layers", "", "s",
           "bare U, s", "x", "same class", "same kept", "score off by");
    json_array_foreach(precisions, i, v)
    {
        double s = json_real_value(json_object_get(v, "seconds"));
        double u = json_real_value(json_object_get(v, "bare_u"));

        printf("%-30s %-13s %10.4f %10.4f %6.2f %9.3f %% %9.3f %% %12.2e\n",
               json_string_value(json_object_get(v, "model")),
               bench_shape("%s%s", json_string_value(json_object_get(v, "precision")),
                           json_is_true(json_object_get(v, "fused")) ? ", fused" : ""),
               s, u, s / u, 100 * json_real_value(json_object_get(v, "same_class")),
               100 * json_real_value(json_object_get(v, "same_kept")),
               json_real_value(json_object_get(v, "worst_score")));
    }
    printf("\n%-30s %14s %18s %10s\n", "memory", "weights, GB", "at most beside, GB", "budget");
    json_array_foreach(json_object_get(b->json, "memory"), i, v)
    {
        double more = json_real_value(json_object_get(v, "more"));

        printf("%-30s %14.3f %18.3f %10s\n", json_string_value(json_object_get(v, "model")),
               1e-9 * json_real_value(json_object_get(v, "weights")), 1e-9 * more,
               more <= 4.0 * (1 << 30) ? "4 GiB: met" : "4 GiB: OVER");
    }
    printf(
        "\nfastest precision with 99.5 %% of the neurons in the class of full: %s%s (the default "
        "is %s)\n",
        best ? best : "none", fused ? ", fused" : "", precision_names[PRECISION_DEFAULT]);
    json_object_set_new(b->json, "fastest_precision", best ? json_string(best) : json_null());
    json_object_set_new(b->json, "fastest_is_fused", json_boolean(fused));
    json_object_set_new(b->json, "default_precision",
                        json_string(precision_names[PRECISION_DEFAULT]));
}

static bool save(const struct bench *b, const char *path, struct err *err)
{
    char *text = json_dumps(b->json, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    bool ok = text && file_write(path, text, strlen(text), err);

    free(text);
    return ok;
}

static void run(struct bench *b, const struct options *o)
{
    const struct shape *s = o->small ? &shape_small_llama : &shape_llama3_8b;

    bench_ceilings(b, s);
    if (wanted(o, "ops") && !b->err.kind)
        bench_ops(b, s);
    journeys(b, o);
}

int main(int argc, char **argv)
{
    struct options o;
    struct bench b = {0};
    int status = 0;

    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: gpu_bench [--device cpu|cuda[:N]] [--small] [--repeats N] [--json "
                        "FILE] [--model FILE] [--only ops|llama|qwen|model]\n");
        return 2;
    }
    b.dev = open_device(o.device, &b.err);
    if (!b.dev) {
        printf("nothing was measured on a GPU: %s\n", b.err.text);
        return b.err.kind == ERR_USAGE ? 2 : 77;
    }
    b.small = o.small;
    b.repeats = o.repeats;
    b.wait = o.small ? 0 : 5e-3;
    b.json = json_pack("{s:[], s:[]}", "precisions", "memory");
    header(&b, argc, argv);
    if (!o.list)
        run(&b, &o);
    if (b.err.kind) {
        printf("gpu_bench: stopped: %s\n", b.err.text);
        status = 1;
    }
    bench_machine(json_object_get(b.json, "header"), "after");
    bench_json(&b);
    if (!o.list) {
        bench_print(&b);
        verdicts(&b);
    }
    if (o.json && !save(&b, o.json, &b.err)) {
        printf("gpu_bench: %s\n", b.err.text);
        status = 1;
    }
    while (b.lines) {
        struct line *next = b.lines->next;

        free(b.lines);
        b.lines = next;
    }
    json_decref(b.json);
    device_close(b.dev);
    return status;
}
