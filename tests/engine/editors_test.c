/* Every editing method there is, by its row alone: edits, undo, redo, an edit taken from the middle
 * and a session opened again give the same bits, and so does the next edit; and what a method of
 * one layer promises. */
#include "core/edit/editors/editors.h"
#include "core/engine/bus.h"
#include "tests/doubles/device_far.h"
#include "tests/engine/small.h"

/* A model of each architecture of the model table. The first three are a plain one, one without
 * gates that has biases, and one with norms behind its FFNs. */
static const char *const models[] = {"llama3", "gpt2", "gemma3", "qwen2", "qwen3", "mistral"};
enum { MODELS = sizeof(models) / sizeof(*models), KINDS = 3 };
/* What they are edited on. */
static const struct device_ops *device = &device_cpu;

/* NULL: the model of 512 tokens. */
static struct engine *start_on(const char *model, const char *session)
{
    static const char two[] = "It. \nSo. \n"; /* the small models hold 32 tokens, bytes */
    char *file = in_home("prefixes.txt");
    char *path = model ? xasprintf("tests/data/architectures/%s/model.gguf", model) : xstrdup(tiny);
    struct engine *e;

    CHECK(file_write(file, two, sizeof(two) - 1, NULL));
    free(prefixes);
    prefixes = file;
    e = start(path, device, session, false);
    free(path);
    return e;
}

static struct command fact(int method, enum command_kind kind, const char *target)
{
    static const char *const set[] = {"edit.layers=1",        "stats.tokens=2048", "edit.v_steps=8",
                                      "edit.v_kl=0",          "ft.steps=4",        "grace.steps=4",
                                      "crispedit.tokens=512", "crispedit.steps=4", "memoir.steps=8",
                                      "wise.steps=8",         "wise.beta=1",       "wise.gamma=0.5",
                                      "wise.alpha=0.2"};
    struct command c = command(kind, "Al", target);

    for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
        CHECK(params_assign(&c.params, set[i], FROM_COMMAND_LINE, NULL));
    c.params.value[P_EDIT_METHOD] = method;
    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup("{}");
    free(c.facts[0].old);
    c.facts[0].old = xstrdup("b");
    return c;
}

static struct command number(enum command_kind kind, int edit)
{
    struct command c = command(kind, NULL, NULL);

    c.edit = edit;
    return c;
}

/* The report of a preview, and the losses on the way. */
struct told {
    struct edit_report report;
    struct target_step step[2]; /* the first and the last */
    int steps;
};

static struct told preview(struct engine *e, struct command c)
{
    unsigned job = engine_post(e, &c);
    struct told t = {0};
    struct event ev;
    bool over = false;

    while (!over && next_event(e, &ev)) {
        if (ev.kind == EV_STEP)
            t.step[t.steps++ > 0] = *ev.step;
        if (ev.kind == EV_PREVIEW)
            t.report = *ev.edit_report;
        if (ev.kind == EV_FAILED)
            CHECK_STR(ev.err.text, "");
        over = ends_job(&ev, job);
        event_free(&ev);
    }
    return t;
}

/* What the next edit would give: it may depend on what past edits left. */
static void next_edit(struct engine *e, int method, char checksum[65])
{
    memcpy(checksum, preview(e, fact(method, CMD_PREVIEW, "z")).report.checksum, 65);
}

static void bits_come_back(const char *model, int method)
{
    static const char *const target[] = {"k", "xy", "m"};
    char *file = in_home("one.es");
    struct engine *e = start_on(model, file);
    struct job_result state[4] = {wait_until_open(e)}, without, again;
    char next[65], other[65];

    for (int i = 0; i < 3; i++) {
        state[i + 1] = run_command(e, fact(method, CMD_COMMIT, target[i]));
        CHECK(state[i + 1].edits == i + 1 && state[i + 1].unmasked_unchanged);
        CHECK(strcmp(state[i + 1].checksum, state[i].checksum) != 0);
    }
    next_edit(e, method, next);
    CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, state[2].checksum);
    CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, state[3].checksum);
    next_edit(e, method, other);
    CHECK_STR(other, next);
    without = run_command(e, number(CMD_UNDO, 2));
    CHECK(without.edits == 2 && strcmp(without.checksum, state[3].checksum) != 0);
    CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
    engine_stop(e);

    e = start_on(model, file);
    again = wait_until_open(e);
    CHECK_STR(again.checksum, without.checksum);
    CHECK_STR(run_command(e, number(CMD_REDO, 2)).checksum, state[3].checksum);
    next_edit(e, method, other);
    CHECK_STR(other, next);
    CHECK_STR(run_command(e, number(CMD_UNDO, 1)).checksum,
              run_command(e, command(CMD_VERIFY, NULL, NULL)).checksum);
    engine_stop(e);
    CHECK(!unlink(file));
    free(file);
}

