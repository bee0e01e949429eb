/* Sessions with changes of every matrix and kind, hooks and prefixes. No editor makes them all, so
 * they are made here. The commands must open, verify, query, undo, export and apply them like any
 * other. */
#include "core/base/rng.h"
#include "core/edit/checksum.h"
#include "core/model/hook.h"
#include "core/session/session.h"
#include "tests/test.h"

#include "tests/e2e/command.h"

#define GGUF "tests/data/architectures/llama3/model.gguf"

static struct device *dev;

static float *values(size_t n, uint64_t seed)
{
    float *x = xmalloc((n + 1) * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rng_unit(&seed) - 0.5) / 4;
    return x;
}

static struct delta delta_of(const struct model *m, int layer, enum matrix which,
                             enum delta_kind kind)
{
    struct delta d = {.layer = layer, .matrix = which, .kind = kind, .rank = 2, .scale = 1};
    uint64_t seed = 100 * (uint64_t)layer + 10 * which + kind;

    CHECK(matrix_shape(m->config, which, &d.rows, &d.cols));
    d.rank = kind == DELTA_DENSE ? 0 : 2;
    d.r = values(delta_values(&d), seed);
    if (kind == DELTA_LOW_RANK)
        d.x = values(2 * (size_t)d.cols, seed + 1);
    if (kind == DELTA_COLUMNS) {
        d.column = xcalloc(2, sizeof(int));
        d.column[0] = 3;
        d.column[1] = d.cols - 2;
    }
    return d;
}

/* Edit 1: low rank of every matrix of the model; 2: columns, low rank, columns of one matrix; 3:
 * dense; 4: a hook; 5: a prefix. */
static struct edit_record edit_of(const struct model *m, int n)
{
    struct edit_record r = {.requests = 1};
    bool gated = m->config->parts & PART_GATE;

    r.facts = xcalloc(1, sizeof(*r.facts));
    r.facts[0] = (struct fact){
        .subject = xasprintf("S%d", n), .prompt = xstrdup("{}:in"), .target = xstrdup("Rome")};
    r.delta = xcalloc(16, sizeof(*r.delta));
    for (int i = 0; n == 1 && i < MATRICES; i++)
        if (gated || i != MATRIX_UP)
            r.delta[r.deltas++] = delta_of(m, 0, (enum matrix)i, DELTA_LOW_RANK);
    if (n == 2) {
        r.delta[r.deltas++] = delta_of(m, 1, MATRIX_GATE, DELTA_COLUMNS);
        r.delta[r.deltas++] = delta_of(m, 1, MATRIX_GATE, DELTA_LOW_RANK);
        r.delta[r.deltas++] = delta_of(m, 1, MATRIX_GATE, DELTA_COLUMNS);
    }
    if (n == 3) {
        r.delta[r.deltas++] = delta_of(m, 1, MATRIX_O, DELTA_DENSE);
        r.delta[r.deltas++] = delta_of(m, 1, MATRIX_O, DELTA_LOW_RANK);
    }
    if (n == 4) {
        size_t bytes = (size_t)m->config->hidden * sizeof(float);

        r.hook = xcalloc(1, sizeof(*r.hook));
        r.hooks = 1;
        r.hook[0] =
            (struct hook_data){xstrdup("add"), xstrdup("{\"layer\":1,\"site\":\"block_out\"}"),
                               values(bytes / sizeof(float), 77), bytes};
    }
    if (n == 5) {
        r.prefix = xcalloc(1, sizeof(*r.prefix));
        r.prefixes = 1;
        r.prefix[0] = xstrdup("In Oslo. ");
    }
    return r;
}

