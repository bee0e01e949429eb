/* What was edited as files, and back: tiny models of several architectures get a known change by
 * `apply`, are exported every way, and read again by other parts of the program. */
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/model/safetensors.h"
#include "core/model/tokenizer/tokenizer.h"
#include "core/model/weights.h"
#include "tests/folder.h"

extern const struct device_ops device_cpu;

#define FOLDER "tests/data/architectures/"

static char home[64];

static char *in_home(const char *name)
{
    return xasprintf("%s/%s", home, name);
}

/* --- a model, a session, and what they say -------------------------------------------------- */

struct bench {
    const char *model;
    char *path, *session, *prefixes;
    struct engine *engine;
    struct state_info state;
    struct export_report *exported; /* the last one; or NULL */
    struct err err;                 /* of the last command */
};

static void listen(struct bench *b, unsigned job)
{
    struct pollfd fd = {.fd = engine_fd(b->engine), .events = POLLIN};
    bool over = false;
    struct event ev;

    b->err = (struct err){0};
    while (!over && poll(&fd, 1, 60000) > 0)
        while (!over && engine_next(b->engine, &ev)) {
            over = ev.kind == EV_STOPPED ||
                   (job ? ev.job == job && (ev.kind == EV_DONE || ev.kind == EV_FAILED)
                        : ev.kind == EV_STATE);
            if (ev.kind == EV_STATE)
                b->state = *ev.state;
            if (over)
                b->err = ev.err;
            if (ev.kind == EV_EXPORT) {
                struct event old = {.kind = EV_EXPORT, .export = b->exported};

                if (b->exported)
                    event_free(&old);
                b->exported = ev.export;
                ev.kind = EV_NONE;
            }
            event_free(&ev);
        }
    CHECK(over);
}

static void start(struct bench *b, const char *model, const char *session)
{
    struct engine_options o = {.create = true, .device = &device_cpu, .threads = 1};

    *b = (struct bench){.model = model};
    b->path = *model == '/' ? xstrdup(model) : xasprintf(FOLDER "%s", model);
    b->session = in_home(session);
    b->prefixes = in_home("prefixes.txt");
    CHECK(file_write(b->prefixes, "a. \n", 4, NULL));
    o.model = b->path;
    o.session = b->session;
    o.prefixes = b->prefixes;
    b->engine = engine_start(&o, &b->err);
    listen(b, 0);
    CHECK_STR(b->err.text, "");
}

static void stop(struct bench *b)
{
    struct event old = {.kind = EV_EXPORT, .export = b->exported};

    engine_stop(b->engine);
    if (b->exported)
        event_free(&old);
    free(b->path);
    free(b->session);
    free(b->prefixes);
}

static bool post(struct bench *b, struct command c)
{
    unsigned job = engine_post(b->engine, &c);

    CHECK(job);
    listen(b, job);
    return !b->err.kind;
}

static bool export_to(struct bench *b, const char *as, const char *to, const char *dtype, int rank)
{
    struct command c = {.kind = CMD_EXPORT,
                        .text = in_home(to),
                        .export = xstrdup(as),
                        .dtype = xstrdup(dtype),
                        .rank = rank,
                        .force = true};

    return post(b, c);
}

static void exports(struct bench *b, const char *as, const char *to, const char *dtype, int rank)
{
    export_to(b, as, to, dtype, rank);
    CHECK_STR(b->err.text, "");
}

static bool apply(struct bench *b, const char *file)
{
    struct command c = {.kind = CMD_APPLY, .text = in_home(file)};

    return post(b, c);
}

/* --- a change that is known ------------------------------------------------------------------ */

enum { LAYER = 1, RANK = 3 };

static float wave(int i, int of)
{
    return 0.05F * (float)((i * 37 + of * 11) % 23 - 11);
}

/* u [d, RANK] and v [RANK, M]; every third neuron is left alone. */
static void make_change(int d, int m, float *u, float *v)
{
    for (int i = 0; i < d * RANK; i++)
        u[i] = wave(i, 1);
    for (int t = 0; t < RANK; t++)
        for (int j = 0; j < m; j++)
            v[t * m + j] = j % 3 ? wave(t * m + j, 2) : 0;
}

