/* Relations: turn a fact that is typed as subject | relation | object into sentences.
 *
 * They come from a file (samples/pararel/: 39 relations of ParaRel) of one JSON object a line:
 * {"id", "name", "also": [...], "question", "prompts": ["{} is located in", ...], "facts":
 * [["Eiffel Tower", "Paris"], ...]}. A relation gives the prompt, other templates that say the
 * same, a question, and facts of other subjects that an edit must leave alone; facts without a
 * subject or an object, or with a placeholder in one, are left out. Placeholders are those of a
 * fact (fact_normalise()). Plain data; any thread may read it. */
#ifndef CORE_EDIT_RELATIONS_H
#define CORE_EDIT_RELATIONS_H

#include "core/edit/fact.h"

struct relation {
    char *id, *name, *question; /* "P276", "location", "Where is {}?" */
    char **also;                /* other names */
    char **prompt;              /* templates with one {}; the object follows. At least one */
    char **subject, **object;   /* [facts] */
    int alsos, prompts, facts;
};

struct relations {
    struct relation *relation;
    int count;
};

/* Errors name file and line. relations_free() in either case. */
bool relations_load(struct relations *r, const char *path, struct err *err);
bool relations_parse(struct relations *r, const char *text, size_t len, struct err *err);
void relations_free(struct relations *r);

/* The relations whose id, name or other names match the typed text, the best first (whole name, its
 * beginning, beginning of a word, anywhere); an empty text matches all. index [most]. Returns how
 * many. */
int relations_match(const struct relations *r, const char *typed, int *index, int most);
/* The relation of this name or id, or the only one that matches; else ERR_USAGE naming the nearest.
 */
const struct relation *relations_find(const struct relations *r, const char *name, struct err *err);

/* The fact of a relation: template number `prompt` (0 if there are fewer), the next one as the
 * rephrase probe, the others as paraphrases, its question, up to ten facts of other subjects as
 * locality probes, chosen by `seed`, and the old object where the relation knows it. */
struct fact relation_fact(const struct relation *r, const char *subject, const char *object,
                          int prompt, unsigned long seed);
/* Adds up to `most` neighbours to a fact: facts of other subjects, from the relation that it names,
 * or that has its prompt, chosen by `seed`; not those that it has already. Nothing if there is no
 * such relation. */
void relations_add_neighbours(const struct relations *r, struct fact *fact, int most,
                              unsigned long seed);
/* `subject | relation | object`, or with a prompt in the place of the relation, and maybe a fourth
 * part, the old object; r may be NULL: only a prompt.
 * ERR_USAGE names the part that is missing. Texts of users go through fact_from_line(). */
bool fact_from_triple(struct fact *fact, const struct relations *r, const char *triple,
                      unsigned long seed, struct err *err);
/* Whether a text looks like a triple: two bars, or three with the old object behind the last. */
bool is_triple(const char *text);

#endif
