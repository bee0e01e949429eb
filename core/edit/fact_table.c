/* Facts in tables as spreadsheets and data frames write them: CSV of RFC 4180, also with ; or tabs.
 */
#include "core/edit/fact_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { COLUMNS_MOST = 256 };

struct table {
    const char *at;
    int line;
    int open; /* line of a quote that is not closed; 0: none */
    char between;
};

/* The separator of columns: the first of these characters in the first line, outside quotes. */
static char separator(const char *text)
{
    bool inside = false;

    for (; *text && (inside || *text != '\n'); text++)
        if (*text == '"')
            inside = !inside;
        else if (!inside && strchr(",;\t", *text))
            return *text;
    return '\0';
}

/* The next cell; *last: it is the last of its row. Caller frees. */
static char *next_cell(struct table *t, bool *last)
{
    struct buf cell = {0};
    bool quoted = *t->at == '"', inside = quoted;
    int line = t->line;

    t->at += quoted;
    for (; *t->at; t->at++) {
        if (inside && *t->at == '"' && t->at[1] == '"')
            t->at++;
        else if (quoted && *t->at == '"' && inside) {
            inside = false;
            continue;
        } else if (!inside && (*t->at == t->between || *t->at == '\n'))
            break;
        t->line += *t->at == '\n';
        buf_add(&cell, t->at, 1);
    }
    if (inside)
        t->open = line;
    *last = *t->at != t->between;
    t->line += *t->at == '\n';
    t->at += *t->at != '\0';
    return buf_take(&cell);
}

/* The cells of the next row: how many, COLUMNS_MOST at most. Each is the caller's. */
static int next_row(struct table *t, char **cell)
{
    bool last = false;
    int n = 0;

    while (!last) {
        char *text = next_cell(t, &last);

        if (n < COLUMNS_MOST)
            cell[n++] = text;
        else
            free(text);
    }
    return n;
}

/* The name of a column as a key of the shapes: "Target New" becomes target_new. */
static char *column_name(const char *cell)
{
    char *name = xtrimmed(cell, strlen(cell));

    for (char *p = name; *p; p++)
        *p = *p == ' ' ? '_' : (char)tolower((unsigned char)*p);
    return name;
}

static void cells_free(char **cell, int n)
{
    for (int i = 0; i < n; i++)
        free(cell[i]);
}

/* A blank line, or a row that a spreadsheet keeps of one. */
static bool all_empty(char **cell, int n)
{
    for (int i = 0; i < n; i++)
        if (cell[i][strspn(cell[i], " \t\r")])
            return false;
    return true;
}

bool fact_table_is(const char *text)
{
    struct table t = {.at = text, .between = separator(text)};
    char *name[COLUMNS_MOST];
    bool subject = false;
    int n;

    if (!t.between || strchr("[{", *text))
        return false;
    n = next_row(&t, name);
    for (int i = 0; i < n; i++) {
        char *column = column_name(name[i]);

        subject = subject || !strcmp(column, "subject");
        free(column);
    }
    cells_free(name, n);
    return subject && n > 2;
}

static bool take_row(const struct table *t, char **name, int names, char **cell, int cells,
                     int line, fact_table_row *row, void *ctx, struct err *err)
{
    json_t *record = json_object();
    bool ok = cells == names ||
              err_set(err, ERR_FORMAT, "line %d has %d cells, the first line names %d columns%s",
                      line, cells, names,
                      t->between == '\t' ? ""
                                         : " (quotes go around a text with "
                                           "commas)");

    for (int i = 0; ok && i < names; i++)
        if (*cell[i] && json_object_set_new(record, name[i], json_string(cell[i])))
            ok = err_set(err, ERR_FORMAT, "line %d: %s is not UTF-8", line, name[i]);
    ok = ok && row(ctx, record, line, err);
    json_decref(record);
    return ok;
}

bool fact_table_read(const char *text, int line, fact_table_row *row, void *ctx, struct err *err)
{
    struct table t = {.at = text, .line = line, .between = separator(text)};
    char *name[COLUMNS_MOST], *cell[COLUMNS_MOST];
    int names = next_row(&t, name);
    bool ok = true;

    for (int i = 0; i < names; i++) {
        char *column = column_name(name[i]);

        free(name[i]);
        name[i] = column;
        for (int k = 0; ok && k < i; k++)
            ok = !*column || strcmp(column, name[k]) ||
                 err_set(err, ERR_FORMAT, "two columns are called %s", column);
    }
    while (ok && *t.at) {
        int at = t.line, cells = next_row(&t, cell);

        if (t.open)
            ok = err_set(err, ERR_FORMAT, "line %d: nothing closes a quote that begins here",
                         t.open);
        else if (!all_empty(cell, cells))
            ok = take_row(&t, name, names, cell, cells, at, row, ctx, err);
        cells_free(cell, cells);
    }
    cells_free(name, names);
    return ok;
}
