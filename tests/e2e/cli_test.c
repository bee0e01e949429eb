/* The commands as a user runs them: what they print, what they exit with, what they leave behind.
 * Models: the default one, and a small one. The program: $EDITSCOPE, else build/editscope. */
#include "tests/e2e/command.h"

static void usage(void)
{
    struct buf out = {0};

    CHECK(run(&out, "--version") == 0);
    CHECK(out.data && !strncmp(out.data, "editscope ", 10));
    CHECK(run(&out, "--help") == 0);
    CHECK(out.data && strstr(out.data, "attribute") && strstr(out.data, "alpha_ge"));
    CHECK(run(&out, "edit --help") == 0);
    CHECK(out.data && strstr(out.data, "--draft"));
    CHECK(run(&out, "keys") == 0);
    CHECK(out.data && strstr(out.data, "commit"));
    CHECK(run(&out, "config --default") == 0);
    CHECK(out.data && strstr(out.data, "ratio.ge.a = 0.1"));
    buf_free(&out);
    refused(2, "usage", "nearest is 'ratio.ge.a'", "attribute --set ratio.ge.aa=1");
    refused(2, "usage", "out of range", "attribute --set alpha_ge=-7");
    refused(2, "usage", "unknown option --bogus", "edit --bogus");
    refused(2, "usage", "neither a command", "frobnicate");
    refused(2, "usage", "-s FILE", "edit " EIFFEL);
    refused(2, "usage", "--subject is missing", "edit -s x.es");
    refused(2, "usage", "subject is empty",
            "edit -s x.es --subject '' --prompt 'The {} is' --target Rome");
    refused(2, "usage", "put {} where it goes",
            "edit -s x.es --subject 'Eiffel Tower' --prompt 'The capital is' --target Rome");
}

static void config_and_preset(void)
{
    struct buf out = {0};
    char *path = xasprintf("%s/mine.conf", folder);
    const char text[] = "# mine\nalpha_ge = 0.2\nbeta_ge = 0.25\n";

    CHECK(file_write(path, text, sizeof(text) - 1, NULL));
    CHECK(run(&out, "config --config %s --set beta_ge=0.4", path) == 0);
    CHECK(out.data && strstr(out.data, "ratio.ge.a = 0.2\n"));
    CHECK(out.data && strstr(out.data, "ratio.ge.b = 0.4\n"));
    CHECK(run(&out, "config --preset %s", path) == 0);
    CHECK(out.data && strstr(out.data, "ratio.ge.b = 0.25\n"));
    CHECK(run(&out, "config --official") == 0);
    CHECK(out.data && strstr(out.data, "select.rule = quantile_ge\n"));
    CHECK(run(&out, "config --preset none-such") == 2);
    buf_free(&out);
    free(path);
}

/* A preset is found by what the model is, in the user's folder too; the file's name is nothing. */
static void presets_of_models(void)
{
    static const char text[] = "[preset]\nmodel = llama-3-32-48-96\nfor = many\n"
                               "[parameters]\nalpha_ge = 0.2\n";
    static const char tiny[] = "config -m tests/data/architectures/llama3/model.gguf";
    char *mine = xasprintf("%s/editscope/presets/mine.conf", folder);
    struct buf out = {0};

    CHECK(run(&out, "%s", tiny) == 0);
    CHECK(strstr(out.data, "edit.lambda = auto\n") && strstr(out.data, "edit.v_lr = auto\n"));
    CHECK(run(&out, "%s --preset paper", tiny) == 0);
    CHECK(strstr(out.data, "edit.lambda = 1\n") && strstr(out.data, "edit.v_lr = 0.5\n"));
    CHECK(run(&out, "%s --preset many", tiny) == 2); /* none yet */
    CHECK(file_make_parents(mine, NULL) && file_write(mine, text, sizeof(text) - 1, NULL));
    CHECK(run(&out, "%s", tiny) == 0 && strstr(out.data, "ratio.ge.a = 0.1\n"));
    CHECK(run(&out, "%s --preset many", tiny) == 0 && strstr(out.data, "ratio.ge.a = 0.2\n"));
    if (model) {
        char *link = xasprintf("%s/any-name.gguf", folder);

        CHECK(!symlink(model, link));
        CHECK(run(&out, "config -m %s", link) == 0);
        CHECK(strstr(out.data, "mask.compensate = gain\n"));
        CHECK(run(&out, "config -m %s --preset many", link) == 0);
        CHECK(strstr(out.data, "mask.compensate = auto\n") &&
              strstr(out.data, "ratio.ge.b = 0.6\n"));
        free(link);
    }
    buf_free(&out);
    free(mine);
}