/* Makes FOLDER/NAME.es with `edits` edits; sum[n] becomes the checksum after edit n. */
static void make_session(const char *path, const char *name, int edits, char sum[6][65])
{
    struct err err = {0};
    struct model *m = model_open(path, dev, 0, NULL, &err);
    struct model_state *state = state_new(m, 1);
    char *file = xasprintf("%s/%s.es", folder, name);
    struct session *s = session_open(file, true, false, &err);

    CHECK_STR(err.text, "");
    CHECK(weights_checksum(state, sum[0], NULL));
    for (int n = 1; n <= edits; n++) {
        struct edit_record r = edit_of(m, n);

        for (int i = 0; i < r.deltas; i++)
            delta_apply(state, &r.delta[i]);
        for (int i = 0; i < r.hooks; i++) {
            struct hook *h = hook_open(m, &r.hook[i], &err);

            state_add_hook(state, h);
            hook_release(h);
        }
        for (int i = 0; i < r.prefixes; i++)
            CHECK(state_add_prefix(state, r.prefix[i], &err));
        CHECK(weights_checksum(state, sum[n], &err));
        memcpy(r.checksum, sum[n], 65);
        CHECK(session_append(s, &r, &err));
        CHECK_STR(err.text, "");
        edit_record_free(&r);
    }
    session_close(s);
    free(file);
    state_free(state);
    model_close(m);
}

/* Checks that a command succeeds and prints this checksum. */
static void prints(const char *sum, const char *args)
{
    struct buf out = {0};
    int status = run(&out, "%s", args);

    if (status || !out.data || !strstr(out.data, sum)) {
        char *said = messages();

        printf("%s: status %d, not %.8s: %s %s\n", args, status, sum, out.data ? out.data : "",
               said);
        test_failures++;
        free(said);
    }
    buf_free(&out);
}

static void on(const char *sum, const char *path, const char *name, const char *command)
{
    char *args = xasprintf("%s -m %s -s %s/%s.es", command, path, folder, name);

    prints(sum, args);
    free(args);
}

static void json_holds_all(void)
{
    static const char *const words[] = {"In Oslo. ",    "\"block_out\"", "\"columns\"", "\"dense\"",
                                        "\"low rank\"", "\"gate\"",      "\"q\""};
    char *args = xasprintf("export --as json --to %s/all.json", folder), *text;
    char *path = xasprintf("%s/all.json", folder);

    on("all.json", GGUF, "all", args);
    text = file_read(path, 1 << 20, NULL, NULL);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (!text || !strstr(text, words[i]))
            CHECK_STR("the JSON", words[i]);
    free(text);
    free(path);
    free(args);
}

static void commands_as_on_any_session(void)
{
    char sum[6][65];

    make_session(GGUF, "all", 5, sum);
    for (int n = 1; n <= 5; n++)
        CHECK(strcmp(sum[n], sum[n - 1]) != 0);
    on(sum[5], GGUF, "all", "verify");
    on(sum[5], GGUF, "all", "log");
    for (int n = 4; n >= 0; n--)
        on(sum[n], GGUF, "all", "undo");
    for (int n = 1; n <= 5; n++) {
        char *redo = xasprintf("redo --edit %d", n);

        on(sum[n], GGUF, "all", redo);
        free(redo);
    }
    on(sum[5], GGUF, "all", "verify");
    json_holds_all();
}

/* An export that is applied to a new session gives the same bits. */
static void through_a_delta(const char *path, const char *name, const char *sum)
{
    char *to = xasprintf("export --as delta --to %s/%s.delta", folder, name);
    char *back = xasprintf("apply %s/%s.delta", folder, name);
    char *again = xasprintf("%s-again", name);

    on("exact", path, name, to);
    on(sum, path, again, back);
    on(sum, path, again, "verify");
    free(to);
    free(back);
    free(again);
}

static void exports(const char *path, const char *name, bool gguf, bool dense)
{
    char sum[6][65], *to;

    make_session(path, name, dense ? 3 : 2, sum);
    through_a_delta(path, name, sum[dense ? 3 : 2]);
    to = xasprintf("export --as safetensors --dtype f32 --to %s/%s-folder", folder, name);
    /* in a GGUF file the rows of q and k are in another order, and so are the sums */
    on(gguf ? "have the same next token" : "logits differ by at most 0 ", path, name, to);
    free(to);
    if (gguf) {
        to = xasprintf("export --as gguf --to %s/%s.gguf", folder, name);
        on("logits differ by at most 0 ", path, name, to);
        free(to);
    }
    if (!dense) { /* only the order of the sum differs */
        to = xasprintf("export --as lora --to %s/%s-lora", folder, name);
        on("0 % of the edit left out", path, name, to);
        free(to);
    }
}

