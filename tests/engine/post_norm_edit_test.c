/* One fact written into three layers of a model with a norm behind each FFN, against the same edit
 * made with transformers in float64 (tests/reference/post_norm.py): gains, residuals, norms, and
 * the probability before and after. */
#include "core/model/safetensors.h"
#include "tests/engine/architectures.h"
#include "tests/engine/small.h"

enum { EDITED = 3, WIDTH = 32 };

static struct safetensors *golden;

/* A golden tensor of n numbers. Caller frees. */
static float *golden_edit(const char *name, long n)
{
    const struct st_tensor *t = safetensors_tensor(golden, name);
    float *x = xcalloc((size_t)n, sizeof(*x));

    CHECK(t && st_tensor_elements(t) == n);
    if (t && st_tensor_elements(t) == n)
        st_tensor_floats(t, x);
    return x;
}

static struct command golden_command(void)
{
    static const char *const set[][2] = {
        {"attr.prefixes", "0"}, {"edit.layers", "1,2,4"}, {"edit.method", "memit"},
        {"edit.lambda", "0.3"}, {"stats.tokens", "2048"},
    };
    struct command c = command(CMD_COMMIT, "Al", "k");

    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup("{}");
    for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
        CHECK(params_set(&c.params, set[i][0], set[i][1], FROM_COMMAND_LINE, NULL));
    c.z = golden_edit("edit.z", WIDTH);
    return c;
}

static bool is_near(double got, float want)
{
    bool near = fabs(got - (double)want) <= 1e-4 * fabs((double)want);

    if (!near)
        printf("    %.7g, not %.7g\n", got, (double)want);
    return near;
}

static void compare_report(const struct edit_report *a)
{
    float *gain = golden_edit("edit.gain_mask", EDITED),
          *left = golden_edit("edit.residual", EDITED);
    float *norm = golden_edit("edit.delta_norm", EDITED), *p = golden_edit("edit.p", 2);
    float *error = golden_edit("edit.z_error", 1);

    CHECK(a->layers == EDITED);
    for (int i = 0; i < EDITED; i++) {
        CHECK(is_near(a->layer[i].gain_mask, gain[i]));
        CHECK(is_near(a->layer[i].residual, left[i]));
        CHECK(is_near(a->layer[i].delta_norm, norm[i]));
    }
    CHECK(is_near(a->z_error, error[0]));
    CHECK(is_near(a->p_before, p[0]));
    CHECK(is_near(a->p_after, p[1]));
    free(gain);
    free(left);
    free(norm);
    free(p);
    free(error);
}

/* The edit of the golden file, from a folder and from GGUF; undone it gives the base's bits. */
static void three_layers_with_norms(void)
{
    static const char *const file[] = {FOLDER "gemma3", FOLDER "gemma3/model.gguf"};
    const size_t bytes = 2060; /* 2048 tokens and a few: the windows that the reference reads */

    copy("samples/text/wikitext2-test.txt", text, bytes);
    for (int i = 0; i < 2; i++) {
        struct engine *e = start(file[i], &device_cpu, NULL, false);
        struct job_result base = wait_until_open(e);
        struct command c = golden_command();
        unsigned job = engine_post(e, &c);
        bool done = false, compared = false;
        struct event ev;

        while (!done && next_event(e, &ev)) {
            done = ends_job(&ev, job);
            if (ev.kind == EV_FAILED)
                CHECK_STR(ev.err.text, "");
            if (ev.kind == EV_COMMIT) {
                compare_report(ev.edit_report);
                compared = true;
            }
            event_free(&ev);
        }
        CHECK(compared);
        CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
        engine_stop(e);
    }
}

static const struct test tests[] = {
    {"three layers with a norm behind each FFN", three_layers_with_norms},
};

int main(void)
{
    struct err err = {0};
    int status;

    golden = safetensors_open("tests/data/goldens/post_norm.safetensors", &err);
    CHECK_STR(err.text, "");
    if (!golden)
        return 1;
    status = small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    safetensors_close(golden);
    return status;
}
