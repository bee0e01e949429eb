/* Makes a session the run of a command, or finds that it is: the same one, or one with fewer
 * checkpoints, which then goes on; and reads back what it has.
 *
 *     the file      data of 10 facts, edits [10]       complete or not
 *     the command   data of 30 facts, edits [10, 30]   the first 10 of them are the file's
 *
 * A run that goes on keeps every answer. Its edits were undone when their sequence ended, so each
 * sequence makes them again, to the same bits; the number "extended" says how many edits the
 * journal had before (editscope-session(5)). */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/session/measures.h"
#include "core/session/tasks.h"

/* Keys that differ where a run is extended, or that say the same as others. */
static const char *const of_length[] = {"edits", "data", "data_at"};

static bool is_of_length(const char *key)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(key, of_length[i]))
            return true;
    return false;
}

/* The first other key whose values differ; NULL: none. */
static const char *key_that_differs(json_t *wanted, json_t *stored)
{
    const char *key;
    json_t *value;

    json_object_foreach(wanted, key, value)
    {
        if (!is_of_length(key) && !json_equal(value, json_object_get(stored, key)))
            return key;
    }
    return NULL;
}

/* A value as it is typed: 15 digits do, and show no rounding. Caller frees. */
static char *value_text(const json_t *value)
{
    char *text = json_is_string(value)
                     ? NULL
                     : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

    return text ? text : xstrdup(json_is_string(value) ? json_string_value(value) : "none");
}

/* Whether the numbers of `wanted` begin with those of `stored`. */
static bool begins_with(const json_t *wanted, const json_t *stored)
{
    bool same = json_array_size(wanted) >= json_array_size(stored);

    for (size_t i = 0; same && i < json_array_size(stored); i++)
        same = json_equal(json_array_get(wanted, i), json_array_get(stored, i));
    return same;
}

/* The number of facts of a run: its last checkpoint. */
static int facts_of(const json_t *run)
{
    const json_t *edits = json_object_get(run, "edits");
    size_t n = json_array_size(edits);

    return n ? (int)json_integer_value(json_array_get(edits, n - 1)) : 0;
}

/* Whether the run of the file is that of the command, as far as it goes. */
static bool run_begins(const char *path, const json_t *stored, const json_t *wanted,
                       struct err *err)
{
    const json_t *edits = json_object_get(stored, "edits");
    const json_t *hash =
        json_array_get(json_object_get(wanted, "data_at"), json_array_size(edits) - 1);
    char *was = value_text(edits);
    bool ok = true;

    if (!begins_with(json_object_get(wanted, "edits"), edits))
        ok =
            err_set(err, ERR_STATE,
                    "%.200s was begun with --edits %.100s; give the same numbers, and further ones "
                    "behind them to go on, or -o another file",
                    path, was);
    else if (!json_equal(hash, json_object_get(stored, "data")))
        ok = err_set(err, ERR_STATE,
                     "the first %d facts are not those that %.200s was begun with: the data is "
                     "another file, was changed, or is read otherwise than by the version that "
                     "began it; give -o another file",
                     facts_of(stored), path);
    else if (facts_of(stored) < facts_of(wanted) &&
             json_integer_value(json_object_get(wanted, "orders")) > 1)
        ok = err_set(
            err, ERR_STATE,
            "%.200s has several orders: an order of %d facts is shuffled as a whole and does not "
            "begin with that of %d, so the run cannot go on; give -o another file",
            path, facts_of(wanted), facts_of(stored));
    free(was);
    return ok;
}

/* Writes that the run is longer from here on. */
static bool run_extend(struct session *s, const json_t *stored, const char *wanted, struct err *err)
{
    struct run_number n = {.edits = facts_of(stored), .layer = -1};
    struct session_status status;
    bool ok = session_status(s, &status, err);

    n.value = status.total;
    utf8_copy(n.name, sizeof(n.name), "extended");
    if (!ok || !session_begin(s, err))
        return false;
    ok = session_set(s, SESSION_RUN, wanted, err) && session_add_measures(s, NULL, 0, &n, 1, err);
    return session_end(s, ok, err);
}

enum { NAMED_MOST = 3 }; /* differences that are named */