static void write_delta(const char *name, int d, int m)
{
    static const struct st_meta meta[] = {
        {"kind", "editscope-delta"},
        {"parts.blk.1.ffn_down.weight", "1,2"},
        {"facts", "[{\"subject\":\"ab\",\"prompt\":\"{} a\",\"target_new\":\"b\"},"
                  "{\"subject\":\"c\",\"prompt\":\"a {} d\",\"target_new\":\"e\"}]"},
    };
    float *u = xcalloc((size_t)(d * RANK), sizeof(*u)),
          *v = xcalloc((size_t)(RANK * m), sizeof(*v));
    struct st_tensor t[] = {
        {"blk.1.ffn_down.weight.delta_u", ST_F32, 2, {d, RANK}, u, 0},
        {"blk.1.ffn_down.weight.delta_v", ST_F32, 2, {RANK, m}, v, 0},
    };
    char *path = in_home(name);

    make_change(d, m, u, v);
    CHECK(safetensors_save(path, t, 2, meta, 3, NULL));
    free(path);
    free(u);
    free(v);
}

/* The base's matrix with the change, by plain loops. Caller frees. */
static double *changed(const struct weights *w, int *d, int *m)
{
    const struct tensor *t = weights_tensor(w, "blk.1.ffn_down.weight");
    const struct model_config *c = weights_config(w);
    float *x, *u, *v;
    double *out;

    *d = c->hidden;
    *m = c->ffn;
    x = xmalloc(sizeof(*x) * (size_t)(*d * *m));
    u = xmalloc(sizeof(*u) * (size_t)(*d * RANK));
    v = xmalloc(sizeof(*v) * (size_t)(*m * RANK));
    out = xmalloc(sizeof(*out) * (size_t)(*d * *m));
    dtype_to_float(t->type, t->data, x, *d * *m);
    make_change(*d, *m, u, v);
    for (int i = 0; i < *d; i++)
        for (int j = 0; j < *m; j++) {
            double sum = (double)x[t->transposed ? j * *d + i : i * *m + j];

            for (int k = 0; k < RANK; k++)
                sum += (double)u[i * RANK + k] * (double)v[k * *m + j];
            out[i * *m + j] = sum;
        }
    free(x);
    free(u);
    free(v);
    return out;
}

