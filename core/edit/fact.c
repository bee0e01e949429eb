#include "core/edit/fact.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { MAX_FACTS_BYTES = 512 << 20 };

static void probes_free(struct probe *probes, int count)
{
    for (int i = 0; i < count; i++) {
        free(probes[i].prompt);
        free(probes[i].answer);
    }
    free(probes);
}

void fact_free(struct fact *fact)
{
    free(fact->subject);
    free(fact->prompt);
    free(fact->target);
    free(fact->old);
    free(fact->rephrase);
    free(fact->question);
    free(fact->relation);
    for (int i = 0; i < fact->paraphrases; i++)
        free(fact->paraphrase[i]);
    free(fact->paraphrase);
    probes_free(fact->locality, fact->localities);
    probes_free(fact->portability, fact->portabilities);
    memset(fact, 0, sizeof(*fact));
}

static struct probe *probes_copy(const struct probe *probes, int count)
{
    struct probe *copy = NULL;

    if (count)
        copy = xcalloc((size_t)count, sizeof(*copy));
    for (int i = 0; i < count; i++) {
        copy[i].prompt = xstrdup(probes[i].prompt);
        copy[i].answer = xstrdup(probes[i].answer);
    }
    return copy;
}

static char **texts_copy(char *const *text, int count)
{
    char **copy = count ? xcalloc((size_t)count, sizeof(*copy)) : NULL;

    for (int i = 0; i < count; i++)
        copy[i] = xstrdup(text[i]);
    return copy;
}

struct fact fact_copy(const struct fact *fact)
{
    return (struct fact){
        .subject = xstrdup(fact->subject),
        .prompt = xstrdup(fact->prompt),
        .target = xstrdup(fact->target),
        .old = xstrdup(fact->old),
        .rephrase = xstrdup(fact->rephrase),
        .question = xstrdup(fact->question),
        .relation = xstrdup(fact->relation),
        .paraphrase = texts_copy(fact->paraphrase, fact->paraphrases),
        .paraphrases = fact->paraphrases,
        .locality = probes_copy(fact->locality, fact->localities),
        .localities = fact->localities,
        .portability = probes_copy(fact->portability, fact->portabilities),
        .portabilities = fact->portabilities,
    };
}

static bool text_check(const char *field, const char *text, struct err *err)
{
    size_t bad;

    if (!text || utf8_valid(text, strlen(text), &bad))
        return true;
    return err_set(err, ERR_USAGE, "the %s is not UTF-8 from byte %zu on", field, bad + 1);
}

static bool required(const char *field, const char *text, struct err *err)
{
    if (text && text[strspn(text, " \t\r\n")])
        return text_check(field, text, err);
    return err_set(err, ERR_USAGE, "the %s is empty: give one", field);
}

/* An optional field that is empty is not there. */
static bool optional(const char *field, char **text, struct err *err)
{
    if (*text && !**text) {
        free(*text);
        *text = NULL;
    }
    return text_check(field, *text, err);
}

static bool probes_check(const char *field, struct probe *probes, int count, struct err *err)
{
    for (int i = 0; i < count; i++)
        if (!required(field, probes[i].prompt, err) || !optional(field, &probes[i].answer, err))
            return false;
    return true;
}

static int count_of(const char *text, const char *piece)
{
    int count = 0;

    for (const char *at = strstr(text, piece); at; at = strstr(at + 1, piece))
        count++;
    return count;
}

/* Templates that cannot be rows are no templates. */
static bool paraphrases_check(const struct fact *fact, struct err *err)
{
    for (int i = 0; i < fact->paraphrases; i++)
        if (!required("paraphrase", fact->paraphrase[i], err))
            return false;
        else if (count_of(fact->paraphrase[i], "{}") != 1)
            return err_set(err, ERR_USAGE, "the paraphrase '%.80s' needs one {} for the subject",
                           fact->paraphrase[i]);
    return true;
}

/* `text` with its first `piece` replaced. Caller frees. */
static char *replaced(const char *text, const char *piece, const char *by)
{
    const char *at = strstr(text, piece);
    struct buf out = {0};

    buf_add(&out, text, (size_t)(at - text));
    buf_puts(&out, by);
    buf_puts(&out, at + strlen(piece));
    return buf_take(&out);
}

