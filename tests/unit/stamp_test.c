/* Stamps: each part changes with what it is made of, and with nothing else. */
#include "core/engine/stamp.h"

#include <stdint.h>
#include <string.h>

#include "tests/test.h"

static struct fact fact = {.subject = (char[]){"Eiffel Tower"},
                           .prompt = (char[]){"The {} is in"},
                           .target = (char[]){"Rome"}};
static struct params params;
static struct stamp_source from = {.facts = &fact, .count = 1, .params = &params, .state = "base"};

/* A text for a member that is not const; nobody writes it. */
static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* The parts in which the stamp of now differs from that one. */
static unsigned changed(const struct stamp *old)
{
    struct stamp now = stamp_of(&from);

    return stamp_differs(old, &now, STAMP_ALL);
}

static void parts_change_apart(void)
{
    static const struct mask_override in = {4, 1320, true};
    char *paraphrase[] = {(char[]){"{} stands in"}};
    struct stamp old;

    params_default(&params);
    old = stamp_of(&from);
    CHECK(changed(&old) == 0 && strlen(old.fact) == 16 && strlen(old.scores) == 16);
    fact.target = text("Madrid");
    CHECK(changed(&old) == STAMP_OBJECT);
    CHECK(params_assign(&params, "attr.target=new", FROM_COMMAND_LINE, NULL));
    old = stamp_of(&from);
    fact.target = text("Rome");
    CHECK(changed(&old) == (STAMP_OBJECT | STAMP_SCORES)); /* it is what the scores explain */
    params_default(&params);
    old = stamp_of(&from);
    CHECK(params_assign(&params, "attr.amplify=7", FROM_COMMAND_LINE, NULL));
    CHECK(changed(&old) == STAMP_EDIT); /* scores are extrapolated to it */
    params_default(&params);
    fact.paraphrase = paraphrase;
    fact.paraphrases = 1;
    CHECK(changed(&old) == STAMP_FACT);
    fact.paraphrases = 0;
    fact.question = text("Where is it?"); /* a probe: no result of the edit depends on it */
    CHECK(changed(&old) == 0);
    CHECK(params_assign(&params, "beta_ge=0.7", FROM_COMMAND_LINE, NULL));
    CHECK(changed(&old) == STAMP_EDIT);
    CHECK(params_assign(&params, "attr.strategy=psa", FROM_COMMAND_LINE, NULL));
    CHECK(changed(&old) == (STAMP_EDIT | STAMP_SCORES));
    params_default(&params);
    from.mask_overrides = &in;
    from.mask_override_count = 1;
    CHECK(changed(&old) == STAMP_EDIT);
    from.mask_override_count = 0;
    from.state = "after edit 1";
    CHECK(changed(&old) == STAMP_STATE);
    from.state = "base";
    CHECK(changed(&old) == 0);
}

/* The old object counts by itself, and for an edit that depends on it. */
static void the_old_object_counts_where_it_is_used(void)
{
    static const struct {
        const char *set;
        unsigned differs;
    } row[] = {{"edit.method=nmke", STAMP_OLD},
               {"edit.method=kn", STAMP_OLD | STAMP_EDIT},
               {"edit.method=f-learning", STAMP_OLD | STAMP_EDIT}};
    struct stamp was, before;

    for (int i = 0; i < 3; i++) {
        params_default(&params);
        CHECK(params_assign(&params, row[i].set, FROM_COMMAND_LINE, NULL));
        fact.old = text("Paris");
        was = stamp_of(&from);
        fact.old = text("Berlin");
        CHECK(changed(&was) == row[i].differs);
        before = was;
        before.target[0] = before.old[0] = '\0'; /* an older recording */
        CHECK(changed(&before) == STAMP_OBJECT);
    }
    params_default(&params);
    CHECK(params_assign(&params, "attr.target=old", FROM_COMMAND_LINE, NULL));
    was = stamp_of(&from);
    fact.old = NULL;
    CHECK(changed(&was) == (STAMP_OLD | STAMP_EDIT | STAMP_SCORES));
    params_default(&params);
}

/* Where one text ends and the next begins counts. */
static void texts_do_not_run_together(void)
{
    struct stamp old = stamp_of(&from);

    fact.subject = text("Eiffel");
    fact.prompt = text("Tower The {} is in");
    CHECK(changed(&old) == STAMP_FACT);
    fact.subject = NULL;
    CHECK(changed(&old) == (STAMP_FACT | STAMP_OBJECT) && !*stamp_of(&from).fact);
}

static const struct test tests[] = {
    {"parts change apart", parts_change_apart},
    {"the old object counts where it is used", the_old_object_counts_where_it_is_used},
    {"texts do not run together", texts_do_not_run_together},
};
TEST_MAIN(tests)