static void methods_give_their_bits_back(int count)
{
    for (int m = 0; m < count; m++)
        for (int method = 0; method < METHODS; method++) {
            int before = test_failures;

            /* the texts of three facts are longer than what the others hold */
            bits_come_back(method == METHOD_IKE ? NULL : models[m], method);
            if (test_failures > before)
                printf("    %s on %s\n", editor_by_method(method)->name, models[m]);
        }
}

static void every_method_gives_its_bits_back(void)
{
    methods_give_their_bits_back(MODELS);
}

/* A device whose memory the host cannot read, as a GPU's. */
static void on_a_far_device_too(void)
{
    device = &device_far;
    methods_give_their_bits_back(1);
    device = &device_cpu;
}

/* What is written at the subject's last token is what the model says next. ROME's update gives the
 * key exactly the value that was asked for; a fine-tuned matrix has a smaller loss. Two facts at
 * once work as well. */
static void methods_of_one_layer(void)
{
    for (int m = 0; m < KINDS; m++)
        for (int method = 0; method < METHODS; method++) {
            const struct editor_ops *editor = editor_by_method(method);
            struct command two = fact(method, CMD_PREVIEW, "k");
            struct engine *e;
            struct told t;

            if (!editor->layer) {
                command_free(&two);
                continue;
            }
            e = start_on(models[m], NULL);
            wait_until_open(e);
            t = preview(e, fact(method, CMD_PREVIEW, "k"));
            if (*t.report.beside) { /* a codebook: no weight changes */
                CHECK(!t.report.layers && strstr(t.report.beside, "L1"));
            } else {
                CHECK(t.report.layers == 1 && t.report.layer[0].layer == 1);
                CHECK(t.report.layer[0].delta_norm > 0 && t.report.layer[0].weight_norm > 0);
            }
            CHECK(t.report.p_after > t.report.p_before);
            CHECK(t.steps > 1 && t.step[1].loss < t.step[0].loss);
            if (editor->solve) {
                CHECK_NEAR(t.report.layer[0].gain, 1, 1e-6);
                CHECK(t.report.z_error < 1e-4);
            }
            two.facts = xrealloc(two.facts, 2 * sizeof(*two.facts));
            two.facts[1] = fact_copy(&two.facts[0]);
            free(two.facts[1].prompt);
            two.facts[1].prompt = xstrdup("Then {}");
            two.count = 2;
            t = preview(e, two);
            CHECK(t.report.facts == 2 && t.report.layers == !*t.report.beside);
            engine_stop(e);
        }
}

/* A layer that the model does not have is refused by the name of its parameter. */
static void layers_are_checked(void)
{
    struct engine *e = start_on("llama3", NULL);
    struct job_result h = {0};
    struct command c = fact(METHOD_ROME, CMD_PREVIEW, "k");
    unsigned job;

    wait_until_open(e);
    c.params.value[P_ROME_LAYER] = 77;
    job = engine_post(e, &c);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    CHECK(h.err.kind == ERR_USAGE && strstr(h.err.text, "rome.layer: layer 77"));
    engine_stop(e);
}

static const struct test tests[] = {
    {"bits of every method: undo, redo, from the middle, opened again",
     every_method_gives_its_bits_back},
    {"the same on a far device", on_a_far_device_too},
    {"methods of one layer", methods_of_one_layer},
    {"the layer of a method is checked", layers_are_checked},
};

int main(void)
{
    return small_main(tests, sizeof(tests) / sizeof(*tests));
}