static void no_model(void)
{
    char *cut = xasprintf("%s/cut.gguf", folder), *args;
    size_t n;
    char *bytes;

    refused(4, "model", "make run", "query -m /none/such.gguf hello");
    refused(4, "model", "/none/such", "tokens -m /none/such.gguf hello");
    if (!model)
        SKIP("the default model is missing: run `make model`");
    bytes = file_read(model, (size_t)1 << 30, &n, NULL);
    CHECK(bytes && file_write(cut, bytes, 5000000, NULL));
    free(bytes);
    args = xasprintf("query -m %s hello", cut);
    refused(4, "model", "cut.gguf", args);
    free(args);
    free(cut);
}

static void tokens(void)
{
    struct buf out = {0};
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    /* ids by the `tokenizers` package, tests/reference/tokens.py */
    CHECK(run(&out, "tokens --json 'The Eiffel Tower'") == 0);
    o = event(&out, NULL, 0);
    CHECK(json_integer_value(json_array_get(json_object_get(o, "ids"), 0)) == 504);
    CHECK_STR(json_string_value(json_array_get(json_object_get(o, "pieces"), 3)), " Tower");
    json_decref(o);
    CHECK(run(&out, "tokens --decode '504, 414,46682 18669'") == 0);
    CHECK_STR(out.data, "The Eiffel Tower\n");
    buf_free(&out);
    refused(2, "usage", "no token 9999999", "tokens --decode 9999999");
}

static void query(void)
{
    struct buf out = {0};
    json_t *o, *next;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(run(&out, "query --json -n 1 --top 3 'The capital of France is'") == 0);
    o = event(&out, "answer", 0);
    CHECK_STR(text_of(o, "state"), "base");
    CHECK_STR(text_of(o, "completion"), " Paris");
    next = json_object_get(o, "next");
    CHECK(json_array_size(next) == 3);
    CHECK(json_number_value(json_object_get(json_array_get(next, 0), "logprob")) < 0);
    json_decref(o);
    buf_free(&out);
}

static double first_logit(const char *changes)
{
    struct buf out = {0};
    json_t *o;
    double logit;

    CHECK(run(&out, "query --json -n 1 %s 'The capital of France is'", changes) == 0);
    o = event(&out, "answer", 0);
    logit =
        json_number_value(json_object_get(json_array_get(json_object_get(o, "next"), 0), "logit"));
    CHECK(json_integer_value(json_object_get(o, "changed")) == (*changes ? 2 : 0));
    json_decref(o);
    buf_free(&out);
    return logit;
}

static void asked_otherwise(void)
{
    struct buf out = {0};
    double plain;
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(run(&out, "query --json --chat -n 20 'What is the capital of France?'") == 0);
    o = event(&out, "answer", 0);
    CHECK_STR(text_of(o, "completion"), "The capital of France is Paris.");
    CHECK(json_is_true(json_object_get(o, "chat")));
    json_decref(o);
    buf_free(&out);
    plain = first_logit("");
    CHECK(first_logit("--neuron L5N912*1 --neuron L6N0*1") == plain);
    CHECK(first_logit("--neuron L5N912=20 --neuron L6N0*1") != plain);
    refused(2, "usage", "no neuron L30N0: layers 0 to 29", "query --neuron L30N0=0 hello");
    refused(2, "usage", "--neuron L5: not of the form", "query --neuron L5 hello");
    refused(2, "usage", "--neuron L5N1=x: not of", "query --neuron L5N1=x hello");
    refused(2, "usage", "not of the form", "query --neuron L5N1=1e99 hello");
}

