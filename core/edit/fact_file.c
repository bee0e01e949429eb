/* Many facts from a text: JSON records one after the other, in a list, or as rows of a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/fact_shapes.h"
#include "core/edit/fact_table.h"

enum { MOST_BYTES = 512 << 20 };

struct reading {
    struct fact_list list;
    int records;          /* seen, those left out included */
    struct buf *left_out; /* NULL: a record that cannot be edited is an error */
    const char *text;     /* all of it, NUL-terminated */
    size_t len;
    size_t counted; /* the ends of lines before this byte are counted */
    int line;       /* the line of that byte, from 1 */
};

static int line_of(struct reading *r, size_t at)
{
    for (; r->counted < at; r->counted++)
        r->line += r->text[r->counted] == '\n';
    return r->line;
}

/* The length of the JSON number that the text begins with; 0: it does not. */
static size_t number_length(const char *text)
{
    size_t n = *text == '-', digits = strspn(text + n, "0123456789"), more;

    if (!digits || (digits > 1 && text[n] == '0'))
        return 0;
    n += digits;
    if (text[n] == '.') {
        more = strspn(text + n + 1, "0123456789");
        if (!more)
            return 0;
        n += 1 + more;
    }
    if (text[n] == 'e' || text[n] == 'E') {
        size_t sign = text[n + 1] == '+' || text[n + 1] == '-';

        more = strspn(text + n + 1 + sign, "0123456789");
        if (!more)
            return 0;
        n += 1 + sign + more;
    }
    return n;
}

/* JSON with its numbers in quotes, so that 1.50 stays 1.50. Line numbers do not change; invalid
 * JSON stays invalid. Caller frees. */
static char *numbers_as_texts(const char *text, size_t len, size_t *out_len)
{
    struct buf out = {0};
    bool inside = false;
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        size_t n;

        if (text[i] == '"')
            inside = !inside;
        else if (inside)
            i += text[i] == '\\' && i + 1 < len;
        else if (strchr(" \t\r\n:,[", text[i]) && i + 1 < len &&
                 (n = number_length(text + i + 1)) && i + 1 + n <= len && text[i + 1 + n] &&
                 strchr(" \t\r\n,]}", text[i + 1 + n]) &&
                 text[i + 1 + n + strspn(text + i + 1 + n, " \t\r\n")] != ':') {
            buf_add(&out, text + from, i + 1 - from);
            buf_printf(&out, "\"%.*s\"", (int)n, text + i + 1);
            i += n;
            from = i + 1;
        }
    }
    buf_add(&out, text + from, len - from);
    *out_len = out.len;
    return buf_take(&out);
}

/* Adds the facts of a record that begins in `line`, or a line to `left_out`. */
static bool take_record(struct reading *r, const json_t *root, int line, struct err *err)
{
    struct fact_list *list = &r->list;
    struct err why = {0};
    int before = list->count;
    bool ok = fact_shapes_read(root, list, &why);

    r->records++;
    for (int i = before; ok && i < list->count; i++) {
        list->fact[i].record = r->records;
        ok = fact_normalise(&list->fact[i], &why);
    }
    if (ok)
        return true;
    while (list->count > before)
        fact_free(&list->fact[--list->count]);
    if (r->left_out && why.kind == ERR_USAGE) {
        buf_printf(r->left_out, "record %d: %s (line %d)\n", r->records, why.text, line);
        return true;
    }
    err_set(err, why.kind, "%s (line %d)", why.text, line);
    return err_in(err, "record %d", r->records);
}

/* The facts of a session's active edits, as `export --as json` writes it. */
static bool take_session(struct reading *r, const json_t *root, int line, struct err *err)
{
    json_t *edit, *fact;
    size_t i, k;

    json_array_foreach(json_object_get(root, "edits"), i, edit)
    {
        if (!json_is_true(json_object_get(edit, "active")))
            continue;
        json_array_foreach(json_object_get(edit, "facts"), k, fact)
        {
            if (!take_record(r, fact, line, err))
                return false;
        }
    }
    return true;
}

/* The error of jansson for the text in `line`; `record`: its number, 0 if it is the only one. */
static void refuse_json(struct err *err, int record, int line, const json_error_t *where)
{
    enum json_error_code code = json_error_code(where);
    const char *near = strstr(where->text, " near ");
    bool json = code == json_error_duplicate_key || code == json_error_null_character;
    char name[32] = "";

    if (record)
        snprintf(name, sizeof(name), "record %d", record);
    if (!json)
        err_set(err, ERR_FORMAT, "%s%snot JSON, line %d: %s", name, record ? " is " : "", line,
                where->text);
    else
        err_set(err, ERR_FORMAT, "%s%sline %d: %s%s", name, record ? ", " : "", line,
                code == json_error_null_character ? "a text may hold no NUL character"
                                                  : "one key is there twice",
                near ? near : "");
}

