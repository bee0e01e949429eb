/* The shapes of records in data sets (CounterFact, ZsRE, KnowEdit, ...): a table, with a reader for
 * each (editscope-formats(7) 7.2). To add one, add a row to `shapes` and its reader. */
#include "core/edit/fact_shapes.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void fact_list_free(struct fact_list *list)
{
    for (int i = 0; i < list->count; i++)
        fact_free(&list->fact[i]);
    free(list->fact);
    *list = (struct fact_list){0};
}

static struct fact *list_append(struct fact_list *list)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 64;
        list->fact = xrealloc(list->fact, (size_t)list->room * sizeof(*list->fact));
    }
    list->fact[list->count] = (struct fact){0};
    return &list->fact[list->count++];
}

/* What a value is, for a message. */
static const char *kind_of(const json_t *value)
{
    return json_is_true(value)     ? "true"
           : json_is_false(value)  ? "false"
           : json_is_null(value)   ? "null"
           : json_is_array(value)  ? "a list"
           : json_is_object(value) ? "an object"
                                   : "a number";
}

static bool is_blank_text(const char *text)
{
    return !text[strspn(text, " \t\r\n")];
}

/* The first answer of a list that is not blank; if all are blank, the first. */
static const json_t *first_of(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (!text || !is_blank_text(text))
            return json_array_get(array, i);
    }
    return json_array_get(array, 0);
}

/* The text of a value: itself, its "str", or the first inside a list, since data sets keep several
 * right answers. A missing value, null or an empty list gives *text = NULL; a value of
 * another kind is an error that names the key. *text is borrowed. */
static bool take_text(const json_t *value, const char *key, const char **text, struct err *err)
{
    const json_t *inner = value;

    *text = NULL;
    while (json_is_array(inner))
        inner = first_of(inner);
    if (json_is_object(inner))
        inner = json_object_get(inner, "str");
    *text = json_string_value(inner);
    if (*text || !value || json_is_null(value) || (json_is_array(value) && !inner))
        return true;
    if (json_is_object(value) && !inner)
        return err_set(err, ERR_USAGE, "%s is an object without str: a text is wanted", key);
    return err_set(err, ERR_USAGE, "%s %s %s: a text is wanted", key,
                   value == inner ? "is" : "holds", kind_of(inner ? inner : value));
}

/* What a field is called: in messages, and in records of data sets. */
struct keys {
    const char *word;
    const char *name[7]; /* ended by NULL */
};

/* The first of the names under which the object has a text, as a copy. */
static bool read_optional(const json_t *object, const struct keys *keys, char **out,
                          struct err *err)
{
    for (int i = 0; keys->name[i] && !*out; i++) {
        const char *text;

        if (!take_text(json_object_get(object, keys->name[i]), keys->name[i], &text, err))
            return false;
        *out = xstrdup(text);
    }
    return true;
}

/* Keeps a rephrase that is none of those that are there. */
static void rephrase_add(struct fact *fact, const char *text)
{
    bool there = fact->rephrase && !strcmp(fact->rephrase, text);

    for (int i = 0; i < fact->mores; i++)
        there = there || !strcmp(fact->more[i], text);
    if (!fact->rephrase) {
        fact->rephrase = xstrdup(text);
    } else if (!there) {
        fact->more = xrealloc(fact->more, (size_t)(fact->mores + 1) * sizeof(*fact->more));
        fact->more[fact->mores++] = xstrdup(text);
    }
}

/* Every rephrase of the first of the keys that has one: a text, or a list of them. */
static bool read_rephrases(const json_t *object, const struct keys *keys, struct fact *fact,
                           struct err *err)
{
    for (int i = 0; keys->name[i] && !fact->rephrase; i++) {
        const json_t *value = json_object_get(object, keys->name[i]);
        size_t n = json_is_array(value) ? json_array_size(value) : 1;

        for (size_t k = 0; k < n; k++) {
            const char *text;

            if (!take_text(json_is_array(value) ? json_array_get(value, k) : value, keys->name[i],
                           &text, err))
                return false;
            if (text && (n == 1 || !is_blank_text(text)))
                rephrase_add(fact, text);
        }
    }
    return true;
}