static void attribute(void)
{
    struct buf out = {0};
    char *path = xasprintf("%s/run.safetensors", folder);
    struct safetensors *st;
    const struct st_tensor *t;
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(run(&out,
              "attribute " EIFFEL "--prefixes tests/data/goldens/prefixes.txt --layers 4,6 "
              "--top 2 --json -o %s",
              path) == 0);
    o = event(&out, "meta", 0);
    CHECK(json_integer_value(json_object_get(o, "N")) == 6);
    json_decref(o);
    o = event(&out, "layer", 0);
    CHECK(json_integer_value(json_object_get(o, "layer")) == 4);
    CHECK(json_array_size(json_object_get(o, "rows")) == 6);
    CHECK(json_array_size(json_object_get(o, "top")) == 2);
    CHECK(json_object_get(json_array_get(json_object_get(o, "top"), 1), "promotes") != NULL);
    json_decref(o);
    o = event(&out, "layer", 1);
    CHECK(o && !json_object_get(o, "rows"));
    json_decref(o);
    o = event(&out, "done", 0);
    CHECK(json_integer_value(json_object_get(o, "layers")) == 2);
    json_decref(o);
    st = safetensors_open(path, NULL);
    t = st ? safetensors_tensor(st, "scores.6") : NULL;
    CHECK(t && t->ndim == 2 && t->dim[0] == 6 && t->dim[1] == 1536 && t->type == ST_F32);
    t = st ? safetensors_tensor(st, "mask.4") : NULL;
    CHECK(t && t->ndim == 1 && t->type == ST_U8);
    o = st ? json_loads(safetensors_meta(st, "run"), 0, NULL) : NULL;
    CHECK(json_array_size(o) == 3);
    json_decref(o);
    if (st)
        safetensors_close(st);
    buf_free(&out);
    free(path);
}

static void checksum_of(const char *command, const char *session, char checksum[65])
{
    struct buf out = {0};
    json_t *o;

    CHECK(run(&out, "%s -s %s/%s --json", command, folder, session) == 0);
    o = event(&out, NULL, 0);
    snprintf(checksum, 65, "%s", text_of(o, "checksum"));
    json_decref(o);
    buf_free(&out);
}

static void edit_and_back(void)
{
    struct buf out = {0};
    char edited[65], base[65], again[65];
    json_t *o;
    int rc;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    rc = run(&out, "edit -s %s/a.es " EIFFEL QUICK "--draft --json", folder);
    o = event(&out, "done", 0);
    CHECK(o != NULL);
    CHECK(rc == (json_is_true(json_object_get(o, "success")) ? 0 : 3));
    CHECK(json_is_true(json_object_get(o, "unmasked_unchanged")));
    CHECK(json_number_value(json_object_get(json_object_get(o, "p_first"), "after")) >
          10 * json_number_value(json_object_get(json_object_get(o, "p_first"), "before")));
    snprintf(edited, sizeof(edited), "%s", text_of(o, "checksum"));
    json_decref(o);
    for (int i = 0; i < 3; i++) {
        static const char *const needed[] = {"step", "commit", "verify"};

        o = event(&out, needed[i], 0);
        CHECK(o != NULL);
        json_decref(o);
    }
    checksum_of("verify", "a.es", again);
    CHECK_STR(again, edited);
    checksum_of("undo", "a.es", base);
    CHECK(strcmp(base, edited) != 0);
    checksum_of("verify", "a.es", again);
    CHECK_STR(again, base);
    checksum_of("redo", "a.es", again);
    CHECK_STR(again, edited);
    CHECK(run(&out, "log -s %s/a.es --json", folder) == 0);
    o = event(&out, "edit", 0);
    CHECK_STR(text_of(o, "subject"), "Eiffel Tower");
    CHECK_STR(text_of(o, "target"), "Rome");
    CHECK_STR(text_of(o, "checksum"), edited);
    CHECK(json_is_true(json_object_get(o, "active")));
    json_decref(o);
    buf_free(&out);
}

