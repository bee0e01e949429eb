/* How long a model takes to open and what it holds: the default one, and a made-up folder of about
 * a gigabyte of float32 safetensors, with all the memory it wants and with next to none. Each case
 * runs in a process of its own, whose peak is its own. Arguments: the made-up model's layers (20),
 * the folder to make it in (TMPDIR). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/forward.h"
#include "core/model/safetensors.h"

enum { D = 1024, M = 3072, HEADS = 16, VOCAB = 32000, THREADS = 2 };

static const char *const parts[] = {
    "input_layernorm",  "self_attn.q_proj", "self_attn.k_proj",
    "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
    "mlp.up_proj",      "mlp.down_proj",    "post_attention_layernorm",
};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

static struct st_tensor tensor(char *name, long rows, long cols, const float *data)
{
    return (struct st_tensor){.name = name,
                              .type = ST_F32,
                              .ndim = rows ? 2 : 1,
                              .dim = {rows ? rows : cols, cols},
                              .data = data};
}

static bool write_text(const char *dir, const char *name, const char *text, struct err *err)
{
    char *path = xasprintf("%s/%s", dir, name);
    bool ok = file_write(path, text, strlen(text), err);

    free(path);
    return ok;
}

/* All tensors are the same noise: what matters here is how much there is of it. */
static bool make_model(const char *dir, int layers, struct err *err)
{
    int n = layers * PARTS + 2, at = 0;
    struct st_tensor *t = xcalloc((size_t)n, sizeof(*t));
    float *noise = xmalloc((size_t)VOCAB * D * sizeof(float));
    char *path = xasprintf("%s/model.safetensors", dir);
    char *config =
        xasprintf("{\"model_type\":\"llama\",\"hidden_size\":%d,\"intermediate_size\":%d,"
                  "\"num_hidden_layers\":%d,\"num_attention_heads\":%d,\"vocab_size\":%d,"
                  "\"tie_word_embeddings\":true}",
                  D, M, layers, HEADS, VOCAB);
    size_t len;
    char *words = file_read("tests/data/architectures/llama3/tokenizer.json", 1 << 20, &len, err);
    bool ok;

    for (long i = 0; i < (long)VOCAB * D; i++)
        noise[i] = (float)(rand() % 2001 - 1000) * 5e-5F;
    t[at++] = tensor(xstrdup("model.embed_tokens.weight"), VOCAB, D, noise);
    t[at++] = tensor(xstrdup("model.norm.weight"), 0, D, noise);
    for (int l = 0; l < layers; l++)
        for (int p = 0; p < PARTS; p++) {
            bool mlp = !strncmp(parts[p], "mlp.", 4), down = strstr(parts[p], "down");
            bool norm = strstr(parts[p], "layernorm");

            t[at++] = tensor(xasprintf("model.layers.%d.%s.weight", l, parts[p]),
                             norm  ? 0
                             : mlp ? (down ? D : M)
                                   : D,
                             down ? M : D, noise);
        }
    ok = words && write_text(dir, "config.json", config, err) &&
         write_text(dir, "tokenizer.json", words, err) &&
         safetensors_save(path, t, n, NULL, 0, err);
    for (int i = 0; i < n; i++)
        free((void *)(size_t)t[i].name);
    free(t);
    free(noise);
    free(words);
    free(config);
    free(path);
    return ok;
}

static double megabytes(double bytes)
{
    return bytes / 1e6;
}

static double size_of(const struct weights *w)
{
    double sum = 0;
    struct stat st;

    for (int i = 0; i < weights_files(w); i++)
        if (!stat(weights_file(w, i), &st))
            sum += (double)st.st_size;
    return sum;
}

