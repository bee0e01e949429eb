/* Measures of a run in its session: written, read again to the bit, and never twice. */
#include "core/session/measures.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[64], file[96];

static struct session *open_run(void)
{
    struct err err = {0};
    struct session *s = session_open(file, true, false, &err);

    CHECK_STR(err.text, "");
    CHECK(s && session_run_begin(s, &err));
    return s;
}

static bool same_ids(const int *a, int n, const int *b, int m)
{
    return n == m && (!n || !memcmp(a, b, (size_t)n * sizeof(int)));
}

static void measures_are_kept(void)
{
    int predicted[] = {7, -1, 1 << 30}, label[] = {7, 2, 3};
    char said[] = "naïve \"x\"", wanted[] = "";
    struct measure m[] = {
        {.sequence = 2,
         .edits = 10,
         .when = WHEN_FINAL,
         .record = 3,
         .probe = MEASURE_LOC,
         .place = 4,
         .alias = 2,
         .protocol = PROTOCOL_TEACHER,
         .predicted = predicted,
         .predicteds = 3,
         .label = label,
         .labels = 3,
         .logp = -1.0 / 3,
         .answers = 3,
         .rival = -0.1,
         .rivals = 2,
         .rival_right = true,
         .merged = true},
        {.sequence = 2,
         .edits = 10,
         .when = WHEN_FINAL,
         .record = 3,
         .probe = MEASURE_LOC,
         .place = 4,
         .protocol = PROTOCOL_CHAT,
         .logp = (double)NAN,
         .rival = (double)NAN,
         .said = said,
         .wanted = wanted},
        {.when = WHEN_BASE, .record = 3, .logp = (double)NAN, .rival = (double)NAN},
    };
    struct run_number number[] = {{2, 10, "kl", -1, 1.0 / 7}, {2, 10, "leak", 5, (double)NAN}};
    struct session *s = open_run();
    struct measure *got = NULL, other = m[0];
    struct run_number *numbers = NULL;
    struct err err = {0};
    int count = 0;
    bool has;

    CHECK(session_has_measures(s, &m[0], &has, &err) && !has);
    CHECK(session_add_measures(s, m, 3, number, 2, &err));
    session_close(s);
    s = open_run();
    CHECK(session_has_measures(s, &m[0], &has, &err) && has);
    other.edits = 11;
    CHECK(session_has_measures(s, &other, &has, &err) && !has);
    CHECK(session_measures(s, &m[0], &got, &count, &err) && count == 2);
    CHECK(same_ids(got[0].predicted, got[0].predicteds, predicted, 3));
    CHECK(got[0].alias == 2 && !got[1].alias);
    CHECK(same_ids(got[0].label, got[0].labels, label, 3));
    CHECK_NEAR(got[0].logp, -1.0 / 3, 0);
    CHECK(got[0].place == 4 && got[0].merged && got[0].rival_right && !got[0].said);
    CHECK(got[1].protocol == PROTOCOL_CHAT && isnan(got[1].logp) && !got[1].predicteds);
    CHECK_STR(got[1].said, said);
    CHECK_STR(got[1].wanted, "");
    measures_free(got, count);
    m[0].logp = 5; /* what is there stays as it is */
    CHECK(session_add_measures(s, m, 3, number, 2, &err));
    CHECK(session_measures(s, NULL, &got, &count, &err) && count == 3);
    CHECK_NEAR(got[0].logp, -1.0 / 3, 0);
    CHECK(got[2].when == WHEN_BASE);
    measures_free(got, count);
    CHECK(session_numbers(s, &numbers, &count, &err) && count == 2);
    CHECK_NEAR(numbers[0].value, 1.0 / 7, 0);
    CHECK_STR(numbers[1].name, "leak");
    CHECK(numbers[1].layer == 5 && isnan(numbers[1].value));
    CHECK(session_check(s, &err)); /* it is still a session */
    CHECK_STR(err.text, "");
    free(numbers);
    session_close(s);
}

static void a_newer_kind_is_refused(void)
{
    struct measure *got = NULL;
    struct session *s = open_run();
    struct err err = {0};
    sqlite3 *db;
    int count = 1;

    session_close(s);
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE measures SET probe = 'spoken'", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    s = open_run();
    CHECK(!session_measures(s, NULL, &got, &count, &err) && !got && !count);
    CHECK(err.kind == ERR_FORMAT && strstr(err.text, "'spoken'"));
    session_close(s);
}

static const struct test tests[] = {{"measures are kept to the bit", measures_are_kept},
                                    {"a newer kind is refused", a_newer_kind_is_refused}};

int main(void)
{
    int failed;

    if (!folder_make(folder, sizeof(folder)))
        return 1;
    snprintf(file, sizeof(file), "%s/x.run", folder);
    failed = test_main(tests, sizeof(tests) / sizeof(*tests));
    folder_remove(folder);
    return failed;
}
