/* Reads relations (editscope-formats(7) 8.1), finds one by what was typed, and makes a fact of it.
 */
#include "core/edit/relations.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "core/base/closest_name.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { MOST_BYTES = 16 << 20, MOST_RELATIONS = 4096, LOCALITIES = 10, PARAPHRASES = 5 };
/* Of a triple: subject, relation or prompt, object, and what may be missing. */
enum { OLD = 3, PARTS };

void relations_free(struct relations *r)
{
    for (int i = 0; i < r->count; i++) {
        struct relation *one = &r->relation[i];

        free(one->id);
        free(one->name);
        free(one->question);
        texts_free(one->also, one->alsos);
        texts_free(one->prompt, one->prompts);
        texts_free(one->subject, one->facts);
        texts_free(one->object, one->facts);
    }
    free(r->relation);
    *r = (struct relations){0};
}

static char *text_of(const json_t *object, const char *name)
{
    return xstrdup(json_string_value(json_object_get(object, name)));
}

/* The strings of an array; other things in it are left out. */
static char **texts_of(const json_t *object, const char *name, int *count)
{
    const json_t *array = json_object_get(object, name);
    size_t n = json_array_size(array);
    char **text = xcalloc(n + 1, sizeof(*text));

    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (json_is_string(json_array_get(array, i)))
            text[(*count)++] = xstrdup(json_string_value(json_array_get(array, i)));
    return text;
}

static bool template_read(const struct relation *r, const char *name, char **text, struct err *err)
{
    return template_of(text) ||
           err_set(err, ERR_FORMAT, "relation %s: the %s '%.60s' needs one {}", r->id, name, *text);
}

/* Whether an edit could have the text as its subject or object. */
static bool is_plain(const char *text)
{
    return text && utf8_trim(&text, strlen(text)) && !has_hole(text);
}

static bool read_one(struct relation *r, const json_t *root, struct err *err)
{
    const json_t *facts = json_object_get(root, "facts");
    size_t n = json_array_size(facts);

    r->id = text_of(root, "id");
    r->name = text_of(root, "name");
    r->question = text_of(root, "question");
    r->also = texts_of(root, "also", &r->alsos);
    r->prompt = texts_of(root, "prompts", &r->prompts);
    r->subject = xcalloc(n + 1, sizeof(*r->subject));
    r->object = xcalloc(n + 1, sizeof(*r->object));
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(facts, i);
        const char *subject = json_string_value(json_array_get(pair, 0));
        const char *object = json_string_value(json_array_get(pair, 1));

        if (is_plain(subject) && is_plain(object)) {
            r->subject[r->facts] = xstrdup(subject);
            r->object[r->facts++] = xstrdup(object);
        }
    }
    if (!r->id || !r->name || !r->prompts)
        return err_set(err, ERR_FORMAT, "a relation needs id, name and prompts");
    for (int i = 0; i < r->prompts; i++)
        if (!template_read(r, "prompt", &r->prompt[i], err))
            return false;
    return !r->question || template_read(r, "question", &r->question, err);
}

static bool read_line(struct relations *r, const char *line, size_t len, struct err *err)
{
    json_error_t where;
    json_t *root = json_loadb(line, len, 0, &where);
    bool ok;

    if (!root)
        return err_set(err, ERR_FORMAT, "not JSON: %s", where.text);
    if (r->count == MOST_RELATIONS) {
        json_decref(root);
        return err_set(err, ERR_LIMIT, "more than %d relations", MOST_RELATIONS);
    }
    r->relation = xrealloc(r->relation, (size_t)(r->count + 1) * sizeof(*r->relation));
    r->relation[r->count] = (struct relation){0};
    ok = read_one(&r->relation[r->count++], root, err);
    json_decref(root);
    return ok;
}

bool relations_parse(struct relations *r, const char *text, size_t len, struct err *err)
{
    int number = 0;
    bool ok = true;

    *r = (struct relations){0};
    for (size_t at = 0; ok && at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;

        number++;
        ok = !n || read_line(r, text + at, n, err) || err_in(err, "line %d", number);
        at += n + 1;
    }
    return ok;
}