/* The error for a missing field: its value is empty, or no key has it. Returns false. */
static bool missing_field(const json_t *object, const struct keys *keys, struct err *err)
{
    struct buf known = {0};

    for (int i = 0; keys->name[i]; i++) {
        const json_t *value = json_object_get(object, keys->name[i]);

        if (value && !json_is_string(value))
            err_set(err, ERR_USAGE, "%s is %s: a text is wanted", keys->name[i],
                    json_is_array(value) ? "an empty list" : kind_of(value));
        buf_printf(&known, "%s%s", !i ? "" : keys->name[i + 1] ? ", " : " or ", keys->name[i]);
    }
    err_set(err, ERR_USAGE, "there is no %s: %s", keys->word, known.data);
    buf_free(&known);
    return false;
}

static bool read_needed(const json_t *object, const struct keys *keys, char **out, struct err *err)
{
    return read_optional(object, keys, out, err) && (*out || missing_field(object, keys, err));
}

/* For fields that are one text: a list means that the record has another shape. */
static bool one_text(const json_t *object, const struct keys *keys, char **out, struct err *err)
{
    for (int i = 0; keys->name[i]; i++) {
        const json_t *value = json_object_get(object, keys->name[i]);

        if (json_array_size(value) > 1)
            return err_set(err, ERR_USAGE,
                           "%s is a list of %zu: one text is wanted (give several in lists "
                           "under prompts, subject and target_new)",
                           keys->name[i], json_array_size(value));
    }
    return read_needed(object, keys, out, err);
}

struct probe_list {
    struct probe **probe;
    int *count;
};

static struct probe_list locality_list(struct fact *fact)
{
    return (struct probe_list){&fact->locality, &fact->localities};
}

static struct probe_list portability_list(struct fact *fact)
{
    return (struct probe_list){&fact->portability, &fact->portabilities};
}

/* Every right answer of a value: a text, {"value", "aliases"}, or lists of these. */
static bool probe_add_answers(struct probe *probe, const json_t *value, const char *key,
                              struct err *err)
{
    const char *text;

    for (size_t i = 0; i < json_array_size(value); i++)
        if (!probe_add_answers(probe, json_array_get(value, i), key, err))
            return false;
    if (json_is_array(value))
        return true;
    if (json_object_get(value, "value"))
        return probe_add_answers(probe, json_object_get(value, "value"), key, err) &&
               probe_add_answers(probe, json_object_get(value, "aliases"), key, err);
    if (!take_text(value, key, &text, err))
        return false;
    if (text && !is_blank_text(text))
        probe_add_answer(probe, text);
    return true;
}

static bool probe_add(struct probe_list to, const json_t *prompt, const json_t *answer,
                      const char *key, struct err *err)
{
    const char *text;

    if (!take_text(prompt, key, &text, err))
        return false;
    if (!text || is_blank_text(text))
        return true;
    *to.probe = xrealloc(*to.probe, (size_t)(*to.count + 1) * sizeof(**to.probe));
    (*to.probe)[*to.count] = (struct probe){.prompt = xstrdup(text)};
    return probe_add_answers(&(*to.probe)[(*to.count)++], answer, key, err);
}

/* A prompt and its answer, or a list of prompts beside one of answers. */
static bool probes_pair(struct probe_list to, const json_t *prompt, const json_t *answer,
                        const char *key, struct err *err)
{
    size_t n = json_array_size(prompt), answers = json_array_size(answer);

    if (!json_is_array(prompt) || n == 1)
        return probe_add(to, prompt, answer, key, err);
    if (answer && !json_is_null(answer) && answers != n)
        return err_set(err, ERR_USAGE, "%s: %zu prompts, but %zu answers", key, n,
                       json_is_array(answer) ? answers : 1);
    for (size_t i = 0; i < n; i++)
        if (!probe_add(to, json_array_get(prompt, i), json_array_get(answer, i), key, err))
            return false;
    return true;
}