static void many_and_preview(void)
{
    struct buf out = {0};
    char *facts = xasprintf("%s/facts.jsonl", folder), before[65], after[65];
    const char text[] =
        "{\"subject\":\"Japan\",\"prompt\":\"The currency of {} is the\",\"target_new\":\"euro\"}\n"
        "{\"subject\":\"Danielle Darrieux\",\"prompt\":\"The mother tongue of {} is\","
        "\"target_new\":\"English\"}\n";
    json_t *o;

    CHECK(file_write(facts, text, sizeof(text) - 1, NULL));
    /* made, and it does not hold: the model knows nothing */
    CHECK(run(&out, "edit -s %s/small.es " EIFFEL SMALL "--json", folder) == 3);
    checksum_of("verify", "small.es", before);
    CHECK(run(&out, "edit -s %s/small.es " EIFFEL SMALL "--draft --preview --json", folder) == 0);
    o = event(&out, "preview", 0);
    CHECK(o && strcmp(text_of(o, "checksum"), before) != 0);
    json_decref(o);
    checksum_of("verify", "small.es", after);
    CHECK_STR(after, before);
    run(&out, "edit -s %s/small.es --facts %s --batch 2 " SMALL "--draft --json", folder, facts);
    o = event(&out, "done", 1);
    CHECK_STR(text_of(o, "subject"), "Danielle Darrieux");
    json_decref(o);
    o = event(&out, "summary", 0);
    CHECK(json_integer_value(json_object_get(o, "facts")) == 2);
    CHECK(json_integer_value(json_object_get(o, "edits")) == 1);
    json_decref(o);
    checksum_of("undo", "small.es", after);
    CHECK_STR(after, before);
    CHECK(run(&out, "undo -s %s/small.es --edit 7", folder) == 2);
    buf_free(&out);
    free(facts);
}

static void other_model_and_held(void)
{
    char *other = xasprintf("%s/other.gguf", folder), *args, *bytes;
    char *lock = xasprintf("%s/a.es.lock", folder);
    struct buf out = {0};
    size_t n;
    int fd;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    bytes = file_read(model, (size_t)1 << 30, &n, NULL);
    if (bytes)
        bytes[n - 100] ^= 1; /* one weight of the last tensor */
    CHECK(bytes && file_write(other, bytes, n, NULL));
    free(bytes);
    args = xasprintf("verify -m %s -s %s/a.es", other, folder);
    refused(5, "state", "a.es", args);
    free(args);
    unlink(other);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    args = xasprintf("undo -s %s/a.es", folder);
    refused(6, "held", "a.es", args);
    free(args);
    CHECK(run(&out, "log -s %s/a.es", folder) == 0); /* who only reads needs no lock */
    buf_free(&out);
    if (fd >= 0)
        close(fd);
    free(lock);
    free(other);
}

static void interrupted(void)
{
    const char *program = getenv("EDITSCOPE");
    char *session = xasprintf("%s/b.es", folder), *lock = xasprintf("%s.lock", session);
    int status = 0;
    pid_t child;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    child = fork();
    if (child == 0) {
        freopen("/dev/null", "w", stdout);
        freopen("/dev/null", "w", stderr);
        execl(program ? program : "build/editscope", "editscope", "edit", "-s", session,
              "--subject", "Eiffel Tower", "--prompt", "The {} is in", "--target", "Rome",
              (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 600 && !file_exists(session); i++) /* until it is at work */
        usleep(100000);
    usleep(500000);
    kill(child, SIGINT);
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    CHECK(!file_exists(session) && !file_exists(lock)); /* nothing was written */
    free(lock);
    free(session);
}

int main(void)
{
    static const struct test tests[] = {
        {"usage", usage},
        {"config_and_preset", config_and_preset},
        {"presets of models", presets_of_models},
        {"no_model", no_model},
        {"tokens", tokens},
        {"query", query},
        {"asked_otherwise", asked_otherwise},
        {"attribute", attribute},
        {"edit_and_back", edit_and_back},
        {"many_and_preview", many_and_preview},
        {"other_model_and_held", other_model_and_held},
        {"interrupted", interrupted},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
