/* Sessions: every step, what is stored, what is refused, older versions. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/session_sample.h"

static char text[] = "x"; /* a fact holds char *, so no literal */

static bool same_floats(const float *a, const float *b, int n)
{
    return (!a && !b) || (a && b && !memcmp(a, b, (size_t)n * sizeof(*a)));
}

static void check_delta(const struct delta *a, const struct delta *b)
{
    CHECK(a->layer == b->layer && a->rank == b->rank && a->rows == b->rows && a->cols == b->cols);
    CHECK(a->scale == b->scale);
    CHECK(same_floats(a->r, b->r, U * D) && same_floats(a->x, b->x, U * M));
    CHECK(same_floats(a->weight, b->weight, M) && same_floats(a->key, b->key, U * M));
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && !strcmp(a, b));
}

static void check_facts(const struct edit_record *a, const struct edit_record *b)
{
    CHECK(a->requests == b->requests);
    for (int i = 0; i < a->requests; i++) {
        const struct fact *f = &a->facts[i], *g = &b->facts[i];

        CHECK(same_text(f->subject, g->subject) && same_text(f->prompt, g->prompt));
        CHECK(same_text(f->target, g->target) && same_text(f->old, g->old));
        CHECK(same_text(f->rephrase, g->rephrase) && f->mores == g->mores &&
              f->localities == g->localities);
        for (int j = 0; j < f->mores && j < g->mores; j++)
            CHECK_STR(f->more[j], g->more[j]);
        for (int j = 0; j < f->localities; j++)
            CHECK(same_text(f->locality[j].prompt, g->locality[j].prompt) &&
                  same_text(f->locality[j].answer, g->locality[j].answer));
    }
}

/* Checks that an edit is the sample of that seed, in every field. */
static void check_edit(struct session *s, const struct edit_record *got, int seed)
{
    struct edit_record want = sample(seed);
    struct delta *delta;
    float *z;
    int n, requests, width;

    check_facts(got, &want);
    CHECK(same_text(got->params_json, want.params_json) && same_text(got->note, want.note));
    CHECK(same_text(got->metrics_json, want.metrics_json));
    CHECK(got->lambda == want.lambda && got->draft == want.draft);
    CHECK(got->moment_tokens == want.moment_tokens && got->attribution == want.attribution);
    CHECK_STR(got->projector, want.projector);
    CHECK(got->deltas == LAYERS && !got->delta && !got->z);
    CHECK(session_load_deltas(s, got->id, &delta, &n, NULL));
    CHECK(n == LAYERS);
    for (int i = 0; i < n; i++) {
        check_delta(&delta[i], &want.delta[i]);
        delta_free(&delta[i]);
    }
    free(delta);
    CHECK(session_load_z(s, got->id, &z, &requests, &width, NULL));
    CHECK(requests == U && width == D && same_floats(z, want.z, U * D));
    free(z);
    edit_record_free(&want);
}

/* Checks the numbers of the active edits: "1 2 4", or "" for none. */
static void check_active(struct session *s, const char *want)
{
    struct edit_record *edits;
    char have[200] = "";
    int n;

    CHECK(session_edits(s, false, &edits, &n, NULL));
    for (int i = 0; i < n; i++)
        snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%d", i ? " " : "",
                 edits[i].id);
    CHECK_STR(have, want);
    edit_records_free(edits, n);
}

/* Checks the number of the last active edit, 0 for none. */
static void check_last(struct session *s, int want)
{
    struct edit_record last;

    CHECK(session_last_edit(s, &last, NULL) && last.id == want);
    if (want)
        check_edit(s, &last, want);
    edit_record_free(&last);
}

static void last_edit_is_the_last_active(void)
{
    struct session *s;

    fresh_file();
    s = must_open(true);
    check_last(s, 0);
    CHECK(append(s, 1) == 1 && append(s, 2) == 2 && append(s, 3) == 3);
    check_last(s, 3);
    CHECK(session_undo(s, NULL, NULL) && session_deactivate(s, 1, NULL));
    check_last(s, 2);
    CHECK(session_undo(s, NULL, NULL));
    check_last(s, 0);
    session_close(s);
}