bool relations_load(struct relations *r, const char *path, struct err *err)
{
    size_t len = 0;
    char *text = file_read_text(path, MOST_BYTES, &len, err);
    bool ok;

    *r = (struct relations){0};
    if (!text)
        return false;
    ok = relations_parse(r, text, len, err) || err_in(err, "%s", path);
    free(text);
    return ok;
}

/* How well a name matches the typed text; 0: not at all. */
static int answers_to(const char *name, const char *typed)
{
    const char *at = strcasestr(name, typed);

    if (!strcasecmp(name, typed))
        return 5;
    if (!at)
        return 0;
    if (at == name)
        return 4;
    return isalnum((unsigned char)at[-1]) ? 1 : 3;
}

static int match_grade(const struct relation *r, const char *typed)
{
    int best = 2 * answers_to(r->name, typed); /* the name counts more than other names */

    if (!strcasecmp(r->id, typed))
        return 11;
    for (int i = 0; i < r->alsos; i++)
        if (2 * answers_to(r->also[i], typed) - 1 > best)
            best = 2 * answers_to(r->also[i], typed) - 1;
    return best;
}

int relations_match(const struct relations *r, const char *typed, int *index, int most)
{
    int n = 0;

    for (int want = 11; want > 0; want--)
        for (int i = 0; i < r->count && n < most; i++)
            if (match_grade(&r->relation[i], typed) == want)
                index[n++] = i;
    return n;
}

static const char *nearest_relation(const struct relations *r, const char *name)
{
    struct closest_name near = closest_name_of(name);

    for (int i = 0; i < r->count; i++) {
        closest_name_try(&near, r->relation[i].name);
        for (int k = 0; k < r->relation[i].alsos; k++)
            closest_name_try(&near, r->relation[i].also[k]);
    }
    return near.name;
}

const struct relation *relations_find(const struct relations *r, const char *name, struct err *err)
{
    int index[4], n = *name ? relations_match(r, name, index, 4) : 0;
    const struct relation *one = n ? &r->relation[index[0]] : NULL;
    const char *near;

    if (one && (n == 1 || match_grade(one, name) > match_grade(&r->relation[index[1]], name)))
        return one;
    if (one)
        err_set(err, ERR_USAGE,
                "relation '%.40s' may be %s, %s%s%s: say which (editscope relations lists them)",
                name, one->name, r->relation[index[1]].name, n > 2 ? " or " : "",
                n > 2 ? r->relation[index[2]].name : "");
    else if (*(near = nearest_relation(r, name)))
        err_set(err, ERR_USAGE,
                "no relation '%.40s'; the nearest is '%s' (editscope relations lists them)", name,
                near);
    else
        err_set(err, ERR_USAGE, "no relation '%.40s' (editscope relations lists them)", name);
    return NULL;
}

static bool has_neighbour(const struct fact *fact, const char *prompt)
{
    for (int i = 0; i < fact->localities; i++)
        if (!strcmp(fact->locality[i].prompt, prompt))
            return true;
    return false;
}