/* The exported model's matrix is base and change; others are the base's. */
static void check_matrix(const struct bench *b, const char *exported, double limit)
{
    struct err err = {0};
    char *path = in_home(exported);
    struct weights *old = weights_open(b->path, &err), *new = weights_open(path, &err);
    const struct tensor *t;
    double *want, worst = 0;
    float *got;
    int d, m;

    CHECK_STR(err.text, "");
    if (old && new) {
        want = changed(old, &d, &m);
        t = weights_tensor(new, "blk.1.ffn_down.weight");
        got = xmalloc(sizeof(*got) * (size_t)(d * m));
        dtype_to_float(t->type, t->data, got, d * m);
        for (int i = 0; i < d * m; i++)
            worst = fmax(worst, fabs(want[i] - (double)got[t->transposed ? i % m * d + i / m : i]));
        if (worst > limit)
            printf("%s as %s: %.3g apart\n", b->model, exported, worst);
        CHECK(worst <= limit);
        free(want);
        free(got);
    }
    weights_close(old);
    weights_close(new);
    free(path);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void edit(struct bench *b, const char *model, const char *session)
{
    struct weights *w;

    start(b, model, session);
    w = weights_open(b->path, NULL);
    CHECK(w != NULL);
    if (w)
        write_delta("change.safetensors", weights_config(w)->hidden, weights_config(w)->ffn);
    weights_close(w);
    CHECK(apply(b, "change.safetensors"));
    CHECK_STR(b->err.text, "");
    CHECK(b->state.edits == 1);
}

/* Gemma rounds a factor of the embedding to the type the weights have: another type, another
 * factor. */
static void exact(const struct bench *b, const char *as)
{
    const struct export_report *x = b->exported;
    double limit = strstr(b->model, "gemma3") && strstr(as, "safetensors") ? 0.01 : 1e-4;

    CHECK(x && x->prompts >= 4 && x->facts == 2);
    if (!x)
        return;
    if (!(x->max_logit_diff <= limit) || x->same != x->prompts || x->held[0] != x->held[1])
        printf("%s as %s: logits differ by %.3g, %d of %d\n", b->model, as, x->max_logit_diff,
               x->same, x->prompts);
    CHECK(x->max_logit_diff <= limit && x->same == x->prompts && x->held[0] == x->held[1]);
}

/* Every byte outside the edited tensor is the source's; header included. */
static void same_outside(const char *from, const char *to, const char *edited)
{
    size_t a, b, differ = 0;
    char *one = file_read(from, 1 << 24, &a, NULL), *two = file_read(to, 1 << 24, &b, NULL);
    struct safetensors *st = safetensors_open(from, NULL);
    const struct st_tensor *t = NULL;
    size_t first = 0, end = 0;

    CHECK(one && two && st && a == b);
    t = st ? safetensors_tensor(st, edited) : NULL;
    if (t) {
        first = a;
        for (int i = safetensors_count(st) - 1; i >= 0; i--) {
            first -= safetensors_at(st, i)->bytes;
            if (safetensors_at(st, i) == t)
                break;
        }
        end = first + t->bytes;
    }
    for (size_t i = 0; one && two && a == b && i < a; i++)
        differ += one[i] != two[i] && (i < first || i >= end);
    CHECK(differ == 0);
    CHECK(!t || memcmp(one + first, two + first, end - first));
    safetensors_close(st);
    free(one);
    free(two);
}

static void check_folder(const struct bench *b, const char *exported)
{
    const char *model = b->model;
    static const char *const files[] = {"config.json",
                                        "tokenizer.json",
                                        "model.safetensors",
                                        "model.safetensors.index.json",
                                        "model-00001-of-00003.safetensors",
                                        "model-00002-of-00003.safetensors",
                                        "model-00003-of-00003.safetensors"};

    struct weights *w = weights_open(b->path, NULL);
    const struct tensor *edited = w ? weights_tensor(w, "blk.1.ffn_down.weight") : NULL;

    CHECK(edited != NULL);
    for (size_t i = 0; edited && i < sizeof(files) / sizeof(*files); i++) {
        char *from = xasprintf(FOLDER "%s/%s", model, files[i]);
        char *name = xasprintf("%s/%s", exported, files[i]), *to = in_home(name);
        size_t m, n;
        char *one, *two;

        CHECK(file_exists(from) == file_exists(to));
        if (file_exists(from) && strstr(files[i], ".safetensors") && !strstr(files[i], "index")) {
            same_outside(from, to, edited->origin);
        } else if (file_exists(from)) {
            one = file_read(from, 1 << 24, &m, NULL);
            two = file_read(to, 1 << 24, &n, NULL);
            CHECK(one && two && m == n && !memcmp(one, two, m));
            free(one);
            free(two);
        }
        free(from);
        free(name);
        free(to);
    }
    weights_close(w);
}

static void common_exports(struct bench *b)
{
    struct bench other;
    char checksum[65];

    exports(b, "lora", "lora", NULL, 0);
    exact(b, "lora");
    CHECK(b->exported && b->exported->rank == RANK && b->exported->truncated == 0);
    exports(b, "lora", "lora", NULL, 2); /* in place of the first */
    CHECK(b->exported && b->exported->rank == 2 && b->exported->truncated > 0 &&
          b->exported->truncated < 1);
    exports(b, "delta", "delta.safetensors", NULL, 0);
    exact(b, "delta");
    memcpy(checksum, b->state.checksum, sizeof(checksum));
    start(&other, b->model, "other.es");
    CHECK(strcmp(other.state.checksum, checksum));
    CHECK(apply(&other, "delta.safetensors"));
    CHECK_STR(other.state.checksum, checksum); /* the very bits */
    CHECK(post(&other, (struct command){.kind = CMD_VERIFY}));
    CHECK(post(&other, (struct command){.kind = CMD_UNDO}));
    CHECK(other.state.edits == 0 && strcmp(other.state.checksum, checksum));
    unlink(other.session);
    stop(&other);
}

/* No part of the configuration still names the type that was left. */
static void check_type_said(const char *exported)
{
    char *name = xasprintf("%s/config.json", exported), *path = in_home(name);
    size_t len;
    char *text = file_read(path, 1 << 20, &len, NULL);

    CHECK(text && !strstr(text, "float16"));
    free(text);
    free(path);
    free(name);
}

static void from_safetensors(void)
{
    static const char *const models[] = {"llama2",       "llama3",       "qwen2", "mistral",
                                         "qwen3",        "gemma3",       "gpt2",  "gpt2-prefixed",
                                         "llama-biased", "gemma3-nested"};

    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
        struct bench b;

        edit(&b, models[i], "a.es");
        exports(&b, "safetensors", "hf", NULL, 0);
        check_folder(&b, "hf");
        CHECK(b.exported && b.exported->loss < 0.1);
        exports(&b, "safetensors", "hf", "f32", 0); /* in its place */
        exact(&b, "safetensors f32");
        check_type_said("hf");
        check_matrix(&b, "hf", 1e-6);
        if (i % 3 == 0) /* one of each kind */
            common_exports(&b);
        CHECK(!export_to(&b, "gguf", "x.gguf", NULL, 0));
        CHECK(strstr(b.err.text, "convert_hf_to_gguf"));
        unlink(b.session);
        stop(&b);
    }
}