static const json_t *first_key(const json_t *object, const char *const *names)
{
    const json_t *value = NULL;

    for (; *names && !value; names++)
        value = json_object_get(object, *names);
    return value;
}

/* Probes are a text, {"prompt", "answer" or "ground_truth"}, lists of these, or objects of named
 * groups of them (KnowEdit's "Relation_Specificity" and so on). */
static bool probes_add(struct probe_list to, const json_t *value, const char *key, struct err *err)
{
    static const char *const prompts[] = {"prompt", "question", "New Question", NULL};
    static const char *const answers[] = {
        "answer", "answers", "ground_truth", "target", "new_answer", "New Answer", NULL};
    const char *name;
    json_t *inner;
    size_t i;

    if (json_is_array(value)) {
        json_array_foreach(value, i, inner)
        {
            if (!probes_add(to, inner, key, err))
                return false;
        }
        return true;
    }
    if (!json_is_object(value))
        return probe_add(to, value, NULL, key, err);
    if (first_key(value, prompts))
        return probes_pair(to, first_key(value, prompts), first_key(value, answers), key, err);
    json_object_foreach((json_t *)value, name, inner)
    {
        if (!probes_add(to, inner, name, err))
            return false;
    }
    return true;
}

static const struct keys subjects = {"subject", {"subject", "concept"}};
static const struct keys prompts = {"prompt", {"prompt", "src", "text"}};
static const struct keys targets = {"new object",
                                    {"target_new", "object", "alt", "target", "labels"}};
static const struct keys olds = {"old object", {"ground_truth", "target_true", "answers", "old"}};
static const struct keys rephrases = {"rephrase",
                                      {"rephrase", "rephrase_prompt", "paraphrase_prompts"}};
static const struct keys questions = {"question", {"question"}};
static const struct keys relations = {"relation", {"relation"}};

static bool is_rome(const json_t *root)
{
    return json_is_object(json_object_get(root, "requested_rewrite"));
}

static bool read_rewrite(struct fact *fact, const json_t *rewrite, struct err *err)
{
    return one_text(rewrite, &subjects, &fact->subject, err) &&
           one_text(rewrite, &prompts, &fact->prompt, err) &&
           read_needed(rewrite, &targets, &fact->target, err) &&
           read_optional(rewrite, &olds, &fact->old, err) &&
           read_optional(rewrite, &questions, &fact->question, err);
}

static bool read_rome(struct fact_list *list, const json_t *root, struct err *err)
{
    struct fact *fact = list_append(list);

    if (!read_rewrite(fact, json_object_get(root, "requested_rewrite"), err) ||
        !read_rephrases(root, &rephrases, fact, err) ||
        !probes_add(locality_list(fact), json_object_get(root, "neighborhood_prompts"),
                    "neighborhood_prompts", err))
        return false;
    for (int i = 0; i < fact->localities; i++) /* neighbours share the old object */
        if (!fact->locality[i].answer)
            fact->locality[i].answer = xstrdup(fact->old);
    return true;
}

static bool is_mquake(const json_t *root)
{
    return json_is_array(json_object_get(root, "requested_rewrite"));
}

/* MQuAKE: the questions follow from all rewrites of a record, so the last fact has them as probes.
 */
static bool read_mquake(struct fact_list *list, const json_t *root, struct err *err)
{
    const json_t *rewrites = json_object_get(root, "requested_rewrite");
    const json_t *asked = json_object_get(root, "questions");
    size_t n = json_array_size(rewrites);
    struct fact *last;

    if (!n)
        return err_set(err, ERR_USAGE, "requested_rewrite is an empty list");
    for (size_t i = 0; i < n; i++)
        if (!read_rewrite(list_append(list), json_array_get(rewrites, i), err))
            return err_in(err, "requested_rewrite %zu", i + 1);
    last = &list->fact[list->count - 1];
    for (size_t i = 0; i < json_array_size(asked); i++)
        if (!probe_add(portability_list(last), json_array_get(asked, i),
                       json_object_get(root, "new_answer"), "questions", err))
            return false;
    for (int i = 0; i < last->portabilities; i++)
        if (!probe_add_answers(&last->portability[i], json_object_get(root, "new_answer_alias"),
                               "new_answer_alias", err))
            return false;
    return true;
}