static void every_exporter_of_every_matrix(void)
{
    exports(GGUF, "gguf", true, false);
    exports(GGUF, "gguf-dense", true, true);
    exports("tests/data/architectures/llama3", "folder", false, false);
    exports("tests/data/architectures/gemma3-nested", "nested", false, true);
    exports("tests/data/architectures/gpt2", "gpt2", false, true);
    exports("tests/data/architectures/gpt2/model.gguf", "gpt2-gguf", true, false);
}

/* A tensor of a file as floats. Caller frees. */
static float *tensor_of(const char *file, const char *name, long *rows, long *cols)
{
    char *path = xasprintf("%s/%s", folder, file);
    struct err err = {0};
    struct safetensors *st = safetensors_open(path, &err);
    const struct st_tensor *t = st ? safetensors_tensor(st, name) : NULL;
    float *x = NULL;

    CHECK_STR(err.text, "");
    CHECK(t != NULL);
    if (t) {
        x = xmalloc((size_t)st_tensor_elements(t) * sizeof(*x));
        st_tensor_floats(t, x);
        *rows = t->dim[0];
        *cols = t->dim[1];
    }
    safetensors_close(st);
    free(path);
    return x;
}

/* An adapter's product must be the difference between the exported folders of the edited model and
 * the base, also for q and k, whose rows are in another order in GGUF files. */