static bool place_subject(struct fact *fact, struct err *err)
{
    int places = count_of(fact->prompt, "{}");
    char *prompt;

    if (places == 1)
        return true;
    if (places > 1)
        return err_set(err, ERR_USAGE, "the prompt '%.80s' has {} in %d places: keep one",
                       fact->prompt, places);
    places = count_of(fact->prompt, fact->subject);
    if (places != 1)
        return err_set(err, ERR_USAGE,
                       "the prompt '%.80s' holds the subject '%.60s' in %d places: put {} where "
                       "it goes",
                       fact->prompt, fact->subject, places);
    prompt = replaced(fact->prompt, fact->subject, "{}");
    free(fact->prompt);
    fact->prompt = prompt;
    return true;
}

bool fact_normalise(struct fact *fact, struct err *err)
{
    if (!required("subject", fact->subject, err) || !required("prompt", fact->prompt, err) ||
        !required("new object", fact->target, err) || !optional("old object", &fact->old, err) ||
        !optional("rephrase", &fact->rephrase, err) ||
        !optional("question", &fact->question, err) ||
        !optional("relation", &fact->relation, err) || !paraphrases_check(fact, err) ||
        !probes_check("locality probe", fact->locality, fact->localities, err) ||
        !probes_check("portability probe", fact->portability, fact->portabilities, err))
        return false;
    for (char *text = fact->target; *text == ' '; text = fact->target)
        memmove(text, text + 1, strlen(text));
    return place_subject(fact, err);
}

char *template_fill(const char *template, const char *subject)
{
    return replaced(template, "{}", subject);
}

char *fact_text(const struct fact *fact)
{
    if (!strstr(fact->prompt, "{}"))
        return xstrdup(fact->prompt);
    return template_fill(fact->prompt, fact->subject);
}

/* The text of a JSON value: itself, its "str", or the first there is inside an array (data sets
 * keep several right answers). NULL if there is none. */
static const char *text_of(const json_t *value)
{
    while (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_object(value))
        value = json_object_get(value, "str");
    return json_string_value(value);
}

/* The first of the names (ended by NULL) under which the object has a text. Caller frees. */
static char *field(const json_t *object, const char *const *names)
{
    for (; *names; names++) {
        const char *text = text_of(json_object_get(object, *names));

        if (text)
            return xstrdup(text);
    }
    return NULL;
}

static void add_probe(struct probe **probes, int *count, const char *prompt, const char *answer)
{
    if (!prompt || !*prompt)
        return;
    *probes = xrealloc(*probes, (size_t)(*count + 1) * sizeof(**probes));
    (*probes)[(*count)++] = (struct probe){xstrdup(prompt), xstrdup(answer)};
}

/* Probes are a text, {"prompt", "answer" or "ground_truth"}, arrays of these, or objects of
 * named groups of them (KnowEdit's "Relation_Specificity" and so on). */
static void add_probes(struct probe **probes, int *count, const json_t *value)
{
    static const char *const answers[] = {"answer", "ground_truth", NULL};
    const char *name;
    json_t *inner;
    size_t i;

    if (json_is_string(value)) {
        add_probe(probes, count, json_string_value(value), NULL);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, inner) add_probes(probes, count, inner);
    } else if (json_object_get(value, "prompt")) {
        char *answer = field(value, answers);

        add_probe(probes, count, text_of(json_object_get(value, "prompt")), answer);
        free(answer);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)value, name, inner) add_probes(probes, count, inner);
    }
}

/* ROME's CounterFact: {"requested_rewrite": {...}, "paraphrase_prompts", "neighborhood_prompts"} */
static void read_rome(struct fact *fact, const json_t *root)
{
    static const char *const paraphrases[] = {"paraphrase_prompts", NULL};
    const json_t *rewrite = json_object_get(root, "requested_rewrite");
    const json_t *neighbours = json_object_get(root, "neighborhood_prompts");

    fact->subject = field(rewrite, (const char *const[]){"subject", NULL});
    fact->prompt = field(rewrite, (const char *const[]){"prompt", NULL});
    fact->target = field(rewrite, (const char *const[]){"target_new", NULL});
    fact->old = field(rewrite, (const char *const[]){"target_true", NULL});
    fact->rephrase = field(root, paraphrases);
    for (size_t i = 0; i < json_array_size(neighbours); i++) {
        const json_t *prompt = json_array_get(neighbours, i);

        add_probe(&fact->locality, &fact->localities, text_of(prompt), fact->old);
    }
}

