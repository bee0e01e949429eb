/* Sessions, recordings and RUN files are found where they lie, newest first, and described. */
#include "views/screens/session_list.h"

#include <unistd.h>
#include <utime.h>

#include "core/base/file.h"
#include "core/engine/engine.h"
#include "core/record/run_file.h"

#pragma GCC diagnostic ignored "-Wunused-function"
#include "tests/unit/session_sample.h"

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

/* A session with so many edits; the last one is undone if `undo`. Changed at this second. */
static void make_session(const char *name, int edits, bool undo, long when)
{
    char *path = path_of(name);
    struct err err = {0};
    struct session *s;

    CHECK(file_make_parents(path, &err));
    s = session_open(path, true, false, &err);
    CHECK_STR(err.text, "");
    for (int i = 0; i < edits; i++) {
        struct edit_record r = sample(i + 1);

        CHECK(session_append(s, &r, &err));
        edit_record_free(&r);
    }
    CHECK(!undo || session_undo(s, NULL, &err));
    CHECK(session_set(s, SESSION_BASE_NAME, "tiny", &err));
    session_close(s);
    CHECK(!utime(path, &(struct utimbuf){when, when}));
    free(path);
}

static void put(const char *name, const char *bytes, size_t n, long when)
{
    char *path = path_of(name);

    CHECK(file_make_parents(path, NULL) && file_write(path, bytes, n, NULL));
    CHECK(!utime(path, &(struct utimbuf){when, when}));
    free(path);
}

static const char *name_at(const struct session_list *l, int i)
{
    return i < l->count ? strrchr(l->file[i].path, '/') + 1 : "";
}

static void what_was_kept_is_listed(void)
{
    static const char run[] = "\x60\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"editscope-run\"}}";
    struct session_list l = {0};
    struct kept_file *f;
    char *here = path_of("here"), *other = path_of("elsewhere/far.es"), *newest;

    CHECK(!setenv("XDG_STATE_HOME", folder, 1));
    make_session("here/two.es", 2, false, 4000);
    make_session("here/none.es", 0, false, 3000);
    make_session("editscope/autosave/kept.es", 2, true, 5000);
    make_session("editscope/autosave/empty.es", 0, false, 9000);
    make_session("elsewhere/far.es", 1, true, 2000);
    put("here/a.rec.gz", "\x1f\x8b\x08\0 and more", 12, 6000);
    put("here/no.rec.gz", "no recording", 12, 6000);
    put("here/run.safetensors", run, sizeof(run) - 1, 1000);
    put("here/delta.safetensors", "\x10\0\0\0\0\0\0\0{}              ", 24, 1000);
    CHECK(!chdir(here));
    session_list_note("/nowhere/gone.es");
    session_list_note(other);
    session_list_note(other);
    session_list_read(&l, NULL);
    CHECK(l.count == 6 && session_list_any());
    CHECK_STR(name_at(&l, 0), "a.rec.gz");
    CHECK_STR(name_at(&l, 1), "kept.es");
    CHECK_STR(name_at(&l, 2), "two.es");
    CHECK_STR(name_at(&l, 3), "none.es");
    CHECK_STR(name_at(&l, 4), "far.es");
    CHECK_STR(name_at(&l, 5), "run.safetensors");
    f = l.file;
    CHECK(f[0].kind == KEPT_RECORDING && f[5].kind == KEPT_RUN);
    CHECK(f[1].kind == KEPT_AUTOSAVE && f[1].edits == 1 && f[1].made == 2);
    CHECK_STR(f[1].last, "Subject 1.0 → Târgu \"1\" and 1 more");
    CHECK(f[2].kind == KEPT_SESSION && f[2].edits == 2);
    CHECK_STR(f[2].last, "Subject 2.0 → Târgu \"2\" and 1 more");
    CHECK_STR(f[2].model, "tiny");
    CHECK(!f[3].last && !f[3].made && !f[4].last && f[4].made == 1 && !f[4].edits);
    newest = session_list_newest();
    CHECK(newest && !strcmp(newest, f[1].path));
    free(newest);
    newest = xstrdup(f[2].path);
    session_list_read(&l, newest); /* the open one */
    free(newest);
    CHECK(l.count == 5);
    session_list_free(&l);
    CHECK(!chdir("/"));
    free(here);
    free(other);
}

/* A file that only claims to be a session does no harm. */
static void a_damaged_session_is_listed_without_words(void)
{
    struct session_list l = {0};
    struct session_summary s;
    struct err err = {0};
    char *bad = path_of("bad/broken.es"), *here = path_of("bad");

    CHECK(!setenv("XDG_STATE_HOME", here, 1));
    CHECK(!session_list_any());
    put("bad/broken.es", "SQLite format 3\0 and then nothing that fits", 44, 100);
    CHECK(!engine_session_summary(bad, &s, &err) && err.kind);
    CHECK(!chdir(here));
    session_list_read(&l, NULL);
    CHECK(l.count == 1 && !l.file[0].last && !l.file[0].made);
    CHECK(session_list_newest() == NULL);
    session_list_free(&l);
    CHECK(!chdir("/"));
    free(bad);
    free(here);
}

static const struct test tests[] = {
    {"what was kept is listed", what_was_kept_is_listed},
    {"a damaged session is listed without words", a_damaged_session_is_listed_without_words},
};
FOLDER_MAIN(folder, tests)