static void edits_are_read_back(void)
{
    struct edit_record *edits;
    struct session *s;
    int n;

    fresh_file();
    s = must_open(true);
    CHECK(append(s, 1) == 1 && append(s, 2) == 2 && append(s, 3) == 3);
    session_close(s);
    s = must_open(false);
    CHECK(session_edits(s, false, &edits, &n, NULL));
    CHECK(n == 3);
    for (int i = 0; i < n; i++) {
        CHECK(edits[i].id == i + 1 && edits[i].active && !edits[i].redoable);
        check_edit(s, &edits[i], i + 1);
    }
    edit_records_free(edits, n);
    CHECK(session_check(s, NULL));
    session_close(s);
}

/* The name of an older state is the one that the session had when it was in that state. */
static void older_states_have_their_names(void)
{
    struct session_status was[4], after;
    struct edit_record *edits;
    char name[4][17];
    struct session *s;
    int n;

    fresh_file();
    s = must_open(true);
    for (int i = 0; i < 4; i++) {
        CHECK(!i || append(s, i) == i);
        CHECK(session_status(s, &was[i], NULL));
    }
    CHECK(session_edits(s, true, &edits, &n, NULL) && n == 3);
    CHECK(session_state_names(s, edits, n, name, NULL));
    for (int i = 0; i < 4; i++)
        CHECK_STR(name[i], was[i].state);
    edit_records_free(edits, n);
    CHECK(session_deactivate(s, 1, NULL)); /* the states after 2 and 3 are others now */
    CHECK(session_edits(s, true, &edits, &n, NULL) && n == 3);
    CHECK(session_state_names(s, edits, n, name, NULL) && session_status(s, &after, NULL));
    CHECK_STR(name[0], was[0].state);
    CHECK_STR(name[1], was[0].state);
    CHECK(strcmp(name[2], was[2].state) != 0);
    CHECK_STR(name[3], after.state);
    edit_records_free(edits, n);
    session_close(s);
}

static void a_group_of_steps_is_one_step(void)
{
    struct session *s;
    struct err err = {0};
    struct journal_row *rows;
    int before, after;

    fresh_file();
    s = must_open(true);
    CHECK(!session_end(s, true, NULL)); /* none was begun */
    for (int i = 1; i <= 3; i++)
        append(s, i);
    CHECK(session_log(s, &rows, &before, NULL));
    free(rows);
    CHECK(session_begin(s, NULL) && session_deactivate(s, 1, NULL) && session_undo(s, NULL, NULL));
    check_active(s, "2"); /* reads see the steps */
    CHECK(!session_end(s, false, NULL));
    check_active(s, "1 2 3");
    CHECK(session_begin(s, NULL) && session_deactivate(s, 1, NULL) &&
          !session_deactivate(s, 9, &err));
    CHECK(!session_end(s, false, NULL));
    CHECK(session_log(s, &rows, &after, NULL) && after == before);
    free(rows);
    CHECK(session_begin(s, NULL) && session_deactivate(s, 1, NULL) && session_undo(s, NULL, NULL));
    CHECK(session_end(s, true, NULL));
    session_close(s);
    s = must_open(false);
    check_active(s, "2");
    session_close(s);
}

static void undo_redo_remove(void)
{
    struct session *s;
    struct err err = {0};
    int edit = 0;

    fresh_file();
    s = must_open(true);
    CHECK(!session_undo(s, &edit, &err) && err.kind == ERR_USAGE);
    for (int i = 1; i <= 5; i++)
        append(s, i);
    CHECK(session_undo(s, &edit, NULL) && edit == 5);
    CHECK(session_deactivate(s, 2, NULL));
    check_active(s, "1 3 4");
    CHECK(session_undo(s, &edit, NULL) && edit == 4);
    CHECK(session_redo(s, 0, &edit, NULL) && edit == 4);
    CHECK(session_redo(s, 0, &edit, NULL) && edit == 2);
    check_active(s, "1 2 3 4");
    CHECK(session_deactivate(s, 1, NULL));
    session_close(s);

    s = must_open(false); /* redo works after the session was reopened */
    CHECK(session_redo(s, 5, &edit, NULL) && edit == 5);
    check_active(s, "2 3 4 5");
    CHECK(session_undo(s, &edit, NULL) && edit == 5);
    CHECK(append(s, 6) == 6);
    check_active(s, "2 3 4 6");
    err = (struct err){0};
    CHECK(!session_redo(s, 0, &edit, &err) && strstr(err.text, "edit 5 cannot be redone"));
    err = (struct err){0};
    CHECK(!session_redo(s, 5, &edit, &err) && strstr(err.text, "edit 5 cannot be redone"));
    err = (struct err){0};
    CHECK(!session_redo(s, 6, &edit, &err) && strstr(err.text, "active"));
    err = (struct err){0};
    CHECK(!session_deactivate(s, 5, &err) && strstr(err.text, "already undone"));
    err = (struct err){0};
    CHECK(!session_deactivate(s, 99, &err) && strstr(err.text, "no edit 99"));
    check_active(s, "2 3 4 6");
    session_close(s);
}