/* "was 0.1, now 0.2" */
static void put_change(struct buf *out, const json_t *was, const json_t *now)
{
    char *text[] = {value_text(was), value_text(now)};

    buf_printf(out, "was %.60s, now %.60s", text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

/* "arm nmke: edit.alpha was 0.1, now 0.2" for each value of an arm that differs; *n counts them. */
static void put_arm_difference(struct buf *out, int *n, const char *arm, json_t *stored,
                               json_t *wanted)
{
    json_t *both = json_copy(stored), *value;
    const char *key;

    json_object_update(both, wanted); /* keys of either */
    json_object_foreach(both, key, value)
    {
        const json_t *was = json_object_get(stored, key), *now = json_object_get(wanted, key);

        if ((was && now && json_equal(was, now)) || (*n)++ >= NAMED_MOST)
            continue;
        buf_printf(out, "%sarm %.40s: %.40s ", *n > 1 ? "; " : "", arm, key);
        put_change(out, was, now);
    }
    json_decref(both);
}

static const char *arm_name(const json_t *arms, size_t i)
{
    const char *name = json_string_value(json_object_get(json_array_get(arms, i), "name"));

    return name ? name : "?";
}

/* In which arms two lists differ: their names, or the parameters of those of one name. */
static void put_arms_difference(struct buf *out, const json_t *stored, const json_t *wanted)
{
    size_t count = json_array_size(stored);
    bool same = count == json_array_size(wanted);
    int n = 0;

    for (size_t i = 0; same && i < count; i++)
        same = !strcmp(arm_name(stored, i), arm_name(wanted, i));
    for (size_t i = 0; same && i < count; i++)
        put_arm_difference(out, &n, arm_name(stored, i),
                           json_object_get(json_array_get(stored, i), "parameters"),
                           json_object_get(json_array_get(wanted, i), "parameters"));
    if (n > NAMED_MOST)
        buf_printf(out, "; and %d more", n - NAMED_MOST);
    if (same)
        return;
    buf_puts(out, "they were");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s %.40s", i ? "," : "", arm_name(stored, i));
    buf_puts(out, ", now");
    for (size_t i = 0; i < json_array_size(wanted); i++)
        buf_printf(out, "%s %.40s", i ? "," : "", arm_name(wanted, i));
}

/* Says what of the command differs from that of the run. */
static bool refuse_other(const char *path, const char *key, const json_t *stored,
                         const json_t *wanted, struct err *err)
{
    const json_t *was = json_object_get(stored, key), *now = json_object_get(wanted, key);
    struct buf what = {0};

    if (!strcmp(key, "arms"))
        put_arms_difference(&what, was, now);
    else
        put_change(&what, was, now);
    err_set(err, ERR_STATE,
            "%.110s was begun with other %s (%.200s); give -o another file, or the command as it "
            "was",
            path, key, what.data);
    buf_free(&what);
    return false;
}

/* Whether the session is a run of this command, which it becomes where it is shorter. */
static bool run_same(struct session *s, const char *stored, const char *wanted, struct err *err)
{
    json_t *a = json_loads(stored, 0, NULL), *b = json_loads(wanted, 0, NULL);
    const char *key = a && b ? key_that_differs(b, a) : "run";
    bool ok = !key || refuse_other(session_path(s), key, a, b, err);

    ok = ok && run_begins(session_path(s), a, b, err) &&
         (facts_of(a) == facts_of(b) || run_extend(s, a, wanted, err));
    json_decref(a);
    json_decref(b);
    return ok;
}

/* Makes an empty session the run of this command, or compares it with the one that it is of. */
static bool run_bind(struct engine *e, const char *wanted, struct err *err)
{
    struct session *s = e->open->journal;
    struct session_status status;
    struct err why = {0};
    char *stored = session_get(s, SESSION_RUN, &why);
    bool ok;

    if (why.kind)
        return err_pass(err, &why);
    ok = stored ? session_run_begin(s, err) && run_same(s, stored, wanted, err)
                : session_status(s, &status, err) &&
                      (!status.total ||
                       err_set(err, ERR_STATE,
                               "%.200s is a session with edits, and no run; give -o a new file",
                               session_path(s))) &&
                      session_set(s, SESSION_RUN, wanted, err) && session_run_begin(s, err);
    free(stored);
    return ok;
}

static bool same_record(const struct measure *a, const struct measure *b)
{
    return a->sequence == b->sequence && a->edits == b->edits && a->when == b->when &&
           a->record == b->record;
}

/* An event for each record and time. */
static void emit_stored(struct engine *e, struct measure *all, int count)
{
    for (int from = 0, to; from < count; from = to) {
        struct measure *part;

        for (to = from + 1; to < count && same_record(&all[from], &all[to]);)
            to++;
        part = xcalloc((size_t)(to - from), sizeof(*part));
        memcpy(part, all + from, (size_t)(to - from) * sizeof(*part));
        engine_emit_measures(e, part, to - from);
    }
    free(all);
}

void engine_emit_measures(struct engine *e, struct measure *m, int count)
{
    struct measures *all = xcalloc(1, sizeof(*all));

    all->measure = m;
    all->count = count;
    engine_emit(e, EV_MEASURES, all);
}

bool job_measured(struct engine *e, struct command *cmd, struct err *err)
{
    struct session *s = e->open->journal;
    struct measures *rest;
    struct measure *all;
    struct run_number *number;
    struct task_answer *answer;
    int count, numbers, answers;

    if (!run_bind(e, cmd->text ? cmd->text : "{}", err) ||
        !session_measures(s, NULL, &all, &count, err))
        return false;
    emit_stored(e, all, count);
    if (!session_task_answers(s, NULL, &answer, &answers, err))
        return false;
    if (!session_numbers(s, &number, &numbers, err)) {
        task_answers_free(answer, answers);
        return false;
    }
    rest = xcalloc(1, sizeof(*rest));
    *rest = (struct measures){
        .number = number, .numbers = numbers, .answer = answer, .answers = answers};
    engine_emit(e, EV_MEASURES, rest);
    return true;
}