static bool is_arguments(const json_t *root)
{
    return json_object_get(root, "prompts") != NULL;
}

/* The i-th of a list of n parallel values; a text alone is a list of one. */
static bool side_by_side(const json_t *value, const char *key, size_t i, size_t n,
                         const json_t **out, struct err *err)
{
    size_t there = json_is_array(value) ? json_array_size(value) : 1;

    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    if (there != n)
        return err_set(err, ERR_USAGE, "prompts has %zu entr%s and %s has %zu: both need as many",
                       n, n == 1 ? "y" : "ies", key, there);
    *out = json_is_array(value) ? json_array_get(value, i) : value;
    return true;
}

/* One record's worth of such a list, for the readers of one record; NULL: it has another length.
 * The caller frees. */
static json_t *arguments_alone(const json_t *root, const char *key, size_t i, size_t n,
                               struct err *err)
{
    const json_t *value;
    json_t *alone;

    if (!side_by_side(json_object_get(root, key), key, i, n, &value, err))
        return NULL;
    alone = json_object();
    if (value)
        json_object_set(alone, key, (json_t *)value);
    return alone;
}

static bool arguments_text(const json_t *root, const char *key, size_t i, size_t n, bool must,
                           char **out, struct err *err)
{
    const struct keys keys = {key, {key}};
    json_t *alone = arguments_alone(root, key, i, n, err);
    bool ok = alone &&
              (must ? read_needed(alone, &keys, out, err) : read_optional(alone, &keys, out, err));

    json_decref(alone);
    return ok;
}

static bool arguments_rephrases(const json_t *root, size_t i, size_t n, struct fact *fact,
                                struct err *err)
{
    static const struct keys keys = {"rephrase", {"rephrase_prompts"}};
    json_t *alone = arguments_alone(root, *keys.name, i, n, err);
    bool ok = alone && read_rephrases(alone, &keys, fact, err);

    json_decref(alone);
    return ok;
}

/* {"NAME": {"prompt": [...], "ground_truth": [...]}}: an entry of both a fact. */
static bool arguments_probes(struct probe_list to, const json_t *groups, size_t i, size_t n,
                             struct err *err)
{
    const json_t *prompt, *answer;
    const char *name;
    json_t *group;

    json_object_foreach((json_t *)groups, name, group)
    {
        if (!side_by_side(json_object_get(group, "prompt"), name, i, n, &prompt, err) ||
            !side_by_side(json_object_get(group, "ground_truth"), name, i, n, &answer, err) ||
            !probes_pair(to, prompt, answer, name, err))
            return false;
    }
    return true;
}

/* What EasyEdit's edit() is called with: lists side by side, or texts. */
static bool read_arguments(struct fact_list *list, const json_t *root, struct err *err)
{
    const json_t *several = json_object_get(root, "prompts");
    size_t n = json_is_array(several) ? json_array_size(several) : 1;

    if (!n)
        return err_set(err, ERR_USAGE, "prompts is an empty list");
    for (size_t i = 0; i < n; i++) {
        struct fact *fact = list_append(list);

        if (!arguments_text(root, "prompts", i, n, true, &fact->prompt, err) ||
            !arguments_text(root, "subject", i, n, true, &fact->subject, err) ||
            !arguments_text(root, "target_new", i, n, true, &fact->target, err) ||
            !arguments_text(root, "ground_truth", i, n, false, &fact->old, err) ||
            !arguments_rephrases(root, i, n, fact, err) ||
            !arguments_probes(locality_list(fact), json_object_get(root, "locality_inputs"), i, n,
                              err) ||
            !arguments_probes(portability_list(fact), json_object_get(root, "portability_inputs"),
                              i, n, err))
            return n == 1 ? false : err_in(err, "entry %zu", i + 1);
    }
    return true;
}