static void an_adapter_is_the_difference(void)
{
    static const char *const module[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                         "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                         "mlp.down_proj"};
    struct buf out = {0};

    CHECK(!run(&out, "export --as safetensors --state base --to %s/base -m " GGUF " -s %s/gguf.es",
               folder, folder));
    for (int i = 0; i < 7; i++) {
        char *name = xasprintf("model.layers.0.%s.weight", module[i]);
        char *a_name = xasprintf("base_model.model.model.layers.0.%s.lora_A.weight", module[i]);
        char *b_name = xasprintf("base_model.model.model.layers.0.%s.lora_B.weight", module[i]);
        long rows, cols, rank, more;
        float *base = tensor_of("base/model.safetensors", name, &rows, &cols);
        float *edited = tensor_of("gguf-folder/model.safetensors", name, &rows, &cols);
        float *b = tensor_of("gguf-lora/adapter_model.safetensors", b_name, &more, &rank);
        float *a = tensor_of("gguf-lora/adapter_model.safetensors", a_name, &rank, &more);
        double most = 0;

        CHECK(more == cols);
        for (long r = 0; base && edited && a && b && r < rows; r++)
            for (long c = 0; c < cols; c++) {
                double sum = (double)base[r * cols + c] - (double)edited[r * cols + c];

                for (long t = 0; t < rank; t++)
                    sum += (double)b[r * rank + t] * (double)a[t * cols + c];
                most = fmax(most, fabs(sum));
            }
        CHECK_NEAR(most, 0, 1e-6);
        free(base);
        free(edited);
        free(a);
        free(b);
        free(name);
        free(a_name);
        free(b_name);
    }
    buf_free(&out);
}

static void refusal(const char *path, const char *name, const char *as, const char *said)
{
    char *args = xasprintf("export --as %s --to %s/no.gguf -m %s -s %s/%s.es", as, folder, path,
                           folder, name);

    refused(2, "usage", said, args);
    free(args);
}

static void an_exporter_names_what_it_cannot_hold(void)
{
    struct buf out = {0};

    refusal(GGUF, "gguf-dense", "lora",
            "lora cannot hold the change of layer 1, o (dense) of edit 3; export as safetensors, "
            "gguf, delta, json");
    for (int i = 0; i < 4; i++) {
        static const char *const as[] = {"lora", "gguf", "safetensors", "delta"};
        char *want = xasprintf("%s cannot hold %s; export as json", as[i],
                               i ? "a hook (add) of edit 4" : "");

        refusal(GGUF, "all", as[i], i ? want : "lora cannot hold the change of layer 1, o (dense)");
        free(want);
    }
    CHECK(!run(&out, "undo --edit 4 -m " GGUF " -s %s/all.es", folder));
    refusal(GGUF, "all", "gguf", "gguf cannot hold a prefix of prompts of edit 5; export as json");
    CHECK(!run(&out, "export --as gguf --state edit:3 --to %s/three.gguf -m " GGUF " -s %s/all.es",
               folder, folder));
    buf_free(&out);
}

/* A user knows the method, not the kind of its hook. What it keeps is compared, and answers say
 * whether it took the prompt. */
static void a_hook_has_the_name_of_its_method(void)
{
    static const char *const said[][4] = {
        {"wise", "gguf cannot hold a side matrix (WISE) of edit ",
         "no weight differs\nside matrices at L2: 0 → 1\n",
         "routed to side matrix 1 of 1 at L2: distance "},
        {"grace", "gguf cannot hold a codebook (GRACE) of edit ",
         "no weight differs\nkeys at L2: 0 → 1\n", "routed to key 1 of 1 at L2: distance "},
        {"ike", "gguf cannot hold a text before every prompt (IKE) of edit ",
         "no weight differs\ntexts before prompts: 0 → 1\n", NULL}};
    struct buf out = {0};

    for (int i = 0; i < 3; i++) {
        CHECK(run(&out,
                  "edit -m " GGUF " -s %s/%s.es --subject A --prompt '{} is' --target B --set "
                  "edit.method=%s --set wise.steps=2 --set grace.steps=1",
                  folder, said[i][0], said[i][0]) != 2);
        refusal(GGUF, said[i][0], "gguf", said[i][1]);
        refusal(GGUF, said[i][0], "gguf", "1; export as json, or undo the edit first");
        CHECK(!run(&out, "diff -m " GGUF " -s %s/%s.es --to 1", folder, said[i][0]));
        CHECK(strstr(out.data, said[i][2]) != NULL);
        CHECK(!run(&out, "query -m " GGUF " -s %s/%s.es --state both --top 0 'A is'", folder,
                   said[i][0]));
        CHECK(said[i][3] ? strstr(out.data, said[i][3]) != NULL : !strstr(out.data, "routed"));
    }
    buf_free(&out);
}

/* GPT-2 has q, k and v in one tensor: its unedited parts must not change in any kind of file. */
static void part_of_a_fused_tensor(const char *path, const char *name, bool gguf)
{
    struct err err = {0};
    struct model *m = model_open(path, dev, 0, NULL, &err);
    struct model_state *state = state_new(m, 1);
    struct edit_record r = edit_of(m, 6);
    char *file = xasprintf("%s/%s.es", folder, name), sum[65], *to;
    struct session *s = session_open(file, true, false, &err);

    r.delta[r.deltas++] = delta_of(m, 1, MATRIX_K, DELTA_COLUMNS);
    r.delta[r.deltas++] = delta_of(m, 0, MATRIX_V, DELTA_LOW_RANK);
    for (int i = 0; i < r.deltas; i++)
        delta_apply(state, &r.delta[i]);
    CHECK(weights_checksum(state, sum, &err) && session_append(s, &r, &err));
    CHECK_STR(err.text, "");
    edit_record_free(&r);
    session_close(s);
    state_free(state);
    model_close(m);
    through_a_delta(path, name, sum);
    for (int i = 0; i < (gguf ? 3 : 2); i++) {
        static const char *const as[] = {"lora", "safetensors --dtype f32", "gguf"};

        to = xasprintf("export --as %s --to %s/%s.%d.gguf", as[i], folder, name, i);
        on(i ? "logits differ by at most 0 " : "0 % of the edit left out", path, name, to);
        free(to);
    }
    free(file);
}

static void parts_of_a_fused_tensor(void)
{
    part_of_a_fused_tensor("tests/data/architectures/gpt2", "fused", false);
    part_of_a_fused_tensor("tests/data/architectures/gpt2/model.gguf", "fused-gguf", true);
}

static void begin(void)
{
    dev = device_open(&device_cpu, 0, 1, NULL);
}

static void end(void)
{
    device_close(dev);
}

static const struct test tests[] = {
    {"a device", begin},
    {"commands as on any session", commands_as_on_any_session},
    {"every exporter of every matrix", every_exporter_of_every_matrix},
    {"an adapter is the difference of two folders", an_adapter_is_the_difference},
    {"an exporter names what it cannot hold", an_exporter_names_what_it_cannot_hold},
    {"a hook has the name of its method", a_hook_has_the_name_of_its_method},
    {"parts of a fused tensor", parts_of_a_fused_tensor},
    {"the device closes", end},
};

int main(void)
{
    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
