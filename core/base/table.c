/* Tables: filling them, and writing them as text, CSV, JSON, Markdown and LaTeX. */
#include "core/base/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/invariant.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"

/* --- filling ------------------------------------------------------------------------------- */

static struct table_column *add_column(struct table *t, const char *name, size_t length)
{
    struct table_column *c;

    t->column = xrealloc(t->column, (size_t)(t->columns + 1) * sizeof(*t->column));
    c = &t->column[t->columns++];
    *c = (struct table_column){.name = xasprintf("%.*s", (int)length, name), .precision = -1};
    return c;
}

void table_columns(struct table *t, const char *names)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        int gap = t->columns ? 2 : 0;

        add_column(t, names, n)->gap = gap;
        names += n + (names[n] == ' ');
    }
}

void table_layout(struct table *t, const char *layout)
{
    while (*layout) {
        size_t gap = strspn(layout, " "), n = strcspn(layout + gap, "%");
        struct table_column *c = add_column(t, layout + gap, n);
        char *end = (char *)layout + gap + n;

        invariant(*end == '%');
        c->gap = (int)gap;
        c->width = (int)strtol(end + 1, &end, 10);
        if (*end == '.')
            c->precision = (int)strtol(end + 1, &end, 10);
        c->as = *end;
        layout = end + 1;
    }
}

static struct table_cell *add_cell(struct table *t, enum cell_kind kind)
{
    if (t->cells == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->cell = xrealloc(t->cell, t->room * sizeof(*t->cell));
    }
    t->cell[t->cells] = (struct table_cell){.kind = kind};
    return &t->cell[t->cells++];
}

void table_text(struct table *t, const char *text)
{
    struct table_cell *c = add_cell(t, text ? CELL_TEXT : CELL_MISSING);
    struct buf clean = {0};

    if (!text)
        return;
    utf8_clean(&clean, text, strlen(text));
    c->text = buf_take(&clean);
}

void table_format(struct table *t, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    add_cell(t, CELL_TEXT)->text = buf_take(&text);
}

void table_integer(struct table *t, long long n)
{
    add_cell(t, CELL_INTEGER)->integer = n;
}

void table_real(struct table *t, double x)
{
    add_cell(t, isfinite(x) ? CELL_REAL : CELL_MISSING)->real = x;
}

void table_bool(struct table *t, bool yes)
{
    add_cell(t, CELL_BOOL)->integer = yes;
}

void table_missing(struct table *t)
{
    add_cell(t, CELL_MISSING);
}

size_t table_row_count(const struct table *t)
{
    return t->columns ? t->cells / (size_t)t->columns : 0;
}

void table_about(struct table *t, const char *text)
{
    free(t->about);
    t->about = xstrdup(text);
}

void table_free(struct table *t)
{
    free(t->about);
    for (size_t i = 0; i < t->cells; i++)
        free(t->cell[i].text);
    for (int i = 0; i < t->columns; i++)
        free(t->column[i].name);
    free(t->cell);
    free(t->column);
    *t = (struct table){0};
}

static const struct table_cell *cell_at(const struct table *t, size_t row, int column)
{
    return &t->cell[row * (size_t)t->columns + (size_t)column];
}

/* --- for people ---------------------------------------------------------------------------- */

/* The cell as people read it; "" if it is missing. Not escaped yet. */
static void cell_text(const struct table_column *column, const struct table_cell *c,
                      struct buf *out)
{
    int precision = column->precision < 0 ? 4 : column->precision;

    if (c->kind == CELL_TEXT)
        buf_puts(out, c->text);
    else if (c->kind == CELL_INTEGER)
        buf_printf(out, "%lld", c->integer);
    else if (c->kind == CELL_BOOL)
        buf_puts(out, c->integer ? "yes" : "no");
    else if (c->kind == CELL_REAL && column->as == 'p')
        buf_printf(out, "%.*f %%", precision, 100 * c->real);
    else if (c->kind == CELL_REAL && column->as == 'f')
        buf_printf(out, "%.*f", precision, c->real);
    else if (c->kind == CELL_REAL)
        buf_printf(out, "%.*g", precision, c->real);
    else
        buf_puts(out, "");
}

/* Whether the column is aligned right: by the sign of its width, or because it has a number. */
static bool flush_right(const struct table *t, int column)
{
    if (t->column[column].width)
        return t->column[column].width > 0;
    for (size_t row = 0; row < table_row_count(t); row++) {
        enum cell_kind kind = cell_at(t, row, column)->kind;

        if (kind == CELL_INTEGER || kind == CELL_REAL)
            return true;
    }
    return false;
}

/* The columns to which a text is cut; 0: not cut. */
static int text_limit(const struct table_column *c)
{
    return c->as == 's' && c->precision > 0 ? c->precision : 0;
}

