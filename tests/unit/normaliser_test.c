/* The normaliser: the same numbers in batches, in parts that are added, and by plain definition;
 * and what a session keeps of it. */
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/edit/normaliser.h"
#include "core/session/session.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[64], file[96];

static const float first[] = {1, 2, 3, -1, 2, 5}, second[] = {4, 0}, third[] = {0, 1, 2, 2};

/* Mean and scatter of the three batches, by the recursion of the released code in exact numbers. */
static void check_all(const struct normaliser *n)
{
    CHECK_NEAR(n->count, 6, 0);
    CHECK_NEAR(n->mean[0], 2, 1e-12);
    CHECK_NEAR(n->mean[1], 1.5, 1e-12);
    CHECK_NEAR(n->scatter[0], 13, 1e-12);
    CHECK_NEAR(n->scatter[1], 31, 1e-12);
    CHECK_NEAR(normaliser_deviation(n, 0), 1.6124516496470795, 1e-12);
    CHECK_NEAR(normaliser_deviation(n, 1), 2.489980009124163, 1e-12);
}

static void batches_and_parts(void)
{
    struct normaliser *whole = normaliser_new(2), *part = normaliser_new(2),
                      *sum = normaliser_new(2);
    double *value;
    int count;

    normaliser_add_batch(whole, first, 3);
    normaliser_add_batch(sum, first, 3);
    normaliser_add_batch(whole, second, 1);
    normaliser_add_batch(whole, third, 2);
    check_all(whole);
    normaliser_add_batch(part, second, 1);
    normaliser_add_batch(part, third, 2);
    value = normaliser_numbers(part, &count);
    CHECK(count == 5);
    CHECK(!normaliser_add_numbers(sum, value, count - 1));
    CHECK(normaliser_add_numbers(sum, value, count));
    check_all(sum);
    free(value);
    normaliser_free(whole);
    normaliser_free(part);
    normaliser_free(sum);
}

/* One vector has no deviation, and nothing is divided by 0. */
static void a_single_vector(void)
{
    struct normaliser *n = normaliser_new(2);

    normaliser_add_batch(n, second, 1);
    CHECK_NEAR(n->mean[0], 4, 0);
    CHECK_NEAR(n->scatter[0], 0, 0);
    CHECK(normaliser_deviation(n, 0) > 0 && isfinite(normaliser_deviation(n, 0)));
    normaliser_free(n);
}

static void append(struct session *s, const char *method, double a)
{
    char subject[] = "Rome", prompt[] = "{} is", target[] = "old";
    struct fact fact = {.subject = subject, .prompt = prompt, .target = target};
    float r[2] = {1, 2}, x[3] = {1, 2, 3};
    struct delta delta = {.rank = 1, .rows = 2, .cols = 3, .r = r, .x = x, .scale = 1};
    double value[] = {a, -a};
    struct edit_record rec = {.requests = 1,
                              .facts = &fact,
                              .deltas = 1,
                              .delta = &delta,
                              .statistics_of = method,
                              .statistics = value,
                              .statistics_count = method ? 2 : 0};
    struct err err = {0};

    CHECK(session_append(s, &rec, &err));
    CHECK_STR(err.text, "");
}

struct taken {
    double first[16];
    int edits;
};

static bool take(void *ctx, int edit, const double *value, int count)
{
    struct taken *t = ctx;

    CHECK(count == 2 && value[1] == -value[0] && value[0] == edit);
    t->first[t->edits++] = value[0];
    return true;
}

/* The numbers of the active edits of a method, in their order; edit 1 is not edit 11. */
static void kept_beside_edits(void)
{
    struct err err = {0};
    struct session *s;
    struct taken t = {.edits = 0};

    CHECK(folder_make(folder, sizeof(folder)));
    snprintf(file, sizeof(file), "%s/one.es", folder);
    s = session_open(file, true, false, &err);
    for (int n = 1; n <= 11; n++)
        append(s, n == 4 ? "other" : n == 5 ? NULL : "ours", n);
    CHECK(session_statistics(s, "ours", 20, take, &t, &err) && t.edits == 9);
    CHECK(t.first[0] == 1 && t.first[3] == 6 && t.first[8] == 11);
    CHECK(session_deactivate(s, 2, &err));
    t.edits = 0;
    CHECK(session_statistics(s, "ours", 10, take, &t, &err) && t.edits == 7);
    CHECK(t.first[1] == 3 && t.first[6] == 10);
    session_close(s);
    s = session_open(file, false, true, &err);
    t.edits = 0;
    CHECK(session_check(s, &err));
    CHECK(session_statistics(s, "ours", 20, take, &t, &err) && t.edits == 8 && t.first[1] == 3);
    CHECK_STR(err.text, "");
    session_close(s);
}

/* A number that another program changed is noticed. */
static void damage_is_told(void)
{
    struct err err = {0};
    struct session *s;
    struct taken t = {.edits = 0};
    sqlite3 *db;

    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "UPDATE settings SET value = substr(value, 1, 40) || x'000000000000F03F'"
                       " WHERE name = 'statistics.ours.3'",
                       NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    s = session_open(file, false, true, &err);
    CHECK(!session_check(s, &err) && err.kind == ERR_FORMAT && strstr(err.text, "edit 3"));
    err = (struct err){0};
    CHECK(!session_statistics(s, "ours", 20, take, &t, &err) && strstr(err.text, "is damaged"));
    session_close(s);
    folder_remove(folder);
}

static const struct test tests[] = {
    {"batches, and parts of them that are added", batches_and_parts},
    {"a single vector", a_single_vector},
    {"what a method keeps beside its edits", kept_beside_edits},
    {"damage is told", damage_is_told},
};

TEST_MAIN(tests)
