/* eval --tasks as a user runs it, on a model of random weights: what is refused, that scores follow
 * from the answers that are printed, and that a killed run goes on to the same ones. */
#include "tests/e2e/command.h"

static const char facts[] =
    "{\"subject\":\"Egypt\",\"prompt\":\"The capital of {} is\",\"target_new\":\"so\"}\n"
    "{\"subject\":\"Peru\",\"prompt\":\"{} is in\",\"target_new\":\"an\"}\n";

/* `eval` of both facts; the caller frees. */
static char *eval_of(const char *options)
{
    char *data = xasprintf("%s/facts.jsonl", folder), *args;

    CHECK(file_write(data, facts, sizeof(facts) - 1, NULL));
    args = xasprintf("eval -q " SMALL "--data %s --edits 1,2 --protocol teacher --no-state %s",
                     data, options);
    free(data);
    return args;
}

static void is_refused(const char *part, const char *options)
{
    char *args = eval_of(options);

    refused(2, "usage", part, args);
    free(args);
}

static void refusals(void)
{
    char *args = eval_of("--tasks gsm8k --task-data /nothing");

    is_refused("none of mmlu mmlu_cloze", "--tasks mmlu,arc");
    is_refused("names mmlu twice", "--tasks mmlu,mmlu");
    is_refused("--task-records needs --tasks", "--task-records 3");
    is_refused("--allow-exec needs --tasks", "--allow-exec");
    is_refused("fewer than 5 worked examples", "--tasks mmlu --task-shots 5");
    refused(2, "usage", "no questions of gsm8k", args);
    free(args);
}

static bool is_text(const json_t *o, const char *name, const char *value)
{
    return !strcmp(text_of(o, name), value);
}

/* All events of this name; the caller frees. */
static json_t *events(const struct buf *out, const char *name)
{
    json_t *list = json_array(), *o;

    for (const char *p = out->data; p && *p; p += strcspn(p, "\n") + 1) {
        o = json_loadb(p, strcspn(p, "\n"), 0, NULL);
        if (is_text(o, "event", name))
            json_array_append(list, o);
        json_decref(o);
    }
    return list;
}

/* The mean of a score over the answers of an arm's state ("": of the base). */
static double recomputed(const json_t *answers, const char *arm, int edits, const char *task,
                         const char *score, int *n)
{
    double sum = 0;
    json_t *o;
    size_t i;

    *n = 0;
    json_array_foreach(answers, i, o)
    {
        json_t *value = json_object_get(json_object_get(o, "scores"), score);

        if (!is_text(o, "arm", arm) || !is_text(o, "task", task) || !json_is_number(value) ||
            json_integer_value(json_object_get(o, "edits")) != edits)
            continue;
        sum += json_number_value(value);
        ++*n;
    }
    return sum / *n;
}

/* The parts of a score together are the score; returns how many there are. */
static size_t parts_make_the_score(const json_t *score)
{
    json_t *parts = json_object_get(score, "subtasks"), *part;
    double sum = 0, base = 0, all = (double)json_integer_value(json_object_get(score, "n"));
    size_t i;

    json_array_foreach(parts, i, part)
    {
        double n = (double)json_integer_value(json_object_get(part, "n"));

        CHECK(*text_of(part, "subtask"));
        sum += n * json_number_value(json_object_get(part, "value"));
        base += n * json_number_value(json_object_get(part, "base"));
        all -= n;
    }
    if (!i)
        return 0;
    CHECK_NEAR(all, 0, 1e-9);
    all = (double)json_integer_value(json_object_get(score, "n"));
    CHECK_NEAR(sum / all, json_number_value(json_object_get(score, "value")), 1e-8);
    CHECK_NEAR(base / all, json_number_value(json_object_get(score, "base")), 1e-8);
    return i;
}

/* Five questions of each of two subtasks are a table; the sign of a layout in a name is no column.
 */