static void log_and_checksums(void)
{
    static const enum journal_op ops[] = {JOURNAL_CREATE, JOURNAL_EDIT, JOURNAL_EDIT, JOURNAL_UNDO,
                                          JOURNAL_REDO};
    char base[65], one[65], two[65];
    struct session_status st;
    struct journal_row *rows;
    struct err err = {0};
    struct session *s;
    char at_one[17];
    int n;

    memset(base, 'a', 64), memset(one, 'b', 64), memset(two, 'c', 64);
    base[64] = one[64] = two[64] = '\0';
    fresh_file();
    s = must_open(true);
    CHECK(session_set_checksum(s, base, NULL));
    append(s, 1);
    CHECK(session_status(s, &st, NULL) && st.edits == 1 && !*st.checksum && st.last == 1);
    memcpy(at_one, st.state, sizeof(at_one));
    CHECK(session_set_checksum(s, one, NULL));
    append(s, 2);
    CHECK(session_set_checksum(s, two, NULL));
    CHECK(session_undo(s, NULL, NULL));
    CHECK(session_status(s, &st, NULL) && st.edits == 1 && st.total == 2 && st.redo == 2);
    CHECK_STR(st.state, at_one);
    CHECK_STR(st.checksum, one);
    CHECK(!session_set_checksum(s, two, &err) && err.kind == ERR_STATE);
    CHECK(session_set_checksum(s, one, NULL));
    CHECK(session_redo(s, 0, NULL, NULL));
    CHECK(session_status(s, &st, NULL));
    CHECK_STR(st.checksum, two);
    CHECK(session_log(s, &rows, &n, NULL) && n == 5);
    for (int i = 0; i < n; i++)
        CHECK(rows[i].seq == i + 1 && rows[i].op == ops[i] && rows[i].when > 1e9);
    CHECK_STR(rows[0].checksum, base);
    CHECK_STR(rows[3].checksum, one);
    CHECK_STR(rows[3].state, rows[1].state);
    CHECK(rows[0].edit == 0 && rows[3].edit == 2);
    free(rows);
    session_close(s);
}

/* Checks that an SQL query on the file gives a row. */
static bool has_row(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q = NULL;
    bool has = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
               sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
               sqlite3_step(q) == SQLITE_ROW;

    sqlite3_finalize(q);
    sqlite3_close(db);
    return has;
}

static void settings_and_queries(void)
{
    struct session *s;
    struct edit_record *edits;
    struct err err = {0};
    char *value;
    int n;

    fresh_file();
    s = must_open(true);
    CHECK(!session_get(s, SESSION_PREFIXES, &err) && !err.kind);
    CHECK(session_set(s, SESSION_PREFIXES, "The a. \nBecause\n", NULL));
    CHECK(session_set(s, SESSION_PREFIXES, "The b. \nBecause\n", NULL));
    CHECK(!session_set(s, "no such; name", "", &err) && err.kind == ERR_USAGE);
    CHECK(session_add_query(s, "Where?", "Rome", "edit:3", NULL));
    append(s, 1);
    CHECK(session_set_note(s, 1, "kept", NULL));
    err = (struct err){0};
    CHECK(!session_set_note(s, 7, "kept", &err) && strstr(err.text, "no edit 7"));
    session_close(s);
    s = must_open(false);
    value = session_get(s, SESSION_PREFIXES, NULL);
    CHECK_STR(value ? value : "(none)", "The b. \nBecause\n");
    free(value);
    CHECK(has_row("SELECT 1 FROM queries WHERE prompt = 'Where?' AND answer = 'Rome' AND"
                  " state = 'edit:3'"));
    CHECK(session_edits(s, true, &edits, &n, NULL) && n == 1);
    CHECK_STR(edits[0].note, "kept");
    edit_records_free(edits, n);
    session_close(s);
}

