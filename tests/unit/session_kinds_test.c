/* Edits that are more than a low-rank change of a down projection: any matrix, any kind of change,
 * hooks and prefixes; read back and undone to the bit. */
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/checksum.h"
#include "core/session/session.h"
#include "tests/folder.h"
#include "tests/test.h"

#define MODEL "tests/data/architectures/llama3/model.gguf"

static char folder[64], file[96];
static struct device *dev;
static struct model *model;

static float *values(size_t n, uint64_t seed)
{
    float *x = xmalloc((n + 1) * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rng_unit(&seed) - 0.5) / 8;
    return x;
}

static struct delta delta_of(enum matrix which, enum delta_kind kind, uint64_t seed)
{
    struct delta d = {.layer = (int)seed % 2, .matrix = which, .kind = kind, .rank = 3, .scale = 1};

    CHECK(matrix_shape(model->config, which, &d.rows, &d.cols));
    if (kind == DELTA_DENSE)
        d.rank = 0;
    d.r = values(delta_values(&d), seed);
    if (kind == DELTA_LOW_RANK) {
        d.x = values(3 * (size_t)d.cols, seed + 1);
        d.weight = seed % 3 ? values((size_t)d.cols, seed + 2) : NULL;
        d.key = seed % 2 ? values(3 * (size_t)d.cols, seed + 3) : NULL;
        d.scale = 1.25;
    } else if (kind == DELTA_COLUMNS) {
        d.column = xcalloc(3, sizeof(int));
        d.column[0] = 1;
        d.column[1] = 4;
        d.column[2] = d.cols - 1;
    }
    return d;
}

/* Edit 1: every kind of change of one matrix; 2: one kind of every matrix; 3: a hook; 4:
 * a prefix. */
static struct edit_record edit_of(int n)
{
    struct edit_record r = {.requests = 1};

    r.facts = xcalloc(1, sizeof(*r.facts));
    r.facts[0] = (struct fact){
        .subject = xstrdup("Rome"), .prompt = xstrdup("{} is"), .target = xstrdup("old")};
    r.delta = xcalloc(MATRICES * DELTA_KINDS, sizeof(*r.delta));
    for (int i = 0; n < 4 && i < MATRICES; i++)
        for (int k = 0; k < DELTA_KINDS; k++)
            if ((n == 1 && i == MATRIX_DOWN) || (n == 2 && k == i % DELTA_KINDS))
                r.delta[r.deltas++] =
                    delta_of((enum matrix)i, (enum delta_kind)k, (uint64_t)(10 * n + i + k));
    if (n == 3) {
        r.hook = xcalloc(2, sizeof(*r.hook));
        r.hooks = 2;
        r.hook[0] = (struct hook_data){xstrdup("add"), xstrdup("{\"layer\":1,\"site\":\"ffn_in\"}"),
                                       values((size_t)model->config->hidden, 5),
                                       (size_t)model->config->hidden * sizeof(float)};
        r.hook[1] = (struct hook_data){xstrdup("neurons"),
                                       xstrdup("{\"change\":[[0,2,\"scale\",3]]}"), NULL, 0};
    }
    if (n == 4) {
        r.prefix = xcalloc(2, sizeof(*r.prefix));
        r.prefixes = 2;
        r.prefix[0] = xstrdup("Rome is old.\n");
        r.prefix[1] = xstrdup("Bonn is not. ");
    }
    return r;
}

static void apply(struct model_state *s, const struct edit_record *r)
{
    struct err err = {0};

    for (int i = 0; i < r->deltas; i++) {
        CHECK(delta_fits(&r->delta[i], model->config));
        delta_apply(s, &r->delta[i]);
    }
    for (int i = 0; i < r->hooks; i++) {
        struct hook *h = hook_open(model, &r->hook[i], &err);

        state_add_hook(s, h);
        hook_release(h);
    }
    for (int i = 0; i < r->prefixes; i++)
        CHECK(state_add_prefix(s, r->prefix[i], &err));
    CHECK_STR(err.text, "");
}