/* The display columns of the widest cell or the title. */
static int widest_cell(const struct table *t, int column)
{
    const struct table_column *c = &t->column[column];
    int width = show_columns(c->name, 0);

    for (size_t row = 0; row < table_row_count(t); row++) {
        struct buf words = {0};
        int n;

        cell_text(c, cell_at(t, row, column), &words);
        n = show_columns(words.data, text_limit(c));
        width = n > width ? n : width;
        buf_free(&words);
    }
    return width;
}

/* The width of a column in text, negative if aligned left. The last column, if aligned left, is not
 * padded: no spaces at line ends. */
static int text_width(const struct table *t, int column)
{
    const struct table_column *c = &t->column[column];
    bool right = flush_right(t, column);

    if (column == t->columns - 1 && !right)
        return 0;
    if (c->width)
        return c->width;
    return right ? widest_cell(t, column) : -widest_cell(t, column);
}

static void text_cell(const struct table *t, int column, int width, const char *words,
                      struct buf *out)
{
    const struct table_column *c = &t->column[column];

    buf_printf(out, "%*s", c->gap, "");
    show_fitted(out, words, width, text_limit(c));
    if (column == t->columns - 1)
        buf_puts(out, "\n");
}

static void titles_to_text(const struct table *t, const int *width, struct buf *out)
{
    for (int i = 0; i < t->columns; i++)
        text_cell(t, i, width[i], t->column[i].name, out);
}

static void row_to_text(const struct table *t, size_t row, const int *width, struct buf *out)
{
    for (int i = 0; i < t->columns; i++) {
        const struct table_cell *c = cell_at(t, row, i);
        struct buf words = {0};

        cell_text(&t->column[i], c, &words);
        text_cell(t, i, width[i], c->kind == CELL_MISSING ? "-" : words.data, out);
        buf_free(&words);
    }
}

static int *text_widths(const struct table *t)
{
    int *width = xcalloc((size_t)t->columns + 1, sizeof(*width));

    for (int i = 0; i < t->columns; i++)
        width[i] = text_width(t, i);
    return width;
}

void table_titles_to_text(const struct table *t, struct buf *out)
{
    int *width = text_widths(t);

    titles_to_text(t, width, out);
    free(width);
}

void table_row_to_text(const struct table *t, size_t row, struct buf *out)
{
    int *width = text_widths(t);

    row_to_text(t, row, width, out);
    free(width);
}

void table_to_text(const struct table *t, struct buf *out)
{
    int *width = text_widths(t);

    titles_to_text(t, width, out);
    for (size_t row = 0; row < table_row_count(t); row++)
        row_to_text(t, row, width, out);
    free(width);
}

/* --- for documents ------------------------------------------------------------------------- */

/* Appends text for Markdown or LaTeX. `special` lists sequences with a meaning there and their
 * replacements. `blank` replaces a space at either end, which the language would drop. */
static void put_escaped(struct buf *out, const char *text, const char *const special[][2],
                        const char *blank)
{
    struct buf shown = {0};
    size_t last;

    show_escape(&shown, text, strlen(text));
    last = shown.len ? shown.len - 1 : 0;
    for (size_t i = 0; i < shown.len; i++) {
        const char *instead = NULL;

        if (shown.data[i] == ' ' && (!i || i == last))
            instead = blank;
        for (int k = 0; special[k][0] && !instead; k++)
            if (!strncmp(&shown.data[i], special[k][0], strlen(special[k][0]))) {
                instead = special[k][1];
                i += strlen(special[k][0]) - 1;
            }
        buf_add(out, instead ? instead : &shown.data[i], instead ? strlen(instead) : 1);
    }
    buf_free(&shown);
}

static void markdown_words(struct buf *out, const char *text)
{
    static const char *const special[][2] = {
        {"\\", "\\\\"}, {"|", "\\|"},  {"*", "\\*"}, {"_", "\\_"}, {"`", "\\`"},
        {"<", "&lt;"},  {">", "&gt;"}, {"[", "\\["}, {"]", "\\]"}, {"~", "\\~"},
        {"&", "&amp;"}, {"#", "\\#"},  {"$", "\\$"}, {NULL, NULL}};

    put_escaped(out, text, special, "&#32;");
}

static void latex_words(struct buf *out, const char *text)
{
    static const char *const special[][2] = {{"\\", "\\textbackslash{}"},
                                             {"{", "\\{"},
                                             {"}", "\\}"},
                                             {"$", "\\$"},
                                             {"&", "\\&"},
                                             {"#", "\\#"},
                                             {"%", "\\%"},
                                             {"_", "\\_"},
                                             {"^", "\\textasciicircum{}"},
                                             {"~", "\\textasciitilde{}"},
                                             {"<", "\\textless{}"},
                                             {">", "\\textgreater{}"},
                                             {"|", "\\textbar{}"},
                                             {"\"", "\\textquotedbl{}"},
                                             {"--", "-{}-"}, /* LaTeX makes ligatures of these */
                                             {"``", "`{}`"},
                                             {"''", "'{}'"},
                                             {",,", ",{},"},
                                             {"[", "{[}"}, /* else an argument of the last "\\" */
                                             {NULL, NULL}};

    put_escaped(out, text, special, "\\ ");
}

