/* Files that are not sessions, or damaged ones: each is refused with a reason. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/unit/session_sample.h"

static void write_file(const void *bytes, size_t n)
{
    FILE *f = fopen(file, "wb");

    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f)
        fclose(f);
}

static void sql(const char *statement)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    if (sqlite3_exec(db, statement, NULL, NULL, &why) != SQLITE_OK)
        printf("%s: %s\n", statement, why);
    CHECK(!why);
    sqlite3_free(why);
    sqlite3_close(db);
}

static void refuses(const char *words)
{
    struct err err = {0};

    CHECK(!session_open(file, true, false, &err));
    CHECK(err.kind == ERR_FORMAT && strstr(err.text, words) && strstr(err.text, file));
    if (!strstr(err.text, words))
        printf("said: %s\n", err.text);
    err = (struct err){0};
    CHECK(!session_open(file, false, true, &err) && err.kind == ERR_FORMAT);
}

static void strange_files_refused(void)
{
    char noise[8192];
    struct err err = {0};
    struct session *s;

    fresh_file();
    CHECK(!session_open(file, false, false, &err) && err.kind == ERR_IO);
    memset(noise, 'n', sizeof(noise));
    write_file(noise, sizeof(noise));
    refuses("not an editscope session");
    write_file(noise, 100);
    refuses("not an editscope session");
    write_file(noise, 0);
    err = (struct err){0};
    CHECK(!session_open(file, false, false, &err) && err.kind == ERR_FORMAT);
    s = must_open(true); /* with `create` an empty file becomes a session */
    session_close(s);
    sql("PRAGMA user_version = 3");
    refuses("version 3, but this program knows up to 2");
    fresh_file();
    sql("CREATE TABLE edits (id)");
    refuses("not an editscope session");
    snprintf(file, sizeof(file), "%s", folder);
    refuses("not a file");
}

static void damaged(const char *statement, const char *words)
{
    struct edit_record *edits = NULL;
    struct delta *delta = NULL;
    struct err err = {0}, all = {0};
    struct session *s;
    float *z = NULL;
    int n = 0, deltas = 0, u, d;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    session_close(s);
    sql(statement);
    s = session_open(file, false, false, &err);
    if (s && session_edits(s, false, &edits, &n, &err) &&
        session_load_deltas(s, 1, &delta, &deltas, &err) && session_load_z(s, 1, &z, &u, &d, &err))
        printf("accepted: %s\n", statement);
    CHECK(err.kind == ERR_FORMAT && strstr(err.text, words) && strstr(err.text, file));
    if (!strstr(err.text, words))
        printf("%s\n  said: %s\n", statement, err.text);
    CHECK(!s || !session_check(s, &all));
    edit_records_free(edits, n);
    for (int i = 0; i < deltas; i++)
        delta_free(&delta[i]);
    free(delta);
    free(z);
    session_close(s);
}

static void damaged_values_named(void)
{
    damaged("UPDATE deltas SET r = substr(r, 1, 12) WHERE layer = 6", "edit 1, layer 6: r has 12");
    damaged("UPDATE deltas SET x = x || x'00' WHERE layer = 6", "edit 1, layer 6: x has 57");
    damaged("UPDATE deltas SET x = '' WHERE layer = 6", "edit 1, layer 6: x has 0 bytes, not 56");
    damaged("UPDATE deltas SET weight = x'00' WHERE place = 0", "edit 1, layer 4: the mask has 1");
    damaged("UPDATE deltas SET key = zeroblob(9) WHERE place = 0", "layer 4: the key has 9 bytes");
    damaged("UPDATE deltas SET x = zeroblob(56) WHERE layer = 6", "differ from those recorded");
    damaged("UPDATE deltas SET scale = 3 WHERE layer = 6", "differ from those recorded");
    damaged("DELETE FROM deltas WHERE layer = 6", "differ from those recorded");
    damaged("UPDATE deltas SET rank = 2147483647, cols = 2147483647", "not -1");
    damaged("UPDATE deltas SET cols = 9223372036854775807", "impossible");
    damaged("UPDATE deltas SET rank = -2", "impossible");
    damaged("UPDATE deltas SET layer = 'four'", "impossible");
    damaged("UPDATE targets SET z = x'00'", "edit 1: z has 1 bytes, not 40");
    damaged("UPDATE targets SET width = 0", "z has an impossible size");
    damaged("DELETE FROM probes; DELETE FROM facts", "edit 1 has no fact");
    damaged("UPDATE edits SET id = 99999999999", "99999999999");
    damaged("DROP TABLE deltas", "no such table");
    damaged("DROP TABLE journal; CREATE VIEW journal AS SELECT 1; DROP TABLE targets",
            "not a valid session");
}

/* Flips bits and cuts the file everywhere: opening and reading may fail, but never crash. */
static void any_byte_may_be_wrong(void)
{
    unsigned char *bytes;
    struct session *s;
    struct stat st;
    FILE *f;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    session_close(s);
    CHECK(stat(file, &st) == 0);
    bytes = xmalloc((size_t)st.st_size);
    f = fopen(file, "rb");
    CHECK(f && fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
    if (f)
        fclose(f);
    for (size_t at = 0; at < (size_t)st.st_size; at += at < 120 ? 1 : 97) {
        struct err err = {0};

        bytes[at] ^= 0xff;
        write_file(bytes, at % 3 ? (size_t)st.st_size : (size_t)st.st_size - at);
        s = session_open(file, false, false, &err);
        if (!(s && session_check(s, &err)) && !(err.kind && strstr(err.text, file)))
            CHECK(!"a failure without words");
        session_close(s);
        bytes[at] ^= 0xff;
    }
    free(bytes);
}

static const struct test tests[] = {
    {"strange files are refused", strange_files_refused},
    {"damaged values are named", damaged_values_named},
    {"any byte may be wrong", any_byte_may_be_wrong},
};

FOLDER_MAIN(folder, tests)