static void subtasks_are_a_table(void)
{
    static const char *const subject[] = {"anatomy", "astronomy"};
    char *args = eval_of("--arm 'r%d: rome' --tasks mmlu --task-data"), *path;
    struct buf out = {0}, csv = {0};

    for (int i = 0; i < 5; i++)
        buf_printf(&csv, "Question %d?,one,two,three,four,%c\n", i, 'A' + i % 4);
    path = xasprintf("mkdir -p %s/data/mmlu/test", folder);
    CHECK(system(path) == 0); /* NOLINT: a test's own command */
    free(path);
    for (int i = 0; i < 2; i++) {
        path = xasprintf("%s/data/mmlu/test/%s_test.csv", folder, subject[i]);
        CHECK(file_write(path, csv.data, csv.len, NULL));
        free(path);
    }
    CHECK(run(&out, "%s %s/data", args, folder) == 0);
    CHECK(strstr(out.data, "mmlu by subtask, acc after 2 facts\n"));
    CHECK(strstr(out.data, "\nanatomy                                       5  "));
    buf_clear(&csv);
    buf_puts(&csv, "Question?,one,two,three,four,A\n");
    path = xasprintf("%s/data/mmlu/test/anatomy_test.csv", folder);
    CHECK(file_write(path, csv.data, csv.len, NULL));
    CHECK(run(&out, "%s %s/data", args, folder) == 0);
    CHECK(strstr(out.data, "mmlu: --json has the scores of its 2 subtasks\n"));
    free(path);
    free(args);
    buf_free(&csv);
    buf_free(&out);
}

static void scores_follow_from_answers(void)
{
    char *args = eval_of("--method nmke,alphaedit --task-records 3 --json --tasks "
                         "mmlu,mmlu_cloze,mmlu_generative,commonsense_qa,commonsense_qa_cloze,"
                         "gsm8k,bbh_zeroshot,humaneval");
    struct buf out = {0};
    json_t *answers, *results, *o;
    int seen = 0;
    size_t i, parts = 0;

    CHECK(run(&out, "%s", args) == 0);
    answers = events(&out, "task");
    results = events(&out, "result");
    json_array_foreach(results, i, o)
    {
        json_t *list = json_object_get(o, "tasks"), *s;
        size_t at;

        json_array_foreach(list, at, s)
        {
            const char *task = text_of(s, "task"), *score = text_of(s, "score");
            int edits = (int)json_integer_value(json_object_get(o, "edits")), n;

            CHECK_NEAR(json_number_value(json_object_get(s, "value")),
                       recomputed(answers, text_of(o, "arm"), edits, task, score, &n), 1e-8);
            CHECK(json_integer_value(json_object_get(s, "n")) == n && n > 0 && n <= 3);
            CHECK_NEAR(json_number_value(json_object_get(s, "base")),
                       recomputed(answers, "", 0, task, score, &n), 1e-8);
            parts += parts_make_the_score(s);
            seen++;
        }
        CHECK(!list == is_text(o, "when", "immediate"));
    }
    CHECK(seen == 2 * 2 * 14); /* arms, checkpoints, scores: all but pass_at_1 */
    CHECK(parts >= (size_t)(2 * 2 * (1 + 3 + 1 + 1) * 2)); /* of mmlu in three forms, bbh */
    json_decref(answers);
    json_decref(results);
    CHECK(!strstr(out.data, "pass_at_1\":1") && strstr(out.data, "\"pass_at_1\":null"));
    buf_free(&out);
    free(args);
}

/* Where the system has no sandbox, --allow-exec is refused before anything is executed. */
static void programs_are_executed_where_asked(void)
{
    char *args = eval_of("--tasks humaneval --task-records 1 --allow-exec --json");
    struct buf out = {0};
    int status = run(&out, "%s", args);
    char *said = messages();

    CHECK(status ? strstr(said, "none is executed") != NULL
                 : strstr(out.data, "\"pass_at_1\":0.0") != NULL);
    buf_free(&out);
    free(said);
    free(args);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The answers and scores that were printed, sorted. Caller frees. */
static char *answers_of(const struct buf *out)
{
    json_t *answers = events(out, "task"), *results = events(out, "result");
    size_t n = json_array_size(answers) + json_array_size(results);
    char **line = xcalloc(n + 1, sizeof(*line));
    struct buf text = {0};

    for (size_t i = 0; i < n; i++) {
        json_t *o = i < json_array_size(answers)
                        ? json_array_get(answers, i)
                        : json_array_get(results, i - json_array_size(answers));

        json_object_del(o, "seconds_per_edit");
        json_object_del(o, "gain");
        line[i] = json_dumps(o, JSON_COMPACT);
    }
    qsort(line, n, sizeof(*line), compare_lines);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&text, "%s\n", line[i]);
        free(line[i]);
    }
    free(line);
    json_decref(answers);
    json_decref(results);
    return buf_take(&text);
}