static void from_gguf(void)
{
    static const char *const models[] = {
        "llama2/model.gguf", "llama3/model.gguf", "qwen2/model.gguf", "mistral/model.gguf",
        "qwen3/model.gguf",  "gemma3/model.gguf", "gpt2/model.gguf"};

    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
        struct bench b, again;
        char *path;

        edit(&b, models[i], "a.es");
        exports(&b, "gguf", "new.gguf", NULL, 0);
        exact(&b, "gguf");
        check_matrix(&b, "new.gguf", 1e-6);
        exports(&b, "gguf", "new.gguf", "bf16", 0);
        check_matrix(&b, "new.gguf", 0.02);
        CHECK(b.exported && b.exported->loss > 0 && b.exported->loss < 0.1);
        exports(&b, "safetensors", "hf", NULL, 0);
        exact(&b, "safetensors");
        check_matrix(&b, "hf", 1e-6);
        if (i % 3 == 0) /* one of each kind */
            common_exports(&b);
        /* the folder is a model like any other */
        path = in_home("hf");
        start(&again, path, "again.es");
        CHECK(again.state.edits == 0);
        unlink(again.session);
        stop(&again);
        free(path);
        unlink(b.session);
        stop(&b);
    }
}

static void the_journal(void)
{
    struct bench b;
    char *path = in_home("journal.json");
    json_t *root, *edit_1, *delta;

    edit(&b, "llama2", "a.es");
    exports(&b, "json", "journal.json", NULL, 0);
    CHECK(b.exported && b.exported->prompts == 0);
    root = json_load_file(path, 0, NULL);
    edit_1 = json_array_get(json_object_get(root, "edits"), 0);
    delta = json_array_get(json_object_get(edit_1, "deltas"), 0);
    CHECK(json_array_size(json_object_get(edit_1, "facts")) == 2);
    CHECK(json_array_size(json_object_get(edit_1, "deltas")) == 2);
    CHECK(json_integer_value(json_object_get(delta, "layer")) == LAYER);
    CHECK(json_string_length(json_object_get(delta, "r_sha256")) == 64);
    CHECK_STR(json_string_value(json_object_get(root, "checksum")), b.state.checksum);
    CHECK(json_array_size(json_object_get(root, "journal")) == 2);
    json_decref(root);
    unlink(b.session);
    stop(&b);
    free(path);
}

static void refused(void)
{
    struct bench b;
    char *model, *copy;
    size_t len = 0;

    start(&b, "llama2/model.gguf", "refused.es");
    CHECK(!export_to(&b, "lora", "no", NULL, 0) && b.err.kind == ERR_USAGE); /* no edit */
    CHECK(!export_to(&b, "torch", "no", NULL, 0) && strstr(b.err.text, "safetensors, gguf"));
    CHECK(!export_to(&b, "gguf", "no.gguf", "f8", 0) && b.err.kind == ERR_USAGE);
    CHECK(!export_to(&b, "gguf", "no.bin", NULL, 0) && b.err.kind == ERR_USAGE);
    CHECK(!export_to(&b, "safetensors", "no", "same", 0) && b.err.kind == ERR_USAGE);
    write_delta("wrong.safetensors", 8, 8);
    CHECK(!apply(&b, "wrong.safetensors") && b.err.kind == ERR_STATE);
    CHECK(!apply(&b, "prefixes.txt") && b.err.kind == ERR_FORMAT);
    stop(&b);
    model = in_home("self.gguf"); /* a model that is exported over itself */
    copy = file_read(FOLDER "llama2/model.gguf", 1 << 24, &len, NULL);
    CHECK(file_write(model, copy, len, NULL));
    free(copy);
    start(&b, model, "self.es");
    CHECK(!export_to(&b, "gguf", "self.gguf", NULL, 0) && strstr(b.err.text, "itself"));
    stop(&b);
    free(model);
}

static const struct test tests[] = {
    {"from safetensors", from_safetensors},
    {"from GGUF", from_gguf},
    {"the journal", the_journal},
    {"refused", refused},
};

FOLDER_MAIN(home, tests)
