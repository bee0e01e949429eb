/* sweep, tune, diff and bisect as a user runs them, the last two on the default model. */
#include <math.h>

#include "tests/e2e/command.h"

static void refusals(void)
{
    refused(2, "usage", "--grid", "sweep " EIFFEL);
    refused(2, "usage", "alpha_gee", "sweep --grid alpha_gee=1 " EIFFEL);
    refused(2, "usage", "'0..1'", "sweep --grid beta_ge=0..1 " EIFFEL);
    refused(2, "usage", "--subject is missing", "sweep --grid beta_ge=.1");
    refused(2, "usage", "--grid or --arm", "sweep --grid beta_ge=.1 --arm a: " EIFFEL);
    refused(2, "usage", "--arm a", "sweep --arm 'a: beta_gee=.1' " EIFFEL);
    refused(2, "usage", "no name", "sweep --arm ': beta_ge=.1' " EIFFEL);
    refused(2, "usage", "leave out -s", "sweep --in-a-row --arm a: -s x.es " EIFFEL);
    refused(2, "usage", "--to", "diff -s x.es");
    refused(2, "usage", "-s FILE", "diff --to 1");
    refused(2, "usage", "--expect", "bisect -s x.es 'Big Ben is in'");
    refused(2, "usage", "one prompt", "bisect -s x.es --expect London");
}