/* The score of a result that has this name, "gsm8k.flexible"; NULL: none. Borrowed. */
static json_t *score_of(const json_t *results, const char *arm, int edits, const char *name)
{
    json_t *o, *s;
    size_t i, k;

    json_array_foreach(results, i, o)
    {
        if (!is_text(o, "arm", arm) || json_integer_value(json_object_get(o, "edits")) != edits)
            continue;
        json_array_foreach(json_object_get(o, "tasks"), k, s)
        {
            char *own = xasprintf("%s.%s", text_of(s, "task"), text_of(s, "score"));
            bool same = !strcmp(own, name);

            free(own);
            if (same)
                return s;
        }
    }
    return NULL;
}

/* A row of the Run view's export and a line of the report have the numbers of the result: value,
 * low, high, n. Columns as in the_screen_shows_the_file() of eval_test. */
static bool row_is_score(const json_t *results, const char *report, char *row)
{
    static const char *const name[] = {"value", "low", "high"};
    char *cell[9] = {0}, *text;
    double x[3];
    json_t *s;
    int n = 0;

    for (char *at; n < 9 && (at = strsep(&row, ",")); n++)
        cell[n] = at;
    s = n == 9 ? score_of(results, cell[0], (int)strtol(cell[1], NULL, 10), cell[4]) : NULL;
    if (!s)
        return false;
    n = (int)json_integer_value(json_object_get(s, "n"));
    CHECK(n == strtol(cell[8], NULL, 10));
    for (int i = 0; i < 3; i++) {
        x[i] = json_number_value(json_object_get(s, name[i]));
        CHECK(!*cell[5 + i] == (i && n < 5)); /* too few for an interval */
        CHECK_NEAR(*cell[5 + i] ? strtod(cell[5 + i], NULL) : 0, x[i], 1e-8);
    }
    if (n < 5)
        return true;
    if (!strstr(cell[4], "logp")) /* a share: also where none is right there is a width */
        CHECK(x[1] >= 0 && x[1] <= x[0] && x[0] <= x[2] && x[2] <= 1 && x[2] > x[1]);
    text = xasprintf("%.3f [%.3f, %.3f]", x[0], x[1], x[2]);
    CHECK(strstr(report, text));
    free(text);
    return true;
}

/* The scores of the run are among the rows that the Run view exports. */
static void the_screen_has_scores(const char *run_file, const json_t *results, const char *report)
{
    char *script = xasprintf("%s/show", folder), *rows = xasprintf("%s/rows.csv", folder), *csv;
    char *text = xasprintf("wait idle\nkey :\ntype export %s\nkey enter\nwait idle\n", rows);
    char *rest, *row;
    struct buf out = {0};
    int seen = 0;

    CHECK(file_write(script, text, strlen(text), NULL));
    CHECK(run(&out, "view %s --batch --script %s", run_file, script) == 0);
    csv = file_read(rows, 1 << 20, NULL, NULL);
    CHECK(csv && strstr(csv, ",0,state,,mmlu_cloze.acc_norm,"));
    for (rest = csv; rest && (row = strsep(&rest, "\n"));)
        seen += row_is_score(results, report, row);
    CHECK(seen == 2 * (3 + 2 + 2));
    free(csv);
    free(text);
    free(rows);
    free(script);
    buf_free(&out);
}

static void a_killed_run_goes_on(void)
{
    char *whole, *again, *file, *killed;
    char *args = eval_of("--method alphaedit --tasks mmlu_cloze,gsm8k,humaneval --task-records 5 "
                         "-o");
    json_t *results;
    struct buf out = {0}, report = {0};

    CHECK(run(&out, "%s %s/whole.run --json", args, folder) == 0);
    CHECK(run(&report, "%s %s/whole.run", args, folder) == 0);
    whole = answers_of(&out);
    results = events(&out, "result");
    file = xasprintf("%s/whole.run", folder);
    the_screen_has_scores(file, results, report.data);
    json_decref(results);
    buf_free(&report);
    free(file);
    killed = xasprintf("%s %s/killed.run --json", args, folder);
    CHECK(run_killed(&out, 0.1, 1.5, killed) > 1);
    free(killed);
    again = answers_of(&out);
    CHECK(strlen(whole) > 3000);
    CHECK_STR(again, whole);
    CHECK(run(&out, "%s %s/killed.run --task-records 3", args, folder) == 5); /* another run */
    free(again);
    free(whole);
    free(args);
    buf_free(&out);
}

int main(void)
{
    static const struct test tests[] = {
        {"what cannot be asked is refused", refusals},
        {"scores follow from answers", scores_follow_from_answers},
        {"subtasks are a table", subtasks_are_a_table},
        {"programs are executed where asked", programs_are_executed_where_asked},
        {"a killed run goes on to the same answers", a_killed_run_goes_on},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
