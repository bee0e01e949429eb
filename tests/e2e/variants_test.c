/* sweep, diff, bisect and notes as a user runs them, on the default model but for a table. */
#include "tests/e2e/command.h"

static void refusals(void)
{
    refused(2, "usage", "--grid", "sweep " EIFFEL);
    refused(2, "usage", "alpha_gee", "sweep --grid alpha_gee=1 " EIFFEL);
    refused(2, "usage", "'0..1'", "sweep --grid beta_ge=0..1 " EIFFEL);
    refused(2, "usage", "--subject is missing", "sweep --grid beta_ge=.1");
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

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(file_write(path, fact, sizeof(fact) - 1, NULL));
    CHECK(run(&out, "sweep " QUICK "--grid 'beta_ge=.1,.6;mask.mode=union,none' --fact %s --json",
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

static void the_past(void)
{
    struct buf out = {0};
    char *session = xasprintf("%s/past.es", folder);
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(run(&out, "edit -s %s " QUICK "--set edit.method=alphaedit " EIFFEL, session) == 0);
    CHECK(run(&out,
              "edit -s %s " QUICK "--set edit.method=alphaedit --subject 'Big Ben' --prompt "
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
        {"the past", the_past},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
