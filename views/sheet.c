#include "views/sheet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

void sheet_columns(struct sheet *sheet, const char *names)
{
    while (*names && sheet->columns < SHEET_COLUMNS) {
        size_t n = strcspn(names, " ");

        snprintf(sheet->column[sheet->columns++], sizeof(sheet->column[0]), "%.*s", (int)n, names);
        names += n + (names[n] == ' ');
    }
}

static struct sheet_cell *next(struct sheet *sheet)
{
    if (sheet->cells == sheet->room) {
        sheet->room = sheet->room ? 2 * sheet->room : 256;
        sheet->cell = xrealloc(sheet->cell, sheet->room * sizeof(*sheet->cell));
    }
    sheet->cell[sheet->cells] = (struct sheet_cell){.kind = CELL_NONE};
    return &sheet->cell[sheet->cells++];
}

void sheet_text(struct sheet *sheet, const char *text)
{
    struct sheet_cell *c = next(sheet);
    struct buf clean = {0};

    if (!text)
        return;
    utf8_clean(&clean, text, strlen(text));
    c->kind = CELL_TEXT;
    c->text = buf_take(&clean);
}

void sheet_number(struct sheet *sheet, double x)
{
    *next(sheet) = (struct sheet_cell){.kind = isfinite(x) ? CELL_NUMBER : CELL_NONE, .number = x};
}

void sheet_whole(struct sheet *sheet, long n)
{
    *next(sheet) = (struct sheet_cell){.kind = CELL_WHOLE, .number = (double)n};
}

void sheet_bool(struct sheet *sheet, bool yes)
{
    *next(sheet) = (struct sheet_cell){.kind = CELL_BOOL, .number = yes};
}

void sheet_none(struct sheet *sheet)
{
    next(sheet);
}

void sheet_free(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->cells; i++)
        free(sheet->cell[i].text);
    free(sheet->cell);
    *sheet = (struct sheet){0};
}

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

void sheet_csv(const struct sheet *sheet, struct buf *out)
{
    for (int i = 0; i < sheet->columns; i++)
        buf_printf(out, "%s%s", sheet->column[i], i + 1 < sheet->columns ? "," : "\r\n");
    for (size_t i = 0; i < sheet->cells; i++) {
        const struct sheet_cell *c = &sheet->cell[i];

        if (c->kind == CELL_TEXT)
            csv_text(c->text, out);
        else if (c->kind == CELL_BOOL)
            buf_puts(out, c->number > 0 ? "true" : "false");
        else if (c->kind != CELL_NONE)
            buf_printf(out, "%.*g", c->kind == CELL_WHOLE ? 15 : 9, c->number);
        buf_puts(out, (i + 1) % (size_t)sheet->columns ? "," : "\r\n");
    }
}

static json_t *json_cell(const struct sheet_cell *c)
{
    switch (c->kind) {
    case CELL_TEXT:
        return json_string(c->text);
    case CELL_NUMBER:
        return json_real(c->number);
    case CELL_WHOLE:
        return json_integer((json_int_t)c->number);
    case CELL_BOOL:
        return json_boolean(c->number > 0);
    default:
        return json_null();
    }
}

void sheet_json(const struct sheet *sheet, struct buf *out)
{
    json_t *o = json_pack("{s:i,s:s}", "schema", 1, "table", sheet->name), *rows = json_array();
    json_t *row = NULL;
    char *text;

    for (size_t i = 0; i < sheet->cells; i++) {
        size_t at = i % (size_t)sheet->columns;

        if (!at) {
            row = json_object();
            json_array_append_new(rows, row);
        }
        json_object_set_new(row, sheet->column[at], json_cell(&sheet->cell[i]));
    }
    json_object_set_new(o, "rows", rows);
    text = json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    buf_puts(out, text ? text : "{}");
    buf_puts(out, "\n");
    free(text);
    json_decref(o);
}