/* The matrices that the session says are edited are those that the state has replaced. */
static void held_as(struct session *s, const struct model_state *state)
{
    int n = model->config->layers * MATRICES;
    bool *held = xcalloc((size_t)n, sizeof(*held));

    CHECK(session_edited_matrices(s, held, model->config->layers, NULL));
    for (int i = 0; i < n; i++)
        CHECK(held[i] == state_replaced(state, i / MATRICES, (enum matrix)(i % MATRICES)));
    free(held);
}

/* The state of the session's active edits. */
static void checksum_of(struct session *s, char hex[65])
{
    struct model_state *state = state_new(model, 1);
    struct edit_record *edits;
    struct err err = {0};
    int n;

    CHECK(session_edits(s, false, &edits, &n, &err));
    for (int i = 0; i < n; i++) {
        struct edit_record r = {.id = edits[i].id};

        CHECK(session_load_change(s, &r, &err));
        CHECK(r.deltas == edits[i].deltas && r.hooks == edits[i].hooks &&
              r.prefixes == edits[i].prefixes);
        apply(state, &r);
        edit_record_free(&r);
    }
    edit_records_free(edits, n);
    held_as(s, state);
    CHECK(weights_checksum(state, hex, &err));
    CHECK_STR(err.text, "");
    state_free(state);
}

static void every_kind_comes_back(void)
{
    struct model_state *state = state_new(model, 1);
    char want[5][65], got[65];
    struct err err = {0};
    struct session *s = session_open(file, true, false, &err);

    CHECK(weights_checksum(state, want[0], NULL));
    for (int n = 1; n <= 4; n++) {
        struct edit_record r = edit_of(n);

        apply(state, &r);
        CHECK(weights_checksum(state, want[n], &err) && strcmp(want[n], want[n - 1]) != 0);
        memcpy(r.checksum, want[n], sizeof(r.checksum));
        CHECK(session_append(s, &r, &err) && r.id == n);
        CHECK_STR(err.text, "");
        edit_record_free(&r);
    }
    state_free(state);
    for (int way = 0; way < 2; way++) { /* opened for writing, then for reading */
        session_close(s);
        s = session_open(file, false, way == 1, &err);
        CHECK(session_check(s, &err));
        CHECK_STR(err.text, "");
        checksum_of(s, got);
        CHECK_STR(got, want[4]);
    }
    session_close(s);
    s = session_open(file, false, false, &err);
    for (int n = 3; n >= 0; n--) {
        CHECK(session_undo(s, NULL, &err));
        checksum_of(s, got);
        CHECK_STR(got, want[n]);
    }
    for (int n = 1; n <= 4; n++)
        CHECK(session_redo(s, n, NULL, &err));
    checksum_of(s, got);
    CHECK_STR(got, want[4]);
    session_close(s);
}

static void sql(const char *statement)
{
    sqlite3 *db;
    char *why = NULL;

    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    sqlite3_exec(db, statement, NULL, NULL, &why);
    CHECK_STR(why ? why : "", "");
    sqlite3_free(why);
    sqlite3_close(db);
}

