/* Data files of ability tasks: finds them, and takes their records apart. */
#include "core/eval/task_read.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { DATA_MOST = 1 << 28, CELLS_MOST = 16 };

struct task_question *task_question_add(struct task_questions *all, const char *subtask)
{
    const struct task_question *last = all->count ? &all->question[all->count - 1] : NULL;
    int index = last && !strcmp(last->subtask, subtask) ? last->index + 1 : 1;
    struct task_question *q;

    all->question = xrealloc(all->question, (size_t)(all->count + 1) * sizeof(*all->question));
    q = &all->question[all->count++];
    *q = (struct task_question){.subtask = xstrdup(subtask), .index = index};
    return q;
}

void task_option_add(struct task_question *q, const char *text)
{
    q->option = xrealloc(q->option, (size_t)(q->options + 1) * sizeof(*q->option));
    q->option[q->options++] = xstrdup(text);
}

char *task_stripped(const char *text)
{
    const char *end = text + strlen(text), *begin = end, *last = text;

    for (const char *p = text; p < end;) {
        const char *at = p;

        if (utf8_is_space(utf8_next(&p, end)))
            continue;
        begin = begin == end ? at : begin;
        last = p;
    }
    return begin < end ? xasprintf("%.*s", (int)(last - begin), begin) : xstrdup("");
}

/* ---- files ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **task_files(const char *folder, const char *name, const char *ending, int *count)
{
    char *path = xasprintf("%s/%s", folder, name), **out = NULL;
    DIR *d = opendir(path);
    struct dirent *e;

    *count = 0;
    while (d && (e = readdir(d))) {
        if (*e->d_name == '.' || !file_ends_in(e->d_name, ending))
            continue;
        out = xrealloc(out, (size_t)(*count + 1) * sizeof(*out));
        out[(*count)++] = xasprintf("%s/%s", path, e->d_name);
    }
    if (d)
        closedir(d);
    if (*count)
        qsort(out, (size_t)*count, sizeof(*out), compare_paths);
    free(path);
    return out;
}

char *task_subtask_of(const char *path)
{
    static const char *const ending[] = {"_test", "_dev"};
    char *out = xstrdup(file_name(path)), *dot = strrchr(out, '.');

    if (dot)
        *dot = '\0';
    for (int i = 0; i < 2; i++)
        if (file_ends_in(out, ending[i]))
            out[strlen(out) - strlen(ending[i])] = '\0';
    return out;
}

/* ---- comma-separated values ---- */

/* Takes a cell off *at, which may be quoted; NULL: an open quote. *more: another cell of the record
 * follows. Caller frees. */
static char *cell_next(const char **at, bool *more)
{
    struct buf out = {0};
    const char *p = *at;

    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            buf_add(&out, p, 1);
            p += *p == '"';
        }
        if (*p != '"') {
            buf_free(&out);
            return NULL;
        }
        p++;
    }
    for (; *p && *p != ',' && *p != '\n'; p++)
        buf_add(&out, p, 1);
    *more = *p == ',';
    *at = p + (*p != '\0');
    return buf_take(&out);
}

/* Takes a record off *at; the number of its cells, 0: damaged. */
static int record_next(const char **at, char *cell[CELLS_MOST])
{
    bool more = true;
    int n = 0;

    for (; more; n++) {
        cell[n] = n < CELLS_MOST - 1 ? cell_next(at, &more) : NULL;
        if (!cell[n]) {
            while (n--)
                free(cell[n]);
            return 0;
        }
    }
    return n;
}

bool task_read_csv(struct task_questions *out, const char *path, task_take_cells *take,
                   struct err *err)
{
    char *text = file_read_text(path, DATA_MOST, NULL, err), *subtask = task_subtask_of(path);
    const char *at = text;
    bool ok = text != NULL;

    for (int record = 1; ok && *at; record++) {
        char *cell[CELLS_MOST];
        int n;

        if (*at == '\n') {
            at++;
            continue;
        }
        n = record_next(&at, cell);
        ok = n ? take(out, subtask, cell, n, err) : err_set(err, ERR_FORMAT, "an open quote");
        for (int i = 0; i < n; i++)
            free(cell[i]);
        if (!ok)
            err_in(err, "%.300s, record %d", path, record);
    }
    free(subtask);
    free(text);
    return ok;
}

/* ---- JSON ---- */

const char *task_text(const json_t *record, const char *name, struct err *err)
{
    const char *text = json_string_value(json_object_get(record, name));

    if (!text)
        err_set(err, ERR_FORMAT, "no text \"%s\"", name);
    return text;
}

static bool list_read(struct task_questions *out, const char *subtask, const json_t *list,
                      task_take_json *take, int *record, struct err *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        ++*record;
        ok = take(out, subtask, json_array_get(list, i), err);
    }
    return ok;
}

/* Objects, one a line. */
static bool lines_read(struct task_questions *out, const char *subtask, const char *text,
                       task_take_json *take, int *record, struct err *err)
{
    bool ok = true;

    for (const char *at = text; ok && *at; at += *at == '\n') {
        size_t n = strcspn(at, "\n");
        json_t *o;

        ++*record;
        if (strspn(at, " \t") < n) {
            o = json_loadb(at, n, JSON_REJECT_DUPLICATES, NULL);
            ok = o ? take(out, subtask, o, err) : err_set(err, ERR_FORMAT, "not JSON");
            json_decref(o);
        }
        at += n;
    }
    return ok;
}

bool task_read_json(struct task_questions *out, const char *path, task_take_json *take,
                    struct err *err)
{
    char *text = file_read_text(path, DATA_MOST, NULL, err), *subtask = task_subtask_of(path);
    json_t *whole = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *list = json_object_get(whole, "examples");
    int record = 0;
    bool ok = text && (list ? list_read(out, subtask, list, take, &record, err)
                            : lines_read(out, subtask, text, take, &record, err));

    if (text && !ok)
        err_in(err, "%.300s, record %d", path, record);
    json_decref(whole);
    free(subtask);
    free(text);
    return ok;
}

bool task_read_lines(struct task_questions *out, const char *folder, const char *name,
                     const char *beginning, task_take_json *take, struct err *err)
{
    int count;
    char **path = task_files(folder, name, ".jsonl", &count);
    bool ok = true, found = false;

    for (int i = 0; i < count; i++) {
        bool here = !strncmp(strrchr(path[i], '/') + 1, beginning, strlen(beginning));

        if (here && !found)
            ok = task_read_json(out, path[i], take, err);
        found = found || here;
        free(path[i]);
    }
    free(path);
    return ok;
}