static double number(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

static void sweeps(void)
{
    struct buf out = {0};
    char *path = xasprintf("%s/fact.json", folder);
    const char fact[] =
        "{\"subject\":\"Eiffel Tower\",\"prompt\":\"The {} is located in the city of\","
        "\"target_new\":\"Rome\",\"rephrase\":\"You can visit the Eiffel Tower in\","
        "\"locality\":[{\"prompt\":\"The capital of France is\",\"answer\":\"Paris\"}]}";
    double kept = 0;

    CHECK(file_write(path, fact, sizeof(fact) - 1, NULL));
    CHECK(run(&out, "sweep " SMALL "--grid 'beta_ge=.1,.6;mask.mode=union,none' --fact %s --json",
              path) == 0);
    for (int i = 0; i < 4; i++) {
        json_t *o = event(&out, "result", i);

        CHECK(json_integer_value(json_object_get(o, "cell")) == i);
        CHECK(json_integer_value(json_object_get(o, "of")) == 4);
        CHECK(!json_object_get(o, "why"));
        CHECK(number(o, "gen") >= 0 && number(o, "loc") >= 0);
        CHECK_STR(text_of(json_object_get(o, "grid"), "mask.mode"), i % 2 ? "none" : "union");
        if (i % 2)
            CHECK_NEAR(number(o, "kept"), 1, 1e-9);
        else
            CHECK(number(o, "kept") < 1 && number(o, "kept") > kept);
        if (i % 2 == 0)
            kept = number(o, "kept"); /* a larger bias keeps more */
        json_decref(o);
    }
    CHECK(run(&out, "sweep " SMALL "--grid 'beta_ge=.1,.6' --data %s", path) == 0);
    CHECK(out.data && strstr(out.data, "beta_ge") && strstr(out.data, "leak/g^2"));
    buf_free(&out);
    free(path);
}

/* gain_mask and p_target after, of the one cell; the state that it was tried on. */
static void check_cell(const struct buf *out, double gain, double p, const char *state)
{
    json_t *o = event(out, "result", 0);

    CHECK_NEAR(number(o, "gain_mask"), gain, 0);
    CHECK_NEAR(number(json_object_get(o, "p_target"), "after"), p, 0);
    CHECK_STR(text_of(o, "state"), state);
    json_decref(o);
}

static void a_sweep_leaves_out_the_edit_that_wrote_the_fact(void)
{
    static const char sweep[] = "sweep " SMALL "--grid beta_ge=.1 --json " EIFFEL;
    char *session = xasprintf("%s/wrote.es", folder), *said;
    struct buf out = {0};
    double gain, p;
    json_t *o;

    CHECK(run(&out, "%s", sweep) == 0); /* on the base */
    o = event(&out, "result", 0);
    gain = number(o, "gain_mask");
    p = number(json_object_get(o, "p_target"), "after");
    CHECK_STR(text_of(o, "state"), "base");
    json_decref(o);
    CHECK(run(&out, "edit -q -s %s " SMALL EIFFEL, session) == 3); /* random weights: it is weak */
    CHECK(run(&out, "%s -s %s", sweep, session) == 0);
    check_cell(&out, gain, p, "base");
    said = messages();
    CHECK(strstr(said, "Eiffel Tower: tried on the state before edit 1, since it already wrote "
                       "Rome (--state edited: on all edits)"));
    free(said);
    CHECK(run(&out, "%s -s %s --state edit:1", sweep, session) == 0);
    o = event(&out, "result", 0);
    CHECK(number(o, "gain_mask") < gain || number(o, "gain_mask") > gain);
    gain = number(o, "gain_mask");
    p = number(json_object_get(o, "p_target"), "after");
    json_decref(o);
    CHECK(run(&out, "%s -s %s --state edited", sweep, session) == 0);
    check_cell(&out, gain, p, "edit:1");
    said = messages();
    CHECK(!strstr(said, "tried on"));
    free(said);
    CHECK(run(&out, "%s -s %s --state edit:2", sweep, session) == 2);
    CHECK(run(&out, "%s -s %s --state both", sweep, session) == 2);
    buf_free(&out);
    free(session);
}

/* Two facts of the small model, whose tokens are letters. It says "s" to the first one. */
static char *two_facts(void)
{
    static const char facts[] =
        "{\"subject\":\"Egypt\",\"prompt\":\"The capital of {} is\",\"target_new\":\"s\"}\n"
        "{\"subject\":\"Kenya\",\"prompt\":\"The land of {} is\",\"target_new\":\"t\"}\n";
    char *path = xasprintf("%s/two.jsonl", folder);

    CHECK(file_write(path, facts, sizeof(facts) - 1, NULL));
    return path;
}

/* A row is what `edit --facts` writes: each fact's p(target) after both edits is what diff says. */
static void facts_in_a_row(void)
{
    static const char row[] = "sweep -q " SMALL "--set target.blank=no --in-a-row "
                              "--arm 'a: mask.mode=none' --arm 'b: edit.method=memit' ";
    char *facts = two_facts(), *session = xasprintf("%s/row.es", folder);
    struct buf out = {0}, after = {0};

    CHECK(run(&out, "%s --data %s --json", row, facts) == 0);
    for (int arm = 0; arm < 2; arm++) {
        json_t *o = event(&out, "result", arm);

        CHECK_STR(text_of(json_object_get(o, "grid"), "arm"), arm ? "b" : "a");
        CHECK_STR(text_of(o, "method"), arm ? "memit" : "nmke");
        CHECK(number(o, "edits") > 1.5 && number(o, "held_then") < 2);
        json_decref(o);
        unlink(session);
        CHECK(run(&after, "edit -q -s %s " SMALL "--set target.blank=no %s --facts %s", session,
                  arm ? "--method memit" : "--set mask.mode=none", facts) == 3);
        CHECK(run(&after, "diff -s %s --to 2 --json", session) == 0);
        for (int i = 0; i < 2; i++) {
            json_t *tried = event(&out, "tried", 2 * arm + i), *probe = event(&after, "probe", i);

            CHECK_NEAR(number(json_object_get(tried, "p_target"), "after"),
                       number(json_object_get(probe, "p_target"), "after"), 0);
            json_decref(tried);
            json_decref(probe);
        }
    }
    CHECK(run(&out, "%s --data %s", row, facts) == 0);
    CHECK(out.data && strstr(out.data, "held then"));
    buf_free(&after);
    buf_free(&out);
    free(session);
    free(facts);
}

static void tuned(void)
{
    static const char *const arms[] = {"published", "own numbers", "compensated",
                                       "wide mask", "AlphaEdit",   "mine"};
    char *facts = two_facts(), *preset, *text;
    struct buf out = {0};
    double most[2] = {0}, taken[2] = {0};
    int best = 0;

    CHECK(run(&out,
              "tune -q " SMALL "--set target.blank=no --data %s --to %s/presets --arm 'mine: "
              "mask.mode=none' --json",
              facts, folder) == 0);
    for (int i = 0; i < 12; i++) {
        json_t *o = event(&out, "result", i);

        CHECK_STR(text_of(o, "for"), i < 6 ? "one" : "many");
        CHECK_STR(text_of(o, "arm"), arms[i % 6]);
        CHECK(number(o, "edits") == 2 && number(o, "rel") * 2 == floor(number(o, "rel") * 2));
        if (json_is_true(json_object_get(o, "best"))) {
            best++;
            taken[i / 6] = number(o, "rel");
        }
        if (i % 6 == 4) /* AlphaEdit, which no preset is made of */
            CHECK(json_is_false(json_object_get(o, "best")));
        else
            most[i / 6] = fmax(most[i / 6], number(o, "rel"));
        json_decref(o);
    }
    CHECK(best == 2 && taken[0] == most[0] && taken[1] == most[1]);
    preset = xasprintf("%s/presets/llama-3-32-48-96-many.conf", folder);
    text = file_read_text(preset, 1 << 20, NULL, NULL);
    CHECK(text && strstr(text, "for = many") && strstr(text, "# all facts in a row (2 facts)"));
    CHECK(run(&out, "config " SMALL "--preset %s", preset) == 0); /* it can be read */
    free(text);
    free(preset);
    free(facts);
    buf_free(&out);
}

#define ONE_LAYER QUICK "--set edit.layers=5 --set edit.v_steps=12 --set edit.method=alphaedit "

static void the_past(void)
{
    struct buf out = {0};
    char *session = xasprintf("%s/past.es", folder);
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(run(&out, "edit -s %s " ONE_LAYER EIFFEL, session) == 0);
    CHECK(run(&out,
              "edit -s %s " ONE_LAYER "--subject 'Big Ben' --prompt "
              "'{} is located in the city of' --target Oslo",
              session) == 0);
    CHECK(run(&out, "diff -s %s --from 1 --to 2 --json", session) == 0);
    o = event(&out, "layer", 0);
    CHECK(number(o, "layer") >= 5 && number(o, "columns") > 0 && number(o, "norm") > 0);
    json_decref(o);
    o = event(&out, "probe", 1);
    CHECK_STR(text_of(o, "prompt"), "Big Ben is located in the city of");
    CHECK(json_is_false(json_object_get(json_object_get(o, "ok"), "before")));
    CHECK(json_is_true(json_object_get(json_object_get(o, "ok"), "after")));
    json_decref(o);
    CHECK(run(&out, "diff -s %s --to 2", session) == 0);
    CHECK(out.data && strstr(out.data, "from 0 to 2"));

    CHECK(run(&out,
              "bisect -s %s 'The Eiffel Tower is located in the city of' --expect Paris --json",
              session) == 0);
    o = event(&out, "done", 0);
    CHECK(number(o, "edit") > 0.5 && number(o, "edit") < 1.5);
    CHECK(json_is_true(json_object_get(o, "exact")));
    json_decref(o);
    CHECK(run(&out,
              "bisect -s %s 'The Eiffel Tower is located in the city of' --expect Rome "
              "--from 1",
              session) == 0);
    CHECK(out.data && strstr(out.data, "no edit changed it"));
    buf_free(&out);
    free(session);
}

int main(void)
{
    static const struct test tests[] = {
        {"refusals", refusals},
        {"sweeps", sweeps},
        {"a sweep leaves out the edit that wrote the fact",
         a_sweep_leaves_out_the_edit_that_wrote_the_fact},
        {"facts in a row are what edit --facts writes", facts_in_a_row},
        {"tune measures arms and writes presets", tuned},
        {"the past", the_past},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
