/* Which facts of a list are in a session already, which replace another, and what is reported of
 * those that did not hold. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/fact_status.h"
#include "tests/test.h"
#include "views/cli/cli.h"

static struct fact fact_of(const char *subject, const char *prompt, const char *target)
{
    return (struct fact){.subject = (char *)(size_t)subject,
                         .prompt = (char *)(size_t)prompt,
                         .target = (char *)(size_t)target};
}

static void what_is_in_is_left_out(void)
{
    const struct fact list[] = {fact_of("Oslo", "{} is in", "Peru"),
                                fact_of("Rome", "{} is in", "Chad"),
                                fact_of("Lima", "{} is in", "Fiji")};
    const struct session_fact in[] = {{"Oslo", " {}  is in ", "Peru ", 4},
                                      {"Rome", "{} is in", "Mali", 9}};
    struct fact_status status[3];

    facts_status(list, 0, 3, in, 2, status);
    CHECK(status[0].in == 0 && status[0].rewrites == NO_FACT &&
          status[0].rewrites_earlier == NO_FACT);
    CHECK(status[1].in == NO_FACT && status[1].rewrites == 1 &&
          status[1].rewrites_earlier == NO_FACT);
    CHECK(status[2].in == NO_FACT && status[2].rewrites == NO_FACT);
    facts_status(list, 2, 3, in, 2, status); /* from the third on */
    CHECK(status[0].in == NO_FACT && status[2].in == NO_FACT);
    facts_status(list, 0, 0, in, 2, status);
}

static void a_fact_that_was_rewritten_is_not_in(void)
{
    const struct fact list[] = {fact_of("Oslo", "{} is in", "Peru")};
    const struct session_fact in[] = {{"Oslo", "{} is in", "Peru", 1},
                                      {"Oslo", "{} is in", "Mali", 2}};
    struct fact_status status;

    facts_status(list, 0, 1, in, 2, &status);
    CHECK(status.in == NO_FACT && status.rewrites == 1);
}

static void a_list_contradicts_itself(void)
{
    const struct fact list[] = {fact_of("Oslo", "{} is in", "Peru"),
                                fact_of("Oslo", "{} is in", "Mali"),
                                fact_of("Oslo", "{} is in", "Mali")};
    struct fact_status status[3];

    facts_status(list, 0, 3, NULL, 0, status);
    CHECK(status[1].rewrites_earlier == 0 && status[2].rewrites_earlier == NO_FACT);
    CHECK(status[0].repeats == NO_FACT && status[1].repeats == NO_FACT && status[2].repeats == 1);
}

/* The property: whatever a list holds, and wherever its run stopped, what was written is left out
 * and what was not is not. */
static void a_run_goes_on_wherever_it_stopped(void)
{
    static const char *const subject[] = {"Oslo", "Rome", "Lima"}, *const target[] = {"a", "b"};
    enum { MOST = 12 };

    srand(7);
    for (int round = 0; round < 2000; round++) {
        struct fact list[MOST];
        struct session_fact in[MOST];
        struct fact_status status[MOST];
        int n = 1 + rand() % MOST, stop = rand() % (n + 1);
        bool right = true;

        for (int i = 0; i < n; i++)
            list[i] = fact_of(subject[rand() % 3], "{} is", target[rand() % 2]);
        for (int i = 0; i < stop; i++)
            in[i] = (struct session_fact){list[i].subject, list[i].prompt, list[i].target, i + 1};
        facts_status(list, 0, n, in, stop, status);
        for (int i = 0; i < stop; i++)
            right = right && status[i].in == i;
        for (int i = stop; i < n; i++)
            right = right && status[i].in == NO_FACT;
        CHECK(right);
    }
}

static void advice_names_the_edits(void)
{
    const struct fact f[] = {
        fact_of("Big Ben", "{} is in", "Rome"), fact_of("Oslo", "{} is in", "Peru"),
        fact_of("Lima\033[2J", "{} is in", "Chad"), fact_of("Cuba", "{} is in", "Fiji")};
    struct judged_fact told[] = {
        {&f[0], 1, true, 0}, {&f[1], 2, false, 0}, {&f[2], 2, false, 0}, {&f[3], 3, false, 0}};
    const char *remedy = NULL;
    char *text = advice_of(told, 4, "two.es", &remedy);

    CHECK_STR(text,
              "1 of 4 facts did not hold: edit 1 (Big Ben); `editscope undo -s two.es --edit 1` "
              "takes it back");
    CHECK_STR(remedy, "`editscope undo -s two.es --edit 1` takes it back");
    free(text);
    told[1].failed = true;
    text = advice_of(told, 4, "my own's.es", &remedy);
    CHECK_STR(text,
              "2 of 4 facts did not hold: edit 1 (Big Ben), edit 2 (Oslo); `editscope undo -s "
              "'my own'\\''s.es' --edit 1-2` takes them back, and also 1 fact that holds");
    free(text);
    told[2].failed = told[3].failed = true;
    text = advice_of(told, 4, "two.es", &remedy);
    CHECK_STR(text, "none of 4 facts held; `editscope undo -s two.es --edit 1-3` takes them back");
    free(text);
    told[3].failed = told[1].failed = false;
    told[3].edit = 9;
    told[2].edit = 7;
    text = advice_of(told, 4, "two.es", &remedy);
    CHECK(strstr(text, "edit 7 (Lima\\x1b[2J)") && strstr(text, "--edit 1,7`"));
    free(text);
    text = advice_of(told, 1, "two.es", &remedy);
    CHECK_STR(text, "edit 1 was written but does not hold (Big Ben -> Rome); "
                    "`editscope undo -s two.es --edit 1` takes it back");
    free(text);
    CHECK(!advice_of(&told[1], 1, "two.es", &remedy));
}

static const struct test all[] = {
    {"what is in is left out", what_is_in_is_left_out},
    {"a fact that was rewritten is not in", a_fact_that_was_rewritten_is_not_in},
    {"a list contradicts itself", a_list_contradicts_itself},
    {"a run goes on wherever it stopped", a_run_goes_on_wherever_it_stopped},
    {"advice names the edits", advice_names_the_edits},
};

TEST_MAIN(all)