static bool bind(struct session *s, const char *identity, const char *name, struct err *err)
{
    struct session_base base = {.name = name};

    snprintf(base.identity, sizeof(base.identity), "%s", identity);
    return session_bind(s, &base, err);
}

static void other_model_refused(void)
{
    static const char base[] = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
    static const char other[] = "1234567890ab6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
    struct err err = {0};
    struct session *s;

    fresh_file();
    s = must_open(true);
    CHECK(bind(s, base, "SmolLM2", NULL) && bind(s, base, "SmolLM2", NULL));
    session_close(s);
    s = must_open(false);
    CHECK(!bind(s, other, "Qwen", &err) && err.kind == ERR_STATE);
    CHECK(strstr(err.text, "SmolLM2 (b179c9523d0e)") && strstr(err.text, "Qwen (1234567890ab)"));
    session_close(s);
    s = session_open(file, false, true, NULL); /* nor read with the other model */
    CHECK(s && !bind(s, other, "Qwen", NULL));
    session_close(s);
}

/* A former identity of the same model is accepted, and replaced when the session is written. */
static void former_identity_known(void)
{
    struct session_base base = {
        .identity = "present", .former = {"something", "former"}, .name = "X"};
    struct err err = {0};
    struct session *s;
    char *now;

    fresh_file();
    s = must_open(true);
    CHECK(bind(s, "former", "X", NULL));
    session_close(s);
    s = session_open(file, false, true, NULL);
    CHECK(s && session_bind(s, &base, NULL)); /* nothing is written */
    now = session_get(s, SESSION_BASE_IDENTITY, NULL);
    CHECK_STR(now, "former");
    free(now);
    session_close(s);
    s = must_open(false);
    CHECK(session_bind(s, &base, NULL));
    now = session_get(s, SESSION_BASE_IDENTITY, NULL);
    CHECK_STR(now, "present");
    free(now);
    CHECK(!bind(s, "former", "X", &err) && err.kind == ERR_STATE);
    session_close(s);
}

static void second_writer_refused(void)
{
    char want[300], host[256] = "", other[200], lock[128];
    struct err err = {0};
    struct session *s, *reader;
    int status = -1;
    pid_t child;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    gethostname(host, sizeof(host) - 1);
    snprintf(want, sizeof(want), "process %ld on %s", (long)getpid(), host);
    snprintf(other, sizeof(other), "%s/..%s", folder, file + (strrchr(folder, '/') - folder));
    child = fork();
    if (child == 0) /* another spelling of the same path */
        _exit(session_open(other, false, false, &err) || err.kind != ERR_HELD ||
              !strstr(err.text, want));
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    reader = session_open(file, false, true, NULL); /* readers need no lock */
    CHECK(reader);
    check_active(reader, "1");
    append(s, 2);
    check_active(reader, "1"); /* the state when it was opened */
    session_close(reader);
    reader = session_open(file, false, true, NULL); /* a new reader sees the new state */
    CHECK(reader);
    check_active(reader, "1 2");
    session_close(reader);
    session_close(s);
    snprintf(lock, sizeof(lock), "%s.lock", file);
    CHECK(access(lock, F_OK) != 0);
    s = must_open(false);
    session_close(s);
}

/* Only what this open created and nobody wrote into. */
static void an_unused_session_is_known(void)
{
    struct session *s;

    fresh_file();
    s = must_open(true);
    CHECK(session_is_unused(s));
    CHECK(session_add_query(s, "Where?", "There.", "base", NULL) && !session_is_unused(s));
    session_close(s);
    fresh_file();
    s = must_open(true);
    append(s, 1);
    CHECK(session_undo(s, NULL, NULL) && !session_is_unused(s));
    session_close(s);
    fresh_file();
    session_close(must_open(true));
    s = must_open(false); /* it was there before */
    CHECK(!session_is_unused(s));
    session_close(s);
}

