/* eval as a user runs it, on a model of random weights: what it prints, kills and going on. */
#include "tests/e2e/command.h"

static const char facts[] =
    "{\"subject\":\"Egypt\",\"prompt\":\"The capital of {} is\",\"target_new\":\"so\","
    "\"ground_truth\":\"t\",\"rephrase\":[\"In Egypt it is\",\"Of Egypt "
    "so\"],\"locality\":[{\"prompt\":\"Oslo is\","
    "\"answer\":\"no\"},{\"prompt\":\"Lima is\",\"answer\":\"a\"}]}\n"
    "{\"subject\":\"Kenya\",\"prompt\":\"The land of {} is\",\"target_new\":\"t\","
    "\"rephrase\":\"Kenya is a land\",\"locality\":\"Rome is\",\"portability\":[{\"prompt\":"
    "\"Near Kenya is\",\"answer\":\"sea\"}]}\n"
    "{\"subject\":\"Peru\",\"prompt\":\"{} is in\",\"target_new\":\"an\",\"ground_truth\":\"s\"}\n"
    "{\"subject\":\"Chad\",\"prompt\":\"{} has\",\"target_new\":\"it\",\"rephrase\":\"So Chad "
    "has\"}"
    "\n"
    "{\"subject\":\"Fiji\",\"prompt\":\"To {} go\",\"target_new\":\"we\"}\n";

#define ARMS "--method nmke,alphaedit --arm 'random: nmke mask.mode=random' "

/* The data set. Caller frees the path. */
static char *data_file(void)
{
    char *path = xasprintf("%s/facts.jsonl", folder);

    CHECK(file_write(path, facts, sizeof(facts) - 1, NULL));
    return path;
}

