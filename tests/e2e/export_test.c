/* The commands export and apply: output, exit status and files. On a tiny model with an edit made
 * here. */
#include "core/base/digest.h"
#include "tests/e2e/command.h"

#define TINY "tests/data/architectures/llama2"

static char options[256]; /* options of commands on the tiny model */

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void write_delta(void)
{
    static const struct st_meta meta[] = {
        {"kind", "editscope-delta"},
        {"facts", "[{\"subject\":\"ab\",\"prompt\":\"{} a\",\"target_new\":\"b\"}]"},
    };
    struct safetensors *st = safetensors_open(TINY "/model.safetensors", NULL);
    const struct st_tensor *down =
        st ? safetensors_tensor(st, "model.layers.1.mlp.down_proj.weight") : NULL;
    long d = down ? down->dim[0] : 1, m = down ? down->dim[1] : 1;
    float *x = xcalloc((size_t)(d + m), sizeof(*x));
    struct st_tensor t[] = {
        {"blk.1.ffn_down.weight.delta_u", ST_F32, 2, {d, 1}, x, 0},
        {"blk.1.ffn_down.weight.delta_v", ST_F32, 2, {1, m}, x + d, 0},
    };
    char *path = in_folder("change.safetensors");

    CHECK(down != NULL);
    for (long i = 0; i < d + m; i++)
        x[i] = 0.1F * (float)(i % 7 - 3);
    CHECK(safetensors_save(path, t, 2, meta, 2, NULL));
    safetensors_close(st);
    free(path);
    free(x);
}

static void prepare(void)
{
    char *prefixes = in_folder("prefixes.txt");

    CHECK(file_write(prefixes, "a. \n", 4, NULL));
    snprintf(options, sizeof(options), "-m " TINY " -s %s/a.es --json", folder);
    free(prefixes);
    write_delta();
}

static void apply_a_delta(void)
{
    struct buf out = {0};
    json_t *o;

    prepare();
    CHECK(run(&out, "apply %s %s/change.safetensors", options, folder) == 0);
    o = event(&out, "applied", 0);
    CHECK(json_integer_value(json_object_get(o, "edits")) == 1);
    CHECK(strlen(text_of(o, "checksum")) == 64);
    json_decref(o);
    CHECK(run(&out, "verify %s", options) == 0);
    CHECK(run(&out, "log %s", options) == 0);
    CHECK(out.data && strstr(out.data, "applied from change.safetensors"));
    buf_free(&out);
}

/* Checks that every listed file exists with the listed size and hash. */
static void check_files(const json_t *o, const char *to, bool many)
{
    const json_t *files = json_object_get(o, "files"), *f;
    size_t i, len = 0;

    CHECK(json_array_size(files) > 0);
    json_array_foreach(files, i, f)
    {
        char *path = many ? xasprintf("%s/%s", to, text_of(f, "path")) : xstrdup(to);
        char *bytes = file_read(path, 1 << 24, &len, NULL), hex[65] = "";

        CHECK(bytes && len == (size_t)json_integer_value(json_object_get(f, "bytes")));
        if (bytes)
            sha256_of(bytes, len, hex);
        CHECK_STR(text_of(f, "sha256"), hex);
        free(bytes);
        free(path);
    }
}

static void every_exporter(void)
{
    static const char *const kinds[] = {"safetensors", "lora", "delta", "json"};
    struct buf out = {0};

    for (int i = 0; i < 4; i++) {
        char *to = in_folder(kinds[i]);
        json_t *o;

        CHECK(run(&out, "export %s --as %s --to %s", options, kinds[i], to) == 0);
        o = event(&out, "exported", 0);
        CHECK_STR(text_of(o, "as"), kinds[i]);
        check_files(o, to, i < 2);
        if (i < 3)
            CHECK(json_is_number(json_object_get(o, "max_logit_diff")));
        json_decref(o);
        CHECK(run(&out, "export %s --as %s --to %s", options, kinds[i], to) == 2); /* exists */
        CHECK(run(&out, "export %s --as %s --to %s --force", options, kinds[i], to) == 0);
        free(to);
    }
    CHECK(run(&out, "tokens -m %s/safetensors --json ab", folder) == 0);
    CHECK(run(&out, "export -m " TINY "/model.gguf --state base --as safetensors --to %s/base",
              folder) == 0);
    CHECK(out.data && strstr(out.data, "reopened: logits"));
    buf_free(&out);
}

static void refusals(void)
{
    char args[512];

    snprintf(args, sizeof(args), "export -m " TINY " -s %s/a.es --to x", folder);
    refused(2, "usage", "--as safetensors", args);
    snprintf(args, sizeof(args), "export -m " TINY " -s %s/a.es --as lora", folder);
    refused(2, "usage", "--to PATH", args);
    refused(2, "usage", "-s FILE", "export -m " TINY " --as lora --to x");
    snprintf(args, sizeof(args), "export -m " TINY " -s %s/a.es --as lora --to %s/n/o/p", folder,
             folder);
    refused(1, "io", "/n/o", args);
    snprintf(args, sizeof(args), "export -m " TINY " -s %s/a.es --as lora --state edit:9 --to %s/x",
             folder, folder);
    refused(2, "usage", "no active edit 9", args);
    snprintf(args, sizeof(args),
             "export -m " TINY " -s %s/a.es --as safetensors --to " TINY " "
             "--force",
             folder);
    refused(2, "usage", "the model or the session itself", args);
    /* a delta of another model */
    snprintf(args, sizeof(args), "apply -m tests/data/architectures/llama3 -s %s/b.es %s/delta",
             folder, folder);
    refused(5, "state", "another model", args);
}

static const struct test tests[] = {
    {"apply a delta", apply_a_delta},
    {"every exporter", every_exporter},
    {"refusals", refusals},
};

int main(void)
{
    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