static void read_paraphrases(struct fact *fact, const json_t *list)
{
    size_t n = json_array_size(list);

    fact->paraphrase = n ? xcalloc(n, sizeof(*fact->paraphrase)) : NULL;
    for (size_t i = 0; i < n; i++)
        if (json_is_string(json_array_get(list, i)))
            fact->paraphrase[fact->paraphrases++] =
                xstrdup(json_string_value(json_array_get(list, i)));
}

/* MEND's ZsRE (src, alt, answers, loc, loc_ans), EasyEdit's and KnowEdit's, and ours. */
static void read_flat(struct fact *fact, const json_t *root)
{
    static const char *const prompt[] = {"prompt", "src", NULL};
    static const char *const target[] = {"target_new", "object", "alt", "target", NULL};
    static const char *const old[] = {"ground_truth", "target_true", "answers", "old", NULL};
    static const char *const rephrase[] = {"rephrase", "rephrase_prompt", NULL};
    static const char *const loc[] = {"loc", "locality_prompt", NULL};
    static const char *const loc_answer[] = {"loc_ans", "locality_ground_truth", NULL};
    const json_t *portability = json_object_get(root, "portability");
    char *near, *answer;

    fact->subject = field(root, (const char *const[]){"subject", NULL});
    fact->prompt = field(root, prompt);
    fact->target = field(root, target);
    fact->old = field(root, old);
    fact->rephrase = field(root, rephrase);
    fact->question = field(root, (const char *const[]){"question", NULL});
    fact->relation = field(root, (const char *const[]){"relation", NULL});
    read_paraphrases(fact, json_object_get(root, "paraphrases"));
    near = field(root, loc);
    answer = field(root, loc_answer);
    add_probe(&fact->locality, &fact->localities, near, answer);
    free(near);
    free(answer);
    add_probes(&fact->locality, &fact->localities, json_object_get(root, "locality"));
    if (json_object_get(portability, "New Question"))
        add_probe(&fact->portability, &fact->portabilities,
                  text_of(json_object_get(portability, "New Question")),
                  text_of(json_object_get(portability, "New Answer")));
    else
        add_probes(&fact->portability, &fact->portabilities, portability);
}

static bool read_fact(struct fact *fact, const json_t *root, struct err *err)
{
    memset(fact, 0, sizeof(*fact));
    if (!json_is_object(root))
        return err_set(err, ERR_FORMAT, "a fact must be one JSON object");
    if (json_object_get(root, "requested_rewrite"))
        read_rome(fact, root);
    else
        read_flat(fact, root);
    if (!fact->subject && !fact->prompt && !fact->target)
        err_set(err, ERR_FORMAT,
                "no fact of a known shape: it needs subject, prompt and target_new");
    else if (fact_normalise(fact, err))
        return true;
    fact_free(fact);
    return false;
}

bool fact_from_json(struct fact *fact, const char *text, size_t len, struct err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, 0, &where);
    bool ok;

    memset(fact, 0, sizeof(*fact));
    if (!root)
        return err_set(err, ERR_FORMAT, "not JSON, line %d: %s", where.line, where.text);
    ok = read_fact(fact, root, err);
    json_decref(root);
    return ok;
}

struct fact_list {
    struct fact *fact;
    int count, room;
    int records;          /* seen, those left out included */
    struct buf *left_out; /* NULL: a record that cannot be edited is an error */
};

static bool list_add(struct fact_list *list, const json_t *root, struct err *err)
{
    struct err why = {0};

    list->records++;
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 64;
        list->fact = xrealloc(list->fact, (size_t)list->room * sizeof(*list->fact));
    }
    if (read_fact(&list->fact[list->count], root, &why)) {
        list->count++;
        return true;
    }
    if (list->left_out && why.kind == ERR_USAGE) {
        buf_printf(list->left_out, "record %d: %s\n", list->records, why.text);
        return true;
    }
    err_set(err, why.kind, "%s", why.text);
    return err_in(err, "record %d", list->records);
}