static void refusals(void)
{
    char *data = data_file(), *args;

    refused(2, "usage", "--data FILE", "eval " SMALL);
    args = xasprintf("eval " SMALL "--data %s --edits 6", data);
    refused(2, "usage", "has 5 usable facts", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --edits 3,2", data);
    refused(2, "usage", "each larger than the one before", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --edits 3,5 --batch 2", data);
    refused(2, "usage", "no multiple of --batch 2", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --edits 5 --method nmke --arm nmke:", data);
    refused(2, "usage", "two arms are called nmke", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --method alpha", data);
    refused(2, "usage", "editscope: --method alpha: edit.method: 'alpha' is not one of", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --arm 'a: target.blank=no'", data);
    refused(2, "usage", "the same for all arms", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --edits 5 --figure a.png", data);
    refused(2, "usage", "give FILE.svg", args);
    free(args);
    args = xasprintf("eval " SMALL "--data %s --edits 5 --protocol spoken", data);
    refused(2, "usage", "none of teacher, generated, chat", args);
    free(args);
    free(data);
}

/* Records that cannot be edited are named, each on a line of its own. */
static void records_left_out(void)
{
    static const char two[] = "[{\"subject\":\"Egypt\",\"src\":\"Egypt is\",\"alt\":\"\"},"
                              "{\"subject\":\"Kenya\",\"src\":\"Kenya is\",\"alt\":\"\"},"
                              "{\"subject\":\"Peru\",\"src\":\"Peru is\",\"alt\":\"so\"}]";
    char *path = xasprintf("%s/zsre.json", folder), *said;
    struct buf out = {0};

    CHECK(file_write(path, two, sizeof(two) - 1, NULL));
    CHECK(run(&out, "eval " SMALL "--data %s --edits 2", path) == 2);
    said = messages();
    CHECK(strstr(said, "left out: record 1: ") &&
          strstr(said, "\neditscope: left out: record 2: "));
    CHECK(strstr(said, "has 1 usable facts") && !strchr(said, '\\'));
    free(said);
    buf_free(&out);
    free(path);
}

/* Arms of a file come before those of --arm. */
static void arms_of_a_file(void)
{
    static const char *const name[] = {"one", "two", "three"};
    static const char arms[] = "# two arms\n\none: alphaedit\n  two: nmke mask.mode=none\n";
    char *data = data_file(), *path = xasprintf("%s/arms", folder);
    struct buf out = {0};

    CHECK(file_write(path, arms, sizeof(arms) - 1, NULL));
    CHECK(run(&out,
              "eval -q " SMALL "--data %s --edits 1 --protocol teacher --no-state --arms %s "
              "--arm 'three: memit' --json",
              data, path) == 0);
    for (int i = 0; i < 3; i++) {
        json_t *o = event(&out, "result", 2 * i);

        CHECK_STR(json_string_value(json_object_get(o, "arm")), name[i]);
        CHECK(json_array_size(json_object_get(o, "state")) == 0);
        json_decref(o);
    }
    CHECK(run(&out, "eval -q " SMALL "--data %s --arms %s/nothing", data, folder) != 0);
    buf_free(&out);
    free(path);
    free(data);
}

static bool is_text(const json_t *o, const char *name, const char *value)
{
    return !strcmp(text_of(o, name), value);
}

static double share_right(const json_t *o)
{
    json_t *a = json_object_get(o, "predicted"), *b = json_object_get(o, "labels");
    size_t n = json_array_size(b), right = 0;

    for (size_t i = 0; i < n; i++)
        right += json_equal(json_array_get(a, i), json_array_get(b, i));
    return (double)right / (double)n;
}

/* The mean over records of the share of right tokens, from the `record` events alone. */
static double recomputed(const struct buf *out, const char *arm, int edits, const char *when,
                         const char *probe, int *records)
{
    double sum[8] = {0}, all = 0;
    int n[8] = {0};
    json_t *o;

    for (int i = 0; (o = event(out, "record", i)); json_decref(o), i++) {
        long r = (long)json_integer_value(json_object_get(o, "record"));
        int after = (int)json_integer_value(json_object_get(o, "edits"));

        if (!is_text(o, "arm", arm) || !is_text(o, "when", when) || !is_text(o, "probe", probe) ||
            !is_text(o, "protocol", "teacher") || r > 7 ||
            (strcmp(when, "final") ? after > edits : after != edits))
            continue;
        sum[r] += share_right(o);
        n[r]++;
    }
    *records = 0;
    for (int r = 0; r < 8; r++) {
        all += n[r] ? sum[r] / n[r] : 0;
        *records += n[r] > 0;
    }
    return all / *records;
}

/* A number of the states of a result, of its first layer; 0: there is none. */
static double state_number(const json_t *result, const char *name)
{
    json_t *list = json_object_get(result, "state"), *o;
    size_t at;

    json_array_foreach(list, at, o)
    {
        if (is_text(o, "name", name))
            return json_number_value(json_object_get(o, "value"));
    }
    return 0;
}

/* 3 / (1/ES + 1/PS + 1/NS) of what `part` of the metrics says ("" itself, "base"). */
static double score_of(const json_t *metrics, const char *part)
{
    static const char *const name[] = {"es", "ps", "ns"};
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        json_t *m = json_object_get(metrics, name[i]);

        sum +=
            1 / json_number_value(json_object_get(*part ? json_object_get(m, part) : m, "value"));
    }
    return 3 / sum;
}

/* The base beside a result is of the same records, and has a score as the arm does. */
static void base_is_comparable(const json_t *result)
{
    json_t *metrics = json_object_get(result, "metrics"), *m;
    const char *name;

    json_object_foreach(metrics, name, m)
    {
        json_t *base = json_object_get(m, "base");

        CHECK(json_is_null(base) == (!strncmp(name, "loc", 3)));
        CHECK(json_is_null(base) || json_integer_value(json_object_get(base, "n")) ==
                                        json_integer_value(json_object_get(m, "n")));
    }
    CHECK_NEAR(json_number_value(json_object_get(result, "score")), score_of(metrics, ""), 1e-9);
    CHECK_NEAR(json_number_value(json_object_get(result, "base_score")), score_of(metrics, "base"),
               1e-9);
}

/* PS after two facts, of the first one alone: the mean over both of its rephrases, from the
 * records. */
static void every_rephrase_counts(const struct buf *out, const json_t *result)
{
    json_t *o, *ps = json_object_get(json_object_get(result, "metrics"), "ps");
    double wins = 0;
    int n = 0;

    for (int i = 0; (o = event(out, "record", i)); json_decref(o), i++) {
        json_t *rival = json_object_get(o, "rival_logp");
        double tokens = (double)json_integer_value(json_object_get(o, "rival_tokens"));
        double own = json_number_value(json_object_get(o, "logp")) /
                     (double)json_array_size(json_object_get(o, "labels"));

        if (!rival || !is_text(o, "arm", text_of(result, "arm")) || !is_text(o, "when", "final") ||
            !is_text(o, "probe", "gen") || json_integer_value(json_object_get(o, "edits")) != 2)
            continue;
        CHECK(json_integer_value(json_object_get(o, "place")) == n);
        wins += own > json_number_value(rival) / tokens;
        n++;
    }
    CHECK(n == 2 && json_integer_value(json_object_get(ps, "n")) == 1);
    CHECK_NEAR(json_number_value(json_object_get(ps, "value")), wins / 2, 1e-9);
}

/* Every result can be computed from the records. */
static void results_follow_from_records(void)
{
    static const char *const probe[] = {"rel", "gen", "loc", "port"};
    char *data = data_file();
    struct buf out = {0};
    const char *row;
    json_t *o;
    int seen = 0;

    CHECK(run(&out, "eval -q " SMALL ARMS "--data %s --edits 2,5 --json", data) == 0);
    for (int i = 0; (o = event(&out, "result", i)); json_decref(o), i++) {
        json_t *metrics = json_object_get(o, "metrics");
        int edits = (int)json_integer_value(json_object_get(o, "edits"));

        if (is_text(o, "when", "final"))
            CHECK_NEAR(state_number(o, "energy_change"),
                       state_number(o, "energy") / state_number(o, "energy_base") - 1, 1e-9);
        CHECK(!is_text(o, "when", "final") || state_number(o, "energy_change") != 0);
        for (int k = 0; k < 4; k++) {
            json_t *m = json_object_get(metrics, probe[k]);
            int records;
            double value =
                recomputed(&out, text_of(o, "arm"), edits, text_of(o, "when"), probe[k], &records);

            CHECK(!m == !records);
            if (!m)
                continue;
            CHECK_NEAR(json_number_value(json_object_get(m, "value")), value, 1e-9);
            CHECK(json_integer_value(json_object_get(m, "n")) == records);
            if (records < 5) { /* too few for an interval */
                CHECK(json_is_null(json_object_get(m, "low")));
                CHECK(json_is_null(json_object_get(m, "high")));
            } else {
                CHECK(json_number_value(json_object_get(m, "low")) <= value + 1e-9);
                CHECK(json_number_value(json_object_get(m, "high")) >= value - 1e-9);
            }
            seen++;
        }
        CHECK(json_object_get(metrics, "es")); /* the first fact has an old object */
        base_is_comparable(o);
        if (edits == 2 && is_text(o, "when", "final"))
            every_rephrase_counts(&out, o);
        CHECK(json_object_get(metrics, "rel_em"));
    }
    CHECK(seen == 3 * 2 * 2 * 4);
    o = event(&out, "comparison", 0);
    CHECK_STR(text_of(o, "with"), "nmke");
    CHECK_STR(text_of(o, "arm"), "alphaedit");
    json_decref(o);
    CHECK(run(&out, "eval -q " SMALL ARMS "--data %s --edits 2,5", data) == 0);
    CHECK(out.data && strstr(out.data, "final, teacher-forced") &&
          strstr(out.data, "immediate, generated") && strstr(out.data, "each arm less nmke") &&
          strstr(out.data, "Port: what follows"));
    CHECK(strstr(out.data, "\n(base)                0        2  ") &&
          strstr(out.data, "\n(base)                0        5  "));
    row = out.data ? strstr(out.data, "\nnmke                  2        2  ") : NULL;
    CHECK(row && !memchr(row, '[', strcspn(row + 1, "\n")));
    buf_free(&out);
    free(data);
}

/* The number of a metric in one of the `result` events, or its score; NULL: there is none.
 * Borrowed. */
static json_t *result_of(const json_t *results, const char *arm, int edits, const char *when,
                         const char *metric)
{
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *o = json_array_get(results, i);

        if (is_text(o, "arm", arm) && is_text(o, "when", when) &&
            json_integer_value(json_object_get(o, "edits")) == edits)
            return strcmp(metric, "score") ? json_object_get(json_object_get(o, "metrics"), metric)
                                           : json_object_get(o, "score");
    }
    return NULL;
}

/* One row of the Run view's export against the results: value, low, high, n. Columns: arm, edits,
 * when, protocol, metric, value, low, high, n. */
static bool row_is_of(const json_t *results, char *row)
{
    char *cell[9] = {0};
    json_t *m;
    int n = 0;
    bool same;

    for (char *at; n < 9 && (at = strsep(&row, ",")); n++)
        cell[n] = at;
    if (n < 9 || !*cell[0] || (strcmp(cell[2], "final") && strcmp(cell[2], "immediate")))
        return false;
    m = result_of(results, cell[0], (int)strtol(cell[1], NULL, 10), cell[2], cell[4]);
    if (json_is_real(m)) {
        CHECK_NEAR(json_real_value(m), strtod(cell[5], NULL), 1e-8);
        CHECK(!*cell[6] && !*cell[8]);
        return true;
    }
    same = m && is_text(m, "protocol", cell[3]) &&
           json_integer_value(json_object_get(m, "n")) == strtol(cell[8], NULL, 10);
    for (int i = 0; same && i < 3; i++) {
        static const char *const name[] = {"value", "low", "high"};
        json_t *value = json_object_get(m, name[i]);

        same = *cell[5 + i] ? fabs(json_number_value(value) - strtod(cell[5 + i], NULL)) < 1e-8
                            : json_is_null(value);
    }
    if (!same)
        printf("%s %s %s %s is not of the run\n", cell[0], cell[1], cell[2], cell[4]);
    CHECK(same);
    return true;
}

/* A copy that cannot be written, in a folder that cannot: its rows are those of the results. */
static void the_screen_shows_the_file(void)
{
    char *data = data_file(), *script = xasprintf("%s/show", folder);
    char *rows = xasprintf("%s/rows.csv", folder), *text, *csv, *row, *rest;
    json_t *results = json_array(), *o;
    struct buf out = {0};
    int count = 0;

    CHECK(run(&out,
              "eval -q " SMALL "--method nmke,alphaedit --data %s --edits 2,5 -o %s/a.run --figure "
              "%s/a.svg --json",
              data, folder, folder) == 0);
    text = xasprintf("%s/a.svg", folder);
    csv = file_read(text, 1 << 20, NULL, NULL);
    CHECK(csv && strstr(csv, ">a.run: all records so far, after so many edits in a row<") &&
          strstr(csv, "</svg>"));
    free(csv);
    free(text);
    for (int i = 0; (o = event(&out, "result", i)); i++)
        json_array_append_new(results, o);
    text = xasprintf("wait idle\nkey :\ntype export %s\nkey enter\nwait idle\n"
                     "key :\ntype export %s/a.html\nkey enter\nwait idle\n",
                     rows, folder);
    CHECK(file_write(script, text, strlen(text), NULL));
    free(text);
    text = xasprintf("mkdir %s/ro && cp %s/a.run %s/ro && chmod -R a-w %s/ro", folder, folder,
                     folder, folder);
    CHECK(system(text) == 0); /* NOLINT: a test's own command */
    free(text);
    CHECK(run(&out, "view %s/ro/a.run --batch --script %s", folder, script) == 0);
    text = xasprintf("%s/a.html", folder);
    CHECK(!file_exists(text)); /* a page is of an edit */
    free(text);
    csv = file_read(rows, 1 << 20, NULL, NULL);
    CHECK(csv && strstr(csv, "\"run a.run, journal to 20"));
    for (rest = csv; rest && (row = strsep(&rest, "\n"));)
        count += row_is_of(results, row);
    CHECK(count > 2 * 2 * 2 * 8);
    CHECK(run(&out, "view %s/ro/a.run --batch", folder) == 0);
    CHECK(out.data && strstr(out.data, "a.run: final, teacher-forced"));
    text = xasprintf("chmod -R u+w %s/ro", folder);
    CHECK(system(text) == 0); /* NOLINT: a test's own command */
    free(text);
    free(csv);
    free(rows);
    free(script);
    free(data);
    json_decref(results);
    buf_free(&out);
}

/* Whether a record of the base is what the reference has for its question and answer. */
static void record_is_of(const json_t *o, const json_t *question)
{
    json_t *answers = json_object_get(question, "answers"), *alias = json_object_get(o, "alias");
    json_t *matched = json_object_get(json_object_get(question, "matched"), text_of(o, "protocol"));
    json_int_t at = json_integer_value(alias);

    CHECK(!alias == (json_array_size(answers) == 1));
    CHECK(!alias || json_is_true(json_object_get(o, "matched")) ==
                        (json_is_integer(matched) && json_integer_value(matched) == at));
    if (is_text(o, "protocol", "teacher")) {
        json_t *fed = json_array_get(json_object_get(question, "teacher"), (size_t)at);

        CHECK(json_equal(json_object_get(o, "labels"), json_object_get(fed, "labels")));
        CHECK(json_equal(json_object_get(o, "predicted"), json_object_get(fed, "predicted")));
    } else {
        CHECK_STR(text_of(o, "said"), text_of(question, "said"));
        CHECK_STR(text_of(o, "wanted"), json_string_value(json_array_get(answers, (size_t)at)));
    }
}

/* Questions with several right answers: each is asked, and the record says which one matched. */
static void every_right_answer_is_asked(void)
{
    json_t *all = json_load_file("tests/data/aliases.json", 0, NULL), *list = json_array(), *r, *o;
    char *path = xasprintf("%s/aliases.json", folder);
    struct buf out = {0};
    int seen = 0;
    size_t at;

    json_array_foreach(all, at, r) json_array_append(list, json_object_get(r, "fact"));
    CHECK(json_dump_file(list, path, 0) == 0);
    CHECK(run(&out, "eval -q " SMALL "--data %s --edits 4 --method rome --no-state --json", path) ==
          0);
    for (int i = 0; (o = event(&out, "record", i)); json_decref(o), i++) {
        size_t record = (size_t)json_integer_value(json_object_get(o, "record")) - 1;
        size_t place = (size_t)json_integer_value(json_object_get(o, "place"));

        if (!is_text(o, "when", "base") || !is_text(o, "probe", "port"))
            continue;
        r = json_object_get(json_array_get(all, record), "questions");
        record_is_of(o, json_array_get(r, place));
        seen++;
    }
    CHECK(seen == 2 * (4 + 2 + 3 + 3 + 1 + 3 + 3));
    buf_free(&out);
    free(path);
    json_decref(list);
    json_decref(all);
}

/* All records and metrics that were printed, without times. */
static char *numbers_of(const struct buf *out)
{
    struct buf text = {0};
    json_t *o;

    for (int i = 0; (o = event(out, NULL, i)); json_decref(o), i++) {
        char *line;

        json_object_del(o, "seconds_per_edit");
        line = json_dumps(o, JSON_COMPACT);
        buf_printf(&text, "%s\n", line);
        free(line);
    }
    return buf_take(&text);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same, sorted: a run that was extended measured in another order. Caller frees. */
static char *sorted_numbers(const struct buf *out)
{
    char *text = numbers_of(out), *rest = text, **line = xcalloc(strlen(text) + 1, sizeof(*line));
    struct buf sorted = {0};
    size_t n = 0;

    while (rest && *rest)
        line[n++] = strsep(&rest, "\n");
    qsort(line, n, sizeof(*line), compare_lines);
    for (size_t i = 0; i < n; i++)
        buf_printf(&sorted, "%s\n", line[i]);
    free(line);
    free(text);
    return buf_take(&sorted);
}

/* Says where two texts begin to differ. */
static void same_numbers(const char *got, const char *want)
{
    size_t at = 0, line = 0;

    while (got[at] && got[at] == want[at])
        line = got[at++] == '\n' ? at : line;
    if (!got[at] && !want[at])
        return;
    printf("%.*s is not %.*s\n", (int)strcspn(got + line, "\n"), got + line,
           (int)strcspn(want + line, "\n"), want + line);
    CHECK(!"the same numbers");
}

/* Killed again and again, each time a little later, until it ends: the same numbers. */
static void a_killed_run_goes_on(void)
{
    static const char args[] =
        "eval -q " SMALL ARMS "--data %s --edits 2,5 --orders 2 --protocol teacher,generated "
        "-o %s/%s.run --json";
    char *data = data_file(), *killed = xasprintf(args, data, folder, "killed");
    char *whole, *again;
    struct buf out = {0};

    CHECK(run(&out, args, data, folder, "whole") == 0);
    whole = numbers_of(&out);
    CHECK(run_killed(&out, 0.15, 1.15, killed) > 2);
    again = numbers_of(&out);
    CHECK(strlen(whole) > 10000);
    same_numbers(again, whole);
    free(again);
    CHECK(run(&out, "%s", killed) == 0); /* complete: nothing is left to do */
    again = numbers_of(&out);
    same_numbers(again, whole);
    CHECK(run(&out, "eval -q " SMALL "--method nmke --data %s --edits 2,5 -o %s/killed.run", data,
              folder) == 5);
    CHECK(run(&out, "undo -s %s/killed.run", folder) != 0); /* all edits are undone */
    CHECK(run(&out, "verify -s %s/killed.run", folder) == 0);
    buf_free(&out);
    free(again);
    free(whole);
    free(killed);
    free(data);
}

#define EXTENDED "eval " SMALL "--method nmke,kn --data %s --edits %s -o %s/%s.run --json"

/* Further checkpoints behind those of the file: the run goes on, through a kill too, to the numbers
 * of one that was made in one go. kn needs an old object, which three facts do not have. */
static void a_run_is_extended(void)
{
    char *data = data_file(), *longer = xasprintf(EXTENDED, data, "2,4,5", folder, "longer");
    char *whole, *again, *said;
    struct buf out = {0};

    CHECK(run(&out, EXTENDED, data, "2,4,5", folder, "in-one") == 0);
    whole = sorted_numbers(&out);
    CHECK(strstr(whole, "\"name\":\"failed\""));
    CHECK(run(&out, EXTENDED, data, "2", folder, "longer") == 0);
    CHECK(run(&out, EXTENDED, data, "2", folder, "longer") == 0);
    said = messages();
    CHECK(strstr(said, "longer.run is complete; this is what it has") && !strstr(said, "goes on"));
    free(said);
    CHECK(run(&out, EXTENDED, data, "2,4", folder, "longer") == 0);
    said = messages();
    CHECK(strstr(said, "goes on to 4 facts: edits are made again, what was asked is kept"));
    free(said);
    CHECK(run_killed(&out, 0.2, 1.3, longer) > 1);
    again = sorted_numbers(&out);
    CHECK(strlen(whole) > 10000);
    same_numbers(again, whole);
    CHECK(run(&out, "verify -s %s/longer.run", folder) == 0);
    free(again);
    free(whole);
    free(longer);
    free(data);
    buf_free(&out);
}

/* What cannot be extended is told why. */
static void runs_that_cannot_be_extended(void)
{
    char *data = data_file(), *other = xasprintf("%s/other.jsonl", folder), *args;
    const char *second = strchr(facts, '\n') + 1;
    struct buf out = {0};

    CHECK(file_write(other, second, strlen(second), NULL));
    CHECK(run(&out, EXTENDED, data, "1,2", folder, "short") == 0);
    args = xasprintf(EXTENDED, data, "2,4", folder, "short");
    refused(5, "state",
            "was begun with --edits [1,2]; give the same numbers, and further ones behind", args);
    free(args);
    args = xasprintf(EXTENDED, data, "1", folder, "short");
    refused(5, "state", "was begun with --edits [1,2]", args);
    free(args);
    args = xasprintf(EXTENDED, other, "1,2,4", folder, "short");
    refused(5, "state", "the first 2 facts are not those that", args);
    free(args);
    args = xasprintf(EXTENDED " --batch 2", data, "1,2,4", folder, "short");
    refused(2, "usage", "1 is no multiple of --batch 2", args);
    free(args);
    CHECK(run(&out, EXTENDED " --orders 2", data, "1", folder, "orders") == 0);
    args = xasprintf(EXTENDED " --orders 2", data, "1,2", folder, "orders");
    refused(5, "state", "an order of 2 facts is shuffled as a whole", args);
    free(args);
    free(other);
    free(data);
    buf_free(&out);
}

/* What differs of another command is named, with both values. */
static void a_run_of_another_command(void)
{
    char *data = data_file(), *args;
    struct buf out = {0};

    CHECK(run(&out, EXTENDED, data, "1,2", folder, "short") == 0);
    args = xasprintf(EXTENDED " --set mask.mode=random --set ratio.ge.a=.2", data, "1,2", folder,
                     "short");
    refused(5, "state",
            "other arms (arm nmke: ratio.ge.a was 0.1, now 0.2; arm nmke: mask.mode was union, now "
            "random; arm kn: ",
            args);
    free(args);
    args = xasprintf(EXTENDED " --protocol teacher", data, "1,2", folder, "short");
    refused(5, "state", "other protocol (was [\"teacher\",\"generated\"], now [\"teacher\"])",
            args);
    free(args);
    args =
        xasprintf("eval " SMALL "--method nmke,rome --data %s --edits 1,2 -o %s/short.run --json",
                  data, folder);
    refused(5, "state", "other arms (they were nmke, kn, now nmke, rome)", args);
    free(args);
    free(data);
    buf_free(&out);
}

int main(void)
{
    static const struct test tests[] = {
        {"records left out", records_left_out},
        {"what cannot be measured is refused", refusals},
        {"arms of a file", arms_of_a_file},
        {"results follow from records", results_follow_from_records},
        {"every right answer is asked", every_right_answer_is_asked},
        {"the screen shows what the file holds", the_screen_shows_the_file},
        {"a killed run goes on to the same numbers", a_killed_run_goes_on},
        {"a run is extended", a_run_is_extended},
        {"runs that cannot be extended", runs_that_cannot_be_extended},
        {"a run of another command", a_run_of_another_command},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