static bool read_paraphrases(struct fact *fact, const json_t *list, struct err *err)
{
    size_t n = json_array_size(list);

    fact->paraphrase = n ? xcalloc(n, sizeof(*fact->paraphrase)) : NULL;
    for (size_t i = 0; i < n; i++) {
        const char *text;

        if (!take_text(json_array_get(list, i), "paraphrases", &text, err))
            return false;
        if (text)
            fact->paraphrase[fact->paraphrases++] = xstrdup(text);
    }
    return true;
}

static bool is_mend(const json_t *root)
{
    return json_object_get(root, "src") != NULL;
}

static bool is_wikibio(const json_t *root)
{
    return json_object_get(root, "concept") && json_object_get(root, "labels");
}

static bool is_flat(const json_t *root)
{
    return json_object_get(root, "prompt") || first_key(root, subjects.name) ||
           first_key(root, targets.name);
}

/* A flat record: the fields of a fact under any of their names. */
static bool read_flat(struct fact_list *list, const json_t *root, struct err *err)
{
    static const char *const loc[] = {"loc", "locality_prompt", NULL};
    static const char *const loc_answer[] = {"loc_ans", "locality_ground_truth", NULL};
    struct fact *fact = list_append(list);

    return one_text(root, &subjects, &fact->subject, err) &&
           one_text(root, &prompts, &fact->prompt, err) &&
           read_needed(root, &targets, &fact->target, err) &&
           read_optional(root, &olds, &fact->old, err) &&
           read_rephrases(root, &rephrases, fact, err) &&
           read_optional(root, &questions, &fact->question, err) &&
           read_optional(root, &relations, &fact->relation, err) &&
           read_paraphrases(fact, json_object_get(root, "paraphrases"), err) &&
           probes_pair(locality_list(fact), first_key(root, loc), first_key(root, loc_answer),
                       "loc", err) &&
           probes_add(locality_list(fact), json_object_get(root, "locality"), "locality", err) &&
           probes_add(portability_list(fact), json_object_get(root, "portability"), "portability",
                      err);
}

/* The first shape that matches a record reads it. */
static const struct {
    const char *name, *keys; /* for messages */
    bool (*is)(const json_t *root);
    bool (*read)(struct fact_list *list, const json_t *root, struct err *err);
} shapes[] = {
    {"CounterFact", "requested_rewrite", is_rome, read_rome},
    {"MQuAKE", "requested_rewrite, a list", is_mquake, read_mquake},
    {"EasyEdit's arguments", "prompts, subject, target_new", is_arguments, read_arguments},
    {"ZsRE", "subject, src, alt", is_mend, read_flat},
    {"WikiBio", "concept, text, labels", is_wikibio, read_flat},
    {"editscope, EasyEdit, KnowEdit", "subject, prompt, target_new", is_flat, read_flat},
};

/* The keys of a wording, which facts of every shape may have. */
static bool read_wording(const json_t *record, struct fact *fact, int count, struct err *err)
{
    struct wording w;

    if (!wording_from_json(&w, record, err))
        return false;
    for (int i = 0; i < count; i++)
        fact[i].wording = w;
    return true;
}

bool fact_shapes_read(const json_t *record, struct fact_list *list, struct err *err)
{
    struct buf known = {0};
    int before = list->count;

    if (!json_is_object(record))
        return err_set(err, ERR_FORMAT, "a fact must be one JSON object, this is %s",
                       json_is_string(record) ? "a text or a number" : kind_of(record));
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        if (shapes[i].is(record))
            return shapes[i].read(list, record, err) &&
                   read_wording(record, list->fact + before, list->count - before, err);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        buf_printf(&known, "%s%s (%s)", i ? "; " : "", shapes[i].name, shapes[i].keys);
    err_set(err, ERR_FORMAT, "no fact of a known shape, which are: %s", known.data);
    buf_free(&known);
    return false;
}
