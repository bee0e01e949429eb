/* Facts as people paste them: one on each line. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/fact_table.h"
#include "core/edit/relations.h"

enum { MOST_BYTES = 512 << 20 };

/* `subject; prompt; object` with one of these between. */
static bool from_parts(struct fact *fact, const char *line, char between, struct err *err)
{
    const char *first = strchr(line, between);
    const char *last = first ? strrchr(line, between) : NULL;

    if (!first || last == first)
        return err_set(err, ERR_USAGE,
                       "no fact: write subject | prompt | object, with {} for the subject in the "
                       "prompt, or subject | relation | object; the old object may follow");
    *fact = (struct fact){
        .subject = xtrimmed(line, (size_t)(first - line)),
        .prompt = xtrimmed(first + 1, (size_t)(last - first - 1)),
        .target = xtrimmed(last + 1, strlen(last + 1)),
    };
    if (fact_normalise(fact, err))
        return true;
    fact_free(fact);
    return false;
}

bool fact_from_line(struct fact *fact, const char *line, const struct relations *relations,
                    unsigned long seed, struct err *err)
{
    line += strspn(line, " \t\r\n");
    if (*line == '{')
        return fact_from_json(fact, line, strlen(line), err);
    if (strchr(line, '|'))
        return fact_from_triple(fact, relations, line, seed, err);
    return from_parts(fact, line, strchr(line, '\t') ? '\t' : ';', err);
}

bool is_fact_line(const char *text)
{
    const char *first = strpbrk(text, "\t;");

    text += strspn(text, " \t\r\n");
    return is_triple(text) || (*text == '{' && strchr(text, '"')) ||
           (first && strchr(first + 1, *first));
}

int facts_from_lines(const char *text, size_t len, const struct relations *relations,
                     unsigned long seed, struct fact **facts, struct buf *left_out)
{
    int count = 0, room = 0, number = 0;
    struct err err = {0};
    size_t start;

    *facts = NULL;
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* a byte order mark */
        text += 3;
        len -= 3;
    }
    start = strspn(text, " \t\r\n");
    if (start < len && (text[start] == '[' || fact_table_is(text + start)) &&
        facts_from_text(text, len, facts, &count, left_out, &err))
        return count;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        size_t skip = strspn(text + at, " \t\r");
        char *line;

        number++;
        skip = skip < n ? skip : n;
        line = xasprintf("%.*s", (int)(n - skip), text + at + skip);
        line[strcspn(line, "\r")] = '\0';
        at += n + 1;
        if (count == room) {
            room = room ? 2 * room : 16;
            *facts = xrealloc(*facts, (size_t)room * sizeof(**facts));
        }
        if (*line && *line != '#') {
            err = (struct err){0};
            if (fact_from_line(&(*facts)[count], line, relations, seed, &err))
                count++;
            else if (left_out)
                buf_printf(left_out, "line %d: %s\n", number, err.text);
        }
        free(line);
    }
    if (count)
        return count;
    free(*facts);
    *facts = NULL;
    return 0;
}

/* Whether the first line that counts is a fact, and not JSON. */
static bool is_list_of_lines(const char *text)
{
    char *line;
    bool is;

    for (text += strspn(text, " \t\r\n"); *text == '#'; text += strspn(text, " \t\r\n"))
        text += strcspn(text, "\n");
    line = xasprintf("%.*s", (int)strcspn(text, "\r\n"), text);
    is = *line != '{' && *line != '[' && is_fact_line(line);
    free(line);
    return is;
}

bool facts_load_typed(const char *path, const struct relations *relations, unsigned long seed,
                      struct fact **facts, int *count, struct err *err)
{
    size_t len;
    char *text = file_read_text(path, MOST_BYTES, &len, err);
    const char *first = text ? text + strspn(text, " \t\r\n") : "";
    struct buf left_out = {0};
    bool ok = text;

    *facts = NULL;
    *count = 0;
    if (ok && (fact_table_is(first) || !is_list_of_lines(first))) {
        ok = facts_from_text(text, len, facts, count, NULL, err);
    } else if (ok) {
        *count = facts_from_lines(text, len, relations, seed, facts, &left_out);
        ok = !left_out.len ||
             err_set(err, ERR_USAGE, "%.*s", (int)strcspn(left_out.data, "\n"), left_out.data);
    }
    if (!ok) {
        for (int i = 0; i < *count; i++)
            fact_free(&(*facts)[i]);
        free(*facts);
        *facts = NULL;
        *count = 0;
    }
    buf_free(&left_out);
    free(text);
    return ok || err_in(err, "%s", path);
}