/* Up to `most` facts of other subjects and other objects, from a place that the subject decides. */
static void add_neighbours(struct fact *fact, const struct relation *r, int most,
                           unsigned long seed)
{
    int until = fact->localities + most;
    unsigned long hash = 5381 + seed; /* djb2: other subjects get other neighbours */

    for (const char *p = fact->subject; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    fact->locality = xrealloc(fact->locality, (size_t)until * sizeof(*fact->locality));
    for (int i = 0; i < r->facts && fact->localities < until; i++) {
        int at = (int)((hash + (unsigned long)i) % (unsigned long)r->facts);
        char *prompt;

        if (!strcasecmp(r->subject[at], fact->subject) || !strcmp(r->object[at], fact->target))
            continue;
        prompt = template_fill(fact->prompt, r->subject[at]);
        if (has_neighbour(fact, prompt))
            free(prompt);
        else
            fact->locality[fact->localities++] =
                (struct probe){.prompt = prompt, .answer = xstrdup(r->object[at])};
    }
}

/* The relation that the fact names, or that has its prompt; NULL: none. */
static const struct relation *relation_of_fact(const struct relations *r, const struct fact *fact)
{
    for (int i = 0; i < r->count; i++) {
        const struct relation *one = &r->relation[i];

        if (fact->relation && !strcmp(one->name, fact->relation))
            return one;
        for (int k = 0; !fact->relation && k < one->prompts; k++)
            if (!strcmp(one->prompt[k], fact->prompt))
                return one;
    }
    return NULL;
}

void relations_add_neighbours(const struct relations *r, struct fact *fact, int most,
                              unsigned long seed)
{
    const struct relation *one = relation_of_fact(r, fact);

    if (one)
        add_neighbours(fact, one, most, seed);
}

struct fact relation_fact(const struct relation *r, const char *subject, const char *object,
                          int prompt, unsigned long seed)
{
    int first = prompt >= 0 && prompt < r->prompts ? prompt : 0;
    struct fact f = {.subject = xstrdup(subject),
                     .prompt = xstrdup(r->prompt[first]),
                     .target = xstrdup(object),
                     .relation = xstrdup(r->name)};

    if (r->prompts > 1)
        f.rephrase = template_fill(r->prompt[(first + 1) % r->prompts], subject);
    if (r->question)
        f.question = template_fill(r->question, subject);
    f.paraphrase = xcalloc(PARAPHRASES, sizeof(*f.paraphrase));
    for (int i = 2; i < r->prompts && f.paraphrases < PARAPHRASES; i++)
        f.paraphrase[f.paraphrases++] = xstrdup(r->prompt[(first + i) % r->prompts]);
    for (int i = 0; i < r->facts && !f.old; i++)
        if (!strcasecmp(r->subject[i], subject))
            f.old = xstrdup(r->object[i]);
    add_neighbours(&f, r, LOCALITIES, seed);
    return f;
}

bool is_triple(const char *text)
{
    const char *first = strchr(text, '|');
    int bars = 0;

    for (const char *bar = first; bar; bar = strchr(bar + 1, '|'))
        bars++;
    return (bars == 2 || bars == 3) && !memchr(text, '{', (size_t)(first - text));
}

/* The part up to the next bar, without blanks around it. Caller frees. */
static char *triple_part(const char **text)
{
    const char *from = *text;
    size_t n = strcspn(from, "|\r\n");

    *text = from + n + (from[n] == '|');
    return xtrimmed(from, n);
}

/* The fact of its parts; the second one is a prompt if it has a placeholder or the subject in it,
 * else the name of a relation. An old object that is typed goes before the relation's; "": none is
 * typed. `relations` may be NULL. */
static bool fact_of_parts(struct fact *fact, const struct relations *relations, char *part[PARTS],
                          unsigned long seed, struct err *err)
{
    const struct relation *relation = NULL;
    struct err why = {0};

    if (relations && !has_hole(part[1]))
        relation = relations_find(relations, part[1], &why);
    if (relation)
        *fact = relation_fact(relation, part[0], part[2], 0, seed);
    else
        *fact = (struct fact){
            .subject = xstrdup(part[0]), .prompt = xstrdup(part[1]), .target = xstrdup(part[2])};
    if (*part[OLD]) {
        free(fact->old);
        fact->old = xstrdup(part[OLD]);
    }
    if (fact_normalise(fact, why.kind ? NULL : err) &&
        (!*part[OLD] || fact_old_is_other(fact, why.kind ? NULL : err)))
        return true;
    if (why.kind)
        err_set(err, why.kind, "%s; a prompt of your own has {} for the subject", why.text);
    fact_free(fact);
    return false;
}

bool fact_from_triple(struct fact *fact, const struct relations *relations, const char *triple,
                      unsigned long seed, struct err *err)
{
    static const char *const names[] = {"subject", "relation or prompt", "object"};
    char *part[PARTS] = {NULL};
    bool ok = is_triple(triple) ||
              err_set(err, ERR_USAGE,
                      "'%.60s' is no triple: subject | relation or prompt | object, with two bars, "
                      "or with a third one and the old object",
                      triple);

    *fact = (struct fact){0};
    for (int i = 0; ok && i < PARTS; i++) {
        part[i] = triple_part(&triple);
        ok = i == OLD || *part[i] || err_set(err, ERR_USAGE, "the triple has no %s", names[i]);
    }
    ok = ok && fact_of_parts(fact, relations, part, seed, err);
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
    return ok;
}
