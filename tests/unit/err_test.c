/* Errors: the first one is kept, context is put before it, and the hint is found. */
#include "core/base/err.h"

#include <string.h>

#include "tests/test.h"

static void the_hint_is_ours_alone(void)
{
    struct err err = {0};

    err_set(&err, ERR_USAGE, "no model at %s; -m names another", "a; b");
    CHECK_STR(err.text, "no model at a; b; -m names another");
    CHECK_STR(err_hint(&err), "-m names another");
    err = (struct err){0};
    err_set(&err, ERR_USAGE, "no model at %s", "a; b");
    CHECK_STR(err_hint(&err), "");
    err = (struct err){0};
    err_set(&err, ERR_USAGE, "%s: %d%%; %s; and so on", "x\x1f", 3, "first; second");
    CHECK_STR(err.text, "x\\x1f: 3%; first; second; and so on");
    CHECK_STR(err_hint(&err), "first; second; and so on");
}

static void the_hint_moves_with_what_is_put_before(void)
{
    struct err err = {0}, other = {0};

    err_set(&err, ERR_IO, "cannot be read; look at its rights");
    err_in(&err, "%s", "file; of mine");
    CHECK_STR(err.text, "file; of mine: cannot be read; look at its rights");
    CHECK_STR(err_hint(&err), "look at its rights");
    err_pass(&other, &err);
    CHECK(other.kind == ERR_IO);
    CHECK_STR(err_hint(&other), "look at its rights");
    err_set(&other, ERR_USAGE, "later; too late");
    CHECK_STR(err_hint(&other), "look at its rights"); /* the first is kept */
    CHECK(!err_pass(&other, &(struct err){0}) && !err_pass(NULL, &err));
}

static void a_hint_that_is_cut_off_is_none(void)
{
    char lengthy[sizeof(((struct err *)NULL)->text) + 20];
    struct err err = {0};

    memset(lengthy, 'x', sizeof(lengthy));
    for (size_t n = sizeof(lengthy) - 60; n < sizeof(lengthy); n++) {
        lengthy[n] = '\0';
        err = (struct err){0};
        err_set(&err, ERR_IO, "%s; do it", lengthy);
        CHECK(strlen(err.text) < sizeof(err.text));
        CHECK(!*err_hint(&err) || !strncmp("do it", err_hint(&err), strlen(err_hint(&err))));
        err = (struct err){0};
        err_set(&err, ERR_IO, "a; do it");
        err_in(&err, "%s", lengthy);
        CHECK(strlen(err.text) < sizeof(err.text));
        CHECK(!*err_hint(&err) || !strncmp("do it", err_hint(&err), strlen(err_hint(&err))));
        lengthy[n] = 'x';
    }
}

static const struct test tests[] = {
    {"the hint is ours alone", the_hint_is_ours_alone},
    {"the hint moves with what is put before", the_hint_moves_with_what_is_put_before},
    {"a hint that is cut off is none", a_hint_that_is_cut_off_is_none},
};
TEST_MAIN(tests)