static bool read_array(struct fact_list *list, const char *text, size_t len, struct err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, 0, &where), *record;
    bool ok = true;
    size_t i;

    if (!root)
        return err_set(err, ERR_FORMAT, "not JSON, line %d: %s", where.line, where.text);
    json_array_foreach(root, i, record)
    {
        ok = list_add(list, record, err);
        if (!ok)
            break;
    }
    json_decref(root);
    return ok;
}

/* The facts of a session's active edits, as `export --as json` writes it. */
static bool list_add_session(struct fact_list *list, const json_t *root, struct err *err)
{
    json_t *edit, *fact;
    size_t i, k;

    json_array_foreach(json_object_get(root, "edits"), i, edit)
    {
        if (!json_is_true(json_object_get(edit, "active")))
            continue;
        json_array_foreach(json_object_get(edit, "facts"), k, fact)
        {
            if (!list_add(list, fact, err))
                return false;
        }
    }
    return true;
}

/* Objects one after the other, each on a line or on several. */
static bool read_objects(struct fact_list *list, const char *text, size_t len, struct err *err)
{
    size_t at = strspn(text, " \t\r\n");

    while (at < len) {
        json_error_t where;
        json_t *root = json_loadb(text + at, len - at, JSON_DISABLE_EOF_CHECK, &where);
        bool ok;

        if (!root)
            return err_set(err, ERR_FORMAT, "record %d is not JSON: %s", list->records + 1,
                           where.text);
        ok = json_is_array(json_object_get(root, "edits")) ? list_add_session(list, root, err)
                                                           : list_add(list, root, err);
        json_decref(root);
        if (!ok)
            return false;
        at += (size_t)where.position;
        at += strspn(text + at, " \t\r\n");
    }
    return true;
}

bool facts_from_text(const char *text, size_t len, struct fact **facts, int *count,
                     struct buf *left_out, struct err *err)
{
    struct fact_list list = {.left_out = left_out};
    bool ok;

    *facts = NULL;
    *count = 0;
    if (text[strspn(text, " \t\r\n")] == '[')
        ok = read_array(&list, text, len, err);
    else
        ok = read_objects(&list, text, len, err);
    if (ok && !list.count)
        ok = err_set(err, ERR_FORMAT, "holds no fact");
    if (ok) {
        *facts = list.fact;
        *count = list.count;
        return true;
    }
    for (int i = 0; i < list.count; i++)
        fact_free(&list.fact[i]);
    free(list.fact);
    return false;
}

bool facts_load_usable(const char *path, struct fact **facts, int *count, struct buf *left_out,
                       struct err *err)
{
    size_t len;
    char *text = file_read_text(path, MAX_FACTS_BYTES, &len, err);
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

static void put_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static void put_probes(json_t *object, const char *name, const struct probe *probes, int count)
{
    json_t *array;

    if (!count)
        return;
    array = json_array();
    for (int i = 0; i < count; i++) {
        json_t *probe = json_object();

        put_text(probe, "prompt", probes[i].prompt);
        put_text(probe, "answer", probes[i].answer);
        json_array_append_new(array, probe);
    }
    json_object_set_new(object, name, array);
}

char *fact_to_json(const struct fact *fact)
{
    json_t *root = json_object();
    char *text, *copy;

    put_text(root, "subject", fact->subject);
    put_text(root, "prompt", fact->prompt);
    put_text(root, "target_new", fact->target);
    put_text(root, "ground_truth", fact->old);
    put_text(root, "rephrase", fact->rephrase);
    put_text(root, "question", fact->question);
    put_text(root, "relation", fact->relation);
    for (int i = 0; i < fact->paraphrases; i++) {
        if (!i)
            json_object_set_new(root, "paraphrases", json_array());
        json_array_append_new(json_object_get(root, "paraphrases"),
                              json_string(fact->paraphrase[i]));
    }
    put_probes(root, "locality", fact->locality, fact->localities);
    put_probes(root, "portability", fact->portability, fact->portabilities);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    copy = xstrdup(text ? text : "{}");
    free(text);
    return copy;
}
