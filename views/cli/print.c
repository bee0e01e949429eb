/* How the subcommands print: tables, JSON objects, notices.
 *
 * JSON is ASCII-safe where a terminal would act on it, and every object carries "schema": 1. Fields
 * of event structs are printed by the tables that recordings use (core/engine/fields.h). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/show.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/cli/cli.h"

bool cli_json(const struct cli *c)
{
    return cli_has(c, OPT_JSON);
}

const char *cli_change(const double p[2], char out[40])
{
    char before[16], after[16];

    snprintf(out, 40, "%s -> %s", text_probability(before, p[0]), text_probability(after, p[1]));
    return out;
}

/* Prints what one of the writers of core/base/table.h makes. */
static void print_table(const struct table *t,
                        void (*write)(const struct table *t, struct buf *out))
{
    struct buf text = {0};

    write(t, &text);
    std_text(text.data);
    buf_free(&text);
}

static void last_row(const struct table *t, struct buf *out)
{
    table_row_to_text(t, table_row_count(t) - 1, out);
}

void cli_titles(const struct table *t)
{
    print_table(t, table_titles_to_text);
}

void cli_row(const struct table *t)
{
    print_table(t, last_row);
}

void cli_table(const struct table *t)
{
    print_table(t, table_to_text);
}

json_t *cli_event(const char *name)
{
    json_t *o = json_pack("{s:i}", "schema", 1);

    if (name)
        json_object_set_new(o, "event", json_string(name));
    return o;
}

/* JSON does not require escapes for everything that a terminal acts on (C1 controls, bidi marks).
 * Those characters only stand inside strings, where \u and four digits mean the same. */
static void put_json(struct buf *out, const char *text)
{
    const char *p = text, *end = text + strlen(text);

    while (p < end) {
        const char *from = p;
        int32_t code = utf8_next(&p, end);

        if (code < 0x7f || (show_width(code) >= 0 && !show_invisible(code)))
            buf_add(out, from, (size_t)(p - from));
        else if (code < 0x10000)
            buf_printf(out, "\\u%04x", (unsigned)code);
        else
            buf_printf(out, "\\u%04x\\u%04x", 0xd7c0u + ((unsigned)code >> 10),
                       0xdc00u + ((unsigned)code & 0x3ff));
    }
}

void cli_print(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    struct buf line = {0};

    if (text)
        put_json(&line, text);
    if (text)
        std_line(line.data, line.len);
    std_flush(); /* a reader gets each event at once */
    buf_free(&line);
    free(text);
    json_decref(object);
}

json_t *cli_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* The text with invalid UTF-8 replaced by U+FFFD. NUL bytes are kept. */
static struct buf clean_text(const char *text)
{
    struct buf raw = {0}, clean = {0};

    utf8_decode_nul(&raw, text ? text : "");
    utf8_clean(&clean, raw.data ? raw.data : "", raw.len);
    buf_free(&raw);
    return clean;
}

json_t *cli_text(const char *text)
{
    struct buf clean = clean_text(text);
    json_t *string = json_stringn(clean.data ? clean.data : "", clean.len);

    buf_free(&clean);
    return string;
}

json_t *cli_pair(double before, double after)
{
    json_t *o = json_object();

    json_object_set_new(o, "before", cli_real(before));
    json_object_set_new(o, "after", cli_real(after));
    return o;
}

static json_t *part_json(const struct struct_fields *fields, const void *what);

/* One value as JSON, by the type of its field. */
static json_t *field_value(const struct field_info *f, const void *at)
{
    switch (f->type) {
    case FIELD_INT:
        return json_integer(*(const int *)at);
    case FIELD_UNSIGNED:
        return json_integer(*(const unsigned *)at);
    case FIELD_LONG:
        return json_integer(*(const long *)at);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_DOUBLE:
        return cli_real(*(const double *)at);
    case FIELD_FLOAT:
        return cli_real((double)*(const float *)at);
    case FIELD_TEXT:
        return f->optional && !*(char *const *)at ? json_null() : cli_text(*(char *const *)at);
    case FIELD_CHARS:
        return cli_text(at);
    case FIELD_PART:
        return part_json(f->part, at);
    case FIELD_PARAMS:
    case FIELD_METRICS:
        break;
    }
    return json_null();
}

/* A struct inside another one: all of its single values. */
static json_t *part_json(const struct struct_fields *fields, const void *what)
{
    json_t *o = json_object();

    for (const struct field_info *f = fields->field; f < fields->field + fields->fields; f++)
        if (f->store == STORE_ONE)
            json_object_set_new(o, f->name, field_value(f, (const char *)what + f->offset));
    return o;
}

/* The field of this name; NULL: none. */
static const struct field_info *field_named(const struct struct_fields *fields, const char *name,
                                            size_t n)
{
    for (const struct field_info *f = fields->field; f < fields->field + fields->fields; f++)
        if (strlen(f->name) == n && !memcmp(f->name, name, n))
            return f;
    return NULL;
}

void cli_fields(json_t *o, const struct struct_fields *fields, const void *what, const char *names)
{
    for (size_t n; *names; names += n + strspn(names + n, " ")) {
        size_t key = strcspn(names, "= "), field = 0;
        const struct field_info *f;
        const char *at;
        char name[40];

        n = strcspn(names, " ");
        field = key < n ? key + 1 : 0;
        f = field_named(fields, names + field, n - field);
        if (!f)
            continue;
        at = (const char *)what + f->offset;
        snprintf(name, sizeof(name), "%.*s", (int)key, names);
        json_object_set_new(o, name,
                            f->store == STORE_FIXED
                                ? json_pack("{s:o, s:o}", "before", field_value(f, at), "after",
                                            field_value(f, at + f->size))
                                : field_value(f, at));
    }
}

void cli_unbar(struct cli *c)
{
    if (c->bar)
        std_clear_line();
    c->bar = false;
}

void cli_notice(struct cli *c, const char *text)
{
    json_t *o;

    if (!strcmp(c->noticed, text)) /* said for the fact before */
        return;
    snprintf(c->noticed, sizeof(c->noticed), "%s", text);
    if (cli_json(c)) {
        o = cli_event("notice");
        json_object_set_new(o, "text", cli_text(text));
        cli_print(o);
        return;
    }
    cli_say(c, "%s", text);
}

void cli_say(struct cli *c, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    if (cli_has(c, OPT_QUIET))
        return;
    cli_unbar(c);
    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    std_message("%s", text.data ? text.data : "");
    buf_free(&text);
}