/* The JSON value at *at, which moves to its end. NULL and err with the line. */
static json_t *next_value(struct reading *r, size_t *at, int *line, struct err *err)
{
    json_error_t where;
    json_t *root;

    *line = line_of(r, *at);
    root = json_loadb(r->text + *at, r->len - *at,
                      JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    if (root)
        *at += (size_t)where.position;
    else if (!r->records && !strchr("{[\"", r->text[*at]))
        err_set(err, ERR_FORMAT,
                "line %d begins neither a JSON record nor a table, whose first line names columns: "
                "subject, prompt and target_new",
                *line);
    else
        refuse_json(err, r->records + 1, *line + where.line - 1, &where);
    return root;
}

/* Records one after the other, on one or several lines each; `list`: in [ ] with commas. */
static bool take_json(struct reading *r, size_t at, bool list, struct err *err)
{
    static const char blank[] = " \t\r\n";
    bool ok = true;

    while (ok) {
        json_t *root;
        int line;

        at += strspn(r->text + at, blank);
        if (list && r->text[at] == ']')
            break;
        if (at >= r->len)
            return !list ||
                   err_set(err, ERR_FORMAT, "the list ends without ], line %d", line_of(r, r->len));
        root = next_value(r, &at, &line, err);
        ok = root &&
             (json_is_array(json_object_get(root, "edits")) ? take_session(r, root, line, err)
                                                            : take_record(r, root, line, err));
        json_decref(root);
        at += strspn(r->text + at, blank);
        if (ok && list && r->text[at] == ',')
            at++;
        else if (ok && list && r->text[at] != ']')
            ok = err_set(err, ERR_FORMAT, "not JSON, line %d: , or ] expected after record %d",
                         line_of(r, at), r->records);
    }
    if (ok && r->text[at + 1 + strspn(r->text + at + 1, blank)])
        ok = err_set(err, ERR_FORMAT, "not JSON, line %d: the list has ended before",
                     line_of(r, at + 1));
    return ok;
}

static bool take_row(void *ctx, const json_t *record, int line, struct err *err)
{
    return take_record(ctx, record, line, err);
}

bool facts_from_text(const char *text, size_t len, struct fact **facts, int *count,
                     struct buf *left_out, struct err *err)
{
    struct reading r = {.left_out = left_out, .line = 1};
    size_t at = strspn(text, " \t\r\n");
    char *quoted = NULL;
    bool ok;

    *facts = NULL;
    *count = 0;
    if (at < len && fact_table_is(text + at)) {
        r.text = text;
        r.len = len;
        ok = fact_table_read(text + at, line_of(&r, at), take_row, &r, err);
    } else {
        r.text = quoted = numbers_as_texts(text, len, &r.len);
        ok = text[at] == '[' ? take_json(&r, at + 1, true, err) : take_json(&r, at, false, err);
    }
    free(quoted);
    if (ok && !r.list.count)
        ok = err_set(err, ERR_FORMAT, "holds no fact");
    if (!ok) {
        fact_list_free(&r.list);
        return false;
    }
    *facts = r.list.fact;
    *count = r.list.count;
    return true;
}

/* The single record of the text, alone or in a list of one. */
static json_t *one_record(const char *text, size_t len, struct err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where), *one;

    if (!root)
        refuse_json(err, 0, where.line, &where);
    if (!json_is_array(root))
        return root;
    one = json_array_size(root) == 1 ? json_incref(json_array_get(root, 0)) : NULL;
    if (!one)
        err_set(err, ERR_FORMAT,
                "a fact must be one JSON object, this is a list of %zu: --facts takes "
                "many",
                json_array_size(root));
    json_decref(root);
    return one;
}

bool fact_from_json(struct fact *fact, const char *text, size_t len, struct err *err)
{
    struct fact_list list = {0};
    char *copy = xasprintf("%.*s", (int)len, text), *quoted;
    json_t *root;
    bool ok;

    memset(fact, 0, sizeof(*fact));
    quoted = numbers_as_texts(copy, strlen(copy), &len);
    root = one_record(quoted, len, err);
    ok = root && fact_shapes_read(root, &list, err) &&
         (list.count == 1 ||
          err_set(err, ERR_USAGE, "it holds %d facts: --facts takes many", list.count)) &&
         fact_normalise(&list.fact[0], err);
    if (ok) {
        *fact = list.fact[0];
        list.count = 0;
    }
    fact_list_free(&list);
    json_decref(root);
    free(quoted);
    free(copy);
    return ok;
}

bool facts_load_usable(const char *path, struct fact **facts, int *count, struct buf *left_out,
                       struct err *err)
{
    size_t len;
    char *text = file_read_text(path, MOST_BYTES, &len, err);
    bool ok;

    *facts = NULL;
    *count = 0;
    if (!text)
        return false;
    ok = facts_from_text(text, len, facts, count, left_out, err);
    free(text);
    return ok || err_in(err, "%s", path);
}

bool facts_load(const char *path, struct fact **facts, int *count, struct err *err)
{
    return facts_load_usable(path, facts, count, NULL, err);
}