/* Takes the file out of the page cache, as far as the system lets it. */
static void forget(const char *dir)
{
    char *path = xasprintf("%s/model.safetensors", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        fdatasync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    free(path);
}

/* What the disk gives: the file read from one end to the other, nothing done with it. */
static void read_through(const char *dir)
{
    char *path = xasprintf("%s/model.safetensors", dir), *chunk = xmalloc(1 << 22);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    double start = clock_seconds(), bytes = 0, took;
    ssize_t n;

    while (fd >= 0 && (n = read(fd, chunk, 1 << 22)) > 0)
        bytes += (double)n;
    took = clock_seconds() - start;
    printf("reading the made-up file from the disk: %.3f s, %.2f GB/s\n", took, bytes / took / 1e9);
    if (fd >= 0)
        close(fd);
    free(chunk);
    free(path);
}

/* One token through the whole model, which reads every weight. */
static double one_token(struct model *m)
{
    int id = 7, count = 1;
    const int *row = &id;
    struct batch batch = batch_new(&row, &count, NULL, 1, 0);
    struct forward *f = forward_new(m, 1);
    struct kv_cache *cache = kv_cache_new(m, 1);
    struct mat x = mat_new(m->dev, DT_F32, 1, m->config->hidden);
    struct mat logits = mat_new(m->dev, DT_F32, 1, m->head.rows);
    struct model_state *view = state_new(m, 1);
    double start = clock_seconds(), took;

    if (!forward_run(f, view, &batch, cache, x, NULL, NULL, NULL))
        printf("  the pass failed\n");
    forward_logits(f, x, logits);
    device_sync(m->dev, NULL);
    took = clock_seconds() - start;
    state_free(view);
    mat_free(m->dev, &x);
    mat_free(m->dev, &logits);
    kv_cache_free(cache, m->dev);
    forward_free(f);
    batch_free(&batch);
    return took;
}

static int measure(const char *what, const char *path, long long memory)
{
    struct device *dev = device_open(&device_cpu, 0, THREADS, NULL);
    struct err err = {0};
    double start = clock_seconds(), mapped, first, second, file, resident, peak;
    struct weights *w = weights_open(path, &err);
    struct rusage use;
    struct model *m;

    mapped = clock_seconds() - start;
    weights_close(w);
    m = dev ? model_open(path, dev, memory, NULL, &err) : NULL;
    if (!m) {
        printf("%s: %s\n", what, err.text);
        return 1;
    }
    file = size_of(m->file);
    resident = (double)dev->in_use;
    first = one_token(m);
    second = one_token(m);
    getrusage(RUSAGE_SELF, &use);
    peak = 1024.0 * (double)use.ru_maxrss;
    printf("%s\n  files %.0f MB, mapped and checked in %.3f s, ready in %.3f s\n", what,
           megabytes(file), mapped, m->load_seconds);
    printf("  float32 copies %.0f MB, first token %.3f s (%.2f GB/s of file), second %.3f s\n",
           megabytes(resident), first, file / first / 1e9, second);
    printf("  peak %.0f MB: %.0f MB beside files and copies (at most 64)\n", megabytes(peak),
           megabytes(peak - file - resident));
    model_close(m);
    device_close(dev);
    return peak > file + resident + 64e6;
}

static int apart(const char *what, const char *path, long long memory)
{
    int status = 1;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        status = measure(what, path, memory);
        fflush(stdout);
        _exit(status);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int made_up(int layers, const char *where)
{
    static const char *const left[] = {"config.json", "tokenizer.json", "model.safetensors"};
    char *dir = xasprintf("%s/editscope-load.XXXXXX", where);
    struct err err = {0};
    int rc = 1;

    if (!mkdtemp(dir)) {
        printf("%s: cannot be made\n", dir);
    } else {
        pid_t maker = fork(); /* whose memory is no part of the measurement */

        if (maker == 0) {
            bool ok = make_model(dir, layers, &err);

            if (!ok)
                printf("%s\n", err.text);
            fflush(stdout);
            _exit(!ok);
        }
        if (maker > 0 && waitpid(maker, &rc, 0) > 0 && rc == 0) {
            forget(dir);
            read_through(dir);
            forget(dir);
            rc = apart("made-up model, float32, from the disk", dir, 0);
            rc |= apart("the same, from the page cache", dir, 0);
            rc |= apart("the same, --memory 1", dir, 1);
        }
        for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
            char *path = xasprintf("%s/%s", dir, left[i]);

            unlink(path);
            free(path);
        }
        rmdir(dir);
    }
    free(dir);
    return rc;
}

int main(int argc, char **argv)
{
    int layers = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
    const char *tmp = getenv("TMPDIR"), *named = getenv("EDITSCOPE_MODEL");
    char *model =
        named ? xstrdup(named) : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    int rc = 0;

    if (file_exists(model)) {
        rc |= apart("default model", model, 0);
        rc |= apart("default model again", model, 0);
        rc |= apart("default model, --memory 1", model, 1);
    }
    rc |= made_up(layers, argc > 2 ? argv[2] : tmp ? tmp : "/tmp");
    free(model);
    return rc;
}
