/* Finds sessions, recordings and RUN files (session_list.h). Of a session the last edit and the
 * model are read; nothing is opened for writing.
 *
 * The file `recent` in the state folder holds the absolute paths of the sessions that were left
 * last, one per line, newest first. */
#include "views/screens/session_list.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/engine.h"

enum { KEPT_MOST = 60, RECENT_MOST = 20, RECENT_BYTES = 1 << 17 };

static bool is_listed(const struct session_list *l, const char *path)
{
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->file[i].path, path))
            return true;
    return false;
}

/* What a regular file is, by its name and its beginning. False: nothing for the list. */
static bool kind_of(const char *path, bool autosaves, enum kept_kind *kind)
{
    char head[256] = "";
    enum file_type type = file_type_of_bytes(head, file_peek(path, head, sizeof(head) - 1));

    if (file_ends_in(path, ".rec.gz"))
        *kind = KEPT_RECORDING;
    else if (file_ends_in(path, ".safetensors"))
        *kind = KEPT_RUN;
    else
        *kind = autosaves ? KEPT_AUTOSAVE : KEPT_SESSION;
    if (*kind == KEPT_RUN) /* the name of its format stands at the beginning */
        return type == FILE_TYPE_SAFETENSORS && memmem(head, sizeof(head), "editscope-run", 13);
    return type == (*kind == KEPT_RECORDING ? FILE_TYPE_GZIP : FILE_TYPE_SESSION);
}

/* Adds a regular file that is not listed yet. Takes the path. */
static void add_file(struct session_list *l, char *path, bool autosaves)
{
    struct kept_file f = {.path = path};
    struct stat st;

    if (stat(path, &st) || !S_ISREG(st.st_mode) || is_listed(l, path) ||
        !kind_of(path, autosaves, &f.kind)) {
        free(path);
        return;
    }
    f.when = (double)st.st_mtime;
    l->file = xrealloc(l->file, (size_t)(l->count + 1) * sizeof(*l->file));
    l->file[l->count++] = f;
}

static void add_folder(struct session_list *l, const char *folder, bool autosaves)
{
    static const char *const ending[] = {".es", ".rec.gz", ".safetensors"};
    DIR *dir = opendir(folder);
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
            if (file_ends_in(e->d_name, ending[i]))
                add_file(l, xasprintf("%s/%s", folder, e->d_name), autosaves);
    if (dir)
        closedir(dir);
}

/* The text of `recent`; empty if there is none. Caller frees. */
static char *recent_text(void)
{
    char *path = file_state_path("recent");
    char *text = file_read_text(path, RECENT_BYTES, NULL, NULL);

    free(path);
    return text ? text : xstrdup("");
}

static bool is_autosave(const char *path)
{
    char *folder = file_state_path("autosave/");
    bool is = !strncmp(path, folder, strlen(folder));

    free(folder);
    return is;
}

static void add_recent(struct session_list *l)
{
    char *text = recent_text();
    size_t n;

    for (const char *p = text; *p; p += n + (p[n] == '\n')) {
        char *path;

        n = strcspn(p, "\n");
        path = xasprintf("%.*s", (int)n, p);
        add_file(l, path, is_autosave(path));
    }
    free(text);
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct kept_file *)a)->when, y = ((const struct kept_file *)b)->when;

    return x < y ? 1
           : x > y
               ? -1
               : strcmp(((const struct kept_file *)a)->path, ((const struct kept_file *)b)->path);
}

static void kept_free(struct kept_file *f)
{
    free(f->path);
    free(f->last);
}

/* Reads what a session says of itself. False: leave it out. */
static bool describe(struct kept_file *f)
{
    struct session_summary s;

    if (f->kind != KEPT_SESSION && f->kind != KEPT_AUTOSAVE)
        return true;
    if (!engine_session_summary(f->path, &s, NULL))
        return f->kind == KEPT_SESSION; /* damaged, or busy: it is there all the same */
    utf8_copy(f->model, sizeof(f->model), s.model);
    f->edits = s.edits;
    f->made = s.made;
    if (s.last.subject && s.last_facts > 1)
        f->last = xasprintf("%s → %s and %d more", s.last.subject, s.last.target, s.last_facts - 1);
    else if (s.last.subject)
        f->last = xasprintf("%s → %s", s.last.subject, s.last.target);
    fact_free(&s.last);
    return f->kind == KEPT_SESSION || s.made;
}

/* All files of the three folders and of `recent`, undescribed, newest first. */
static void find_files(struct session_list *l)
{
    char *here = file_absolute("."), *kept = file_state_path("autosave"),
         *state = file_state_path("");

    if (strlen(here) > 2 && file_ends_in(here, "/."))
        here[strlen(here) - 2] = '\0';
    state[strlen(state) - 1] = '\0'; /* without its slash */
    add_folder(l, here, false);
    add_folder(l, kept, true);
    add_folder(l, state, false);
    add_recent(l);
    if (l->count)
        qsort(l->file, (size_t)l->count, sizeof(*l->file), by_time);
    free(here);
    free(kept);
    free(state);
}

void session_list_read(struct session_list *l, const char *except)
{
    struct session_list found = {0};

    session_list_free(l);
    find_files(&found);
    l->file = xcalloc((size_t)found.count + 1, sizeof(*l->file));
    for (int i = 0; i < found.count; i++) {
        struct kept_file f = found.file[i];

        if (l->count < KEPT_MOST && (!except || strcmp(f.path, except) != 0) && describe(&f))
            l->file[l->count++] = f;
        else
            kept_free(&f);
    }
    free(found.file);
}

void session_list_free(struct session_list *l)
{
    for (int i = 0; i < l->count; i++)
        kept_free(&l->file[i]);
    free(l->file);
    *l = (struct session_list){0};
}

bool session_list_any(void)
{
    struct session_list found = {0};
    bool any = false;

    find_files(&found);
    for (int i = 0; i < found.count && !any; i++)
        any = describe(&found.file[i]);
    session_list_free(&found);
    return any;
}

char *session_list_newest(void)
{
    struct session_list found = {0};
    char *path = NULL;

    find_files(&found);
    for (int i = 0, kept = 0; i < found.count && kept < KEPT_MOST && !path; i++) {
        kept += describe(&found.file[i]);
        if (found.file[i].made)
            path = xstrdup(found.file[i].path);
    }
    session_list_free(&found);
    return path;
}

void session_list_note(const char *path)
{
    char *file = file_state_path("recent"), *text = recent_text();
    struct buf out = {0};
    int lines = 1;
    size_t n;

    buf_printf(&out, "%s\n", path);
    for (const char *p = text; *p && lines < RECENT_MOST; p += n + (p[n] == '\n')) {
        n = strcspn(p, "\n");
        if (n == strlen(path) && !strncmp(p, path, n))
            continue;
        buf_add(&out, p, n);
        buf_puts(&out, "\n");
        lines++;
    }
    if (!strchr(path, '\n') && file_make_parents(file, NULL))
        file_write(file, out.data, out.len, NULL); /* a loss is no more than a shorter list */
    buf_free(&out);
    free(text);
    free(file);
}