/* One row, escaped by `put`; row -1: the titles. */
static void document_row(const struct table *t, long row, const char *before, const char *between,
                         const char *after, void (*put)(struct buf *out, const char *text),
                         struct buf *out)
{
    buf_puts(out, before);
    for (int i = 0; i < t->columns; i++) {
        struct buf words = {0};

        if (row < 0)
            buf_puts(&words, t->column[i].name);
        else
            cell_text(&t->column[i], cell_at(t, (size_t)row, i), &words);
        buf_puts(out, i ? between : "");
        put(out, words.data);
        buf_free(&words);
    }
    buf_puts(out, after);
}

void table_to_markdown(const struct table *t, struct buf *out)
{
    document_row(t, -1, "| ", " | ", " |\n", markdown_words, out);
    for (int i = 0; i < t->columns; i++)
        buf_puts(out, flush_right(t, i) ? "| ---: " : "| --- ");
    buf_puts(out, "|\n");
    for (size_t row = 0; row < table_row_count(t); row++)
        document_row(t, (long)row, "| ", " | ", " |\n", markdown_words, out);
    if (!t->about)
        return;
    buf_puts(out, "\n");
    markdown_words(out, t->about);
    buf_puts(out, "\n");
}

void table_to_latex(const struct table *t, struct buf *out)
{
    if (t->about)
        buf_printf(out, "%% %s\n", t->about);
    buf_puts(out, "% \\usepackage[T1]{fontenc}, \\usepackage{booktabs}\n\\begin{tabular}{");
    for (int i = 0; i < t->columns; i++)
        buf_puts(out, flush_right(t, i) ? "r" : "l");
    buf_puts(out, "}\n\\toprule\n");
    document_row(t, -1, "", " & ", " \\\\\n\\midrule\n", latex_words, out);
    for (size_t row = 0; row < table_row_count(t); row++)
        document_row(t, (long)row, "", " & ", " \\\\\n", latex_words, out);
    buf_puts(out, "\\bottomrule\n\\end{tabular}\n");
}

/* --- for programs -------------------------------------------------------------------------- */

static void csv_text(const char *text, struct buf *out)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        buf_puts(out, text);
        return;
    }
    buf_puts(out, "\"");
    for (; *text; text++)
        buf_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    buf_puts(out, "\"");
}

void table_to_csv(const struct table *t, struct buf *out)
{
    for (int i = 0; i < t->columns; i++)
        buf_printf(out, "%s%s", i ? "," : "", t->column[i].name);
    buf_puts(out, t->about ? ",about\r\n" : "\r\n");
    for (size_t i = 0; i < t->cells; i++) {
        const struct table_cell *c = &t->cell[i];

        if (c->kind == CELL_TEXT)
            csv_text(c->text, out);
        else if (c->kind == CELL_BOOL)
            buf_puts(out, c->integer ? "true" : "false");
        else if (c->kind == CELL_INTEGER)
            buf_printf(out, "%lld", c->integer);
        else if (c->kind == CELL_REAL)
            buf_printf(out, "%.9g", c->real);
        if ((i + 1) % (size_t)t->columns) {
            buf_puts(out, ",");
            continue;
        }
        buf_puts(out, t->about ? "," : "");
        if (t->about && i < (size_t)t->columns)
            csv_text(t->about, out);
        buf_puts(out, "\r\n");
    }
}

static json_t *json_cell(const struct table_cell *c)
{
    switch (c->kind) {
    case CELL_TEXT:
        return json_string(c->text);
    case CELL_REAL:
        return json_real(c->real);
    case CELL_INTEGER:
        return json_integer((json_int_t)c->integer);
    case CELL_BOOL:
        return json_boolean(c->integer);
    default:
        return json_null();
    }
}

void table_to_json(const struct table *t, struct buf *out)
{
    json_t *o = json_pack("{s:i,s:s}", "schema", 1, "table", t->name), *rows = json_array();
    char *text;

    for (size_t row = 0; row < table_row_count(t); row++) {
        json_t *r = json_object();

        for (int i = 0; i < t->columns; i++)
            json_object_set_new(r, t->column[i].name, json_cell(cell_at(t, row, i)));
        json_array_append_new(rows, r);
    }
    if (t->about)
        json_object_set_new(o, "about", json_string(t->about));
    json_object_set_new(o, "rows", rows);
    text = json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    buf_puts(out, text ? text : "{}");
    buf_puts(out, "\n");
    free(text);
    json_decref(o);
}

const struct table_form table_forms[] = {{".csv", table_to_csv},
                                         {".json", table_to_json},
                                         {".md", table_to_markdown},
                                         {".tex", table_to_latex},
                                         {"", NULL}};