static void dead_lock_is_free(void)
{
    struct session *s;
    pid_t child;
    int status;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    session_close(s);
    child = fork();
    if (child == 0) {
        s = session_open(file, false, false, NULL);
        _exit(s ? 0 : 1); /* exits with the lock held: PATH.lock stays behind */
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    s = must_open(false);
    check_active(s, "1");
    session_close(s);
}

static void readonly_changes_nothing(void)
{
    struct edit_record r = sample(2);
    struct err err = {0};
    struct session *s;
    struct session_status st;
    char lock[128];

    fresh_file();
    s = must_open(true);
    append(s, 1);
    session_close(s);
    s = session_open(file, true, true, NULL);
    CHECK(s && session_status(s, &st, NULL) && st.readonly);
    snprintf(lock, sizeof(lock), "%s.lock", file);
    CHECK(access(lock, F_OK) != 0);
    CHECK(!session_append(s, &r, &err) && err.kind == ERR_USAGE && strstr(err.text, "read-only"));
    CHECK(!session_undo(s, NULL, NULL) && !session_redo(s, 0, NULL, NULL));
    CHECK(!session_set(s, "a", "b", NULL) && !session_add_query(s, "a", "b", "c", NULL));
    CHECK(bind(s, "abc", "X", NULL));
    check_active(s, "1");
    session_close(s);
    edit_record_free(&r);
    fresh_file();
    err = (struct err){0};
    CHECK(!session_open(file, true, true, &err) && err.kind == ERR_IO);
    CHECK(access(file, F_OK) != 0);
}

static void in_memory_and_copied(void)
{
    struct session *s = session_open(NULL, true, false, NULL);
    struct err err = {0};

    CHECK(s);
    append(s, 1);
    append(s, 2);
    CHECK(session_undo(s, NULL, NULL));
    fresh_file();
    CHECK(session_copy(s, file, &err));
    CHECK(!session_copy(s, file, &err) && strstr(err.text, "exists already"));
    CHECK_STR(session_path(s), "");
    session_close(s);
    s = must_open(false);
    check_active(s, "1");
    CHECK(session_check(s, NULL) && session_redo(s, 0, NULL, NULL));
    CHECK_STR(session_path(s), file);
    session_close(s);
}

static void bad_edits_refused(void)
{
    struct fact fact = {.subject = text, .prompt = text, .target = text};
    struct edit_record r = {.requests = 1, .facts = &fact, .deltas = 1};
    float one[1] = {1};
    struct delta d = {.layer = 3, .rank = 1, .rows = 1, .cols = 0, .r = one, .x = one};
    struct session_status st;
    struct err err = {0};
    struct session *s;

    fresh_file();
    s = must_open(true);
    CHECK(!session_append(s, &r, &err) && err.kind == ERR_USAGE);
    r.delta = &d;
    err = (struct err){0};
    CHECK(!session_append(s, &r, &err) && strstr(err.text, "layer 3"));
    d.cols = 1;
    d.rank = 2000000000;
    err = (struct err){0};
    CHECK(!session_append(s, &r, &err) && err.kind == ERR_LIMIT);
    d.rank = 1;
    fact.target = NULL;
    CHECK(!session_append(s, &r, NULL));
    fact.target = text;
    CHECK(session_status(s, &st, NULL) && st.total == 0);
    CHECK(session_append(s, &r, NULL) && r.id == 1);
    session_close(s);
}

static void autosave_is_new_and_private(void)
{
    char *path;
    struct session *s;

    fresh_file();
    setenv("XDG_STATE_HOME", folder, 1);
    path = session_autosave_path();
    CHECK(strstr(path, folder) == path && strstr(path, "/editscope/autosave/"));
    s = session_open(path, true, false, NULL);
    CHECK(s);
    session_close(s);
    free(path);
}

static const struct test tests[] = {
    {"an unused session is known", an_unused_session_is_known},
    {"older states have their names", older_states_have_their_names},
    {"edits are read back as appended", edits_are_read_back},
    {"the last edit is the last active one", last_edit_is_the_last_active},
    {"undo, redo, remove", undo_redo_remove},
    {"a group of steps is one step", a_group_of_steps_is_one_step},
    {"the log and its checksums", log_and_checksums},
    {"settings, queries, metrics, notes", settings_and_queries},
    {"a session of another model is refused", other_model_refused},
    {"a former name of the model", former_identity_known},
    {"a second writer is refused", second_writer_refused},
    {"the lock of a dead process is free", dead_lock_is_free},
    {"read-only changes nothing", readonly_changes_nothing},
    {"in memory, then copied", in_memory_and_copied},
    {"bad edits are refused", bad_edits_refused},
    {"autosave has a new name", autosave_is_new_and_private},
};

FOLDER_MAIN(folder, tests)