/* Whatever another program changes in the file is noticed; each change is then taken back. */
static void what_was_changed_is_told(void)
{
    static const struct {
        const char *change, *back, *want;
    } bad[] = {
        {"UPDATE deltas SET matrix = 'q' WHERE edit = 1",
         "UPDATE deltas SET matrix = 'down' WHERE "
         "edit = 1",
         "differ from those recorded"},
        {"UPDATE additions SET matrix = 'ears' WHERE edit = 1",
         "UPDATE additions SET matrix = 'down' WHERE edit = 1", "no matrix is called 'ears'"},
        {"UPDATE additions SET rows = rows + 1 WHERE edit = 1",
         "UPDATE additions SET rows = rows - 1 WHERE edit = 1", "constraint failed in additions"},
        {"UPDATE additions SET layer = -1 WHERE edit = 1",
         "UPDATE additions SET layer = (edit * 10 + place) % 2 WHERE edit = 1", "impossible"},
        {"UPDATE hooks SET params = replace(params, '3', '4')",
         "UPDATE hooks SET params = replace(params, '4', '3')", "differ from those recorded"},
        {"UPDATE hooks SET name = 'shout' WHERE place = 0",
         "UPDATE hooks SET name = 'add' WHERE place = 0", "differ from those recorded"},
        {"UPDATE prefixes SET text = text || 'x'",
         "UPDATE prefixes SET text = substr(text, 1, length(text) - 1)",
         "differ from those recorded"},
        {"UPDATE prefixes SET edit = 3", "UPDATE prefixes SET edit = 4",
         "differ from those recorded"},
    };
    struct session *s;
    struct err err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        sql(bad[i].change);
        err = (struct err){0};
        s = session_open(file, false, true, &err);
        CHECK(s && !session_check(s, &err) && err.kind == ERR_FORMAT);
        if (!strstr(err.text, bad[i].want))
            CHECK_STR(err.text, bad[i].want);
        session_close(s);
        sql(bad[i].back);
    }
    err = (struct err){0};
    s = session_open(file, false, true, &err);
    CHECK(session_check(s, &err));
    CHECK_STR(err.text, "");
    session_close(s);
}

static void what_cannot_be_stored_is_refused(void)
{
    struct session *s = session_open(NULL, true, false, NULL);
    struct err err;

    for (int k = 0; k < 5; k++) {
        static const char *const want[] = {"not in ascending order", "not in ascending order",
                                           "column 1 is nan", "columns, row 1, column 2 is inf",
                                           "is not valid"};
        struct edit_record r = edit_of(4);
        struct delta d = delta_of(MATRIX_Q, k == 2 ? DELTA_DENSE : DELTA_COLUMNS, 9);

        if (k == 0)
            d.column[1] = d.column[0];
        if (k == 1)
            d.column[2] = d.cols;
        if (k == 2)
            d.r[1] = NAN;
        if (k == 3)
            d.r[d.rows + 2] = INFINITY;
        if (k == 4)
            d.rank = 0;
        r.delta[r.deltas++] = d;
        err = (struct err){0};
        CHECK(!session_append(s, &r, &err));
        if (!strstr(err.text, want[k]))
            CHECK_STR(err.text, want[k]);
        edit_record_free(&r);
    }
    session_close(s);
}

/* A read-only file of version 1 is upgraded in the reader's copy. */
static void an_old_file_is_read_as_it_is(void)
{
    struct err err = {0};
    struct session *s = session_open("tests/data/sessions/version-0.1.0.es", false, true, &err);
    char hex[65];

    CHECK_STR(err.text, "");
    CHECK(s && session_check(s, &err));
    checksum_of(s, hex);
    CHECK_STR(hex, "0213a27509cacbcf065476f3b24924ff76fa2a5da76f30dbe482a596ef218457");
    session_close(s);
    s = session_peek("tests/data/sessions/version-0.1.0.es", &err);
    CHECK(s != NULL);
    session_close(s);
}

static void begin(void)
{
    struct err err = {0};

    CHECK(folder_make(folder, sizeof(folder)));
    snprintf(file, sizeof(file), "%s/kinds.es", folder);
    dev = device_open(&device_cpu, 0, 1, NULL);
    model = model_open(MODEL, dev, 0, NULL, &err);
    CHECK_STR(err.text, "");
}

static void end(void)
{
    model_close(model);
    device_close(dev);
    folder_remove(folder);
}

static const struct test tests[] = {
    {"a model", begin},
    {"every kind of change comes back, and is undone, to the bit", every_kind_comes_back},
    {"what was changed behind the program's back is told", what_was_changed_is_told},
    {"what cannot be stored is refused by name", what_cannot_be_stored_is_refused},
    {"a session of version 1 is read where nothing may be written", an_old_file_is_read_as_it_is},
    {"the model closes", end},
};
TEST_MAIN(tests)
