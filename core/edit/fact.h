/* A fact to be edited, as the user gives it: subject, prompt, new object, and what else is known of
 * it (editscope-method(7) 2.1). Plain data; any thread. */
#ifndef CORE_EDIT_FACT_H
#define CORE_EDIT_FACT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/edit/wording.h"

struct probe {
    char *prompt, *answer; /* owned; answer may be NULL (whatever the base model says) */
    char **also;           /* [alsos] owned: other answers that are right as well */
    int alsos;
};

struct fact {
    char *subject;  /* "Eiffel Tower" */
    char *prompt;   /* holds exactly one {} where the subject goes: "The {} is located in" */
    char *target;   /* new object without leading space: "Rome" */
    char *old;      /* old object, or NULL */
    char *rephrase; /* the same question in other words, subject filled in, or NULL: a probe */
    char **more;    /* [mores] further rephrases: probes as well */
    int mores;
    char *question;    /* as a question: "Where is the Eiffel Tower?", or NULL */
    char *relation;    /* "location": the relation it was made from, or NULL */
    char **paraphrase; /* templates with {} that say the same as `prompt`: rows of an attribution */
    int paraphrases;
    struct probe *locality; /* must not change */
    int localities;
    struct probe *portability; /* must follow from the new object; each has its own answer */
    int portabilities;
    unsigned trimmed;       /* TRIMMED_*: which texts had blanks around them */
    int record;             /* its record in the file, from 1; 0: not from a file */
    struct wording wording; /* how its texts become tokens */
};

enum {
    TRIMMED_SUBJECT = 1,
    TRIMMED_PROMPT = 2,
    TRIMMED_TARGET = 4,
    TRIMMED_OLD = 8,
    TRIMMED_PROBES = 16, /* rephrase, question, paraphrases, locality, portability */
};

/* Adds an answer: the first one, or another one that is right as well. One that is there stays. */
void probe_add_answer(struct probe *probe, const char *answer);

void fact_free(struct fact *fact); /* frees the fields, zeroes the struct */
struct fact fact_copy(const struct fact *fact);
/* Checks and normalises; doing it again changes nothing. Blanks around every text are removed
 * (Unicode's, and characters without width); `trimmed` says of which texts. The prompt and
 * paraphrases get one {}: for { }, {subject}, {0} and [X], or for the one literal occurrence of the
 * subject. In probes such placeholders become the subject. ERR_USAGE, with a line that names the
 * field: an empty field, no place or several places for the subject, both {} and the subject in a
 * prompt, {} in a text that is no template, invalid UTF-8. */
bool fact_normalise(struct fact *fact, struct err *err);
/* Whether an old object that somebody named is another one than the new object. Facts of files are
 * taken as they are. ERR_USAGE. */
bool fact_old_is_other(const struct fact *fact, struct err *err);
/* Appends "record 3: blanks around the target were taken off", for many facts with their number;
 * nothing where nothing was. */
void fact_trimmed_say(const struct fact *facts, int count, struct buf *out);
/* Whether the text contains one of these placeholders. */
bool has_hole(const char *text);
/* Writes placeholders as {}. True if there is exactly one: then template_fill() takes the text. */
bool template_of(char **text);
/* A template with its {}, which must be there, replaced by the subject. Caller frees. */
char *template_fill(const char *template, const char *subject);
/* The prompt with the subject filled in. Caller frees. */
char *fact_text(const struct fact *fact);
/* The same question in other words, for probes: every rephrase, and unless paraphrases are rows of
 * the edit (attr.rows) the first two of them, filled in. Free with texts_free(). */
char **fact_rephrases(const struct fact *fact, const struct params *p, int *count);
/* One JSON object of a shape in editscope-formats(7) 7.2 (the table of fact_shapes.c), or a list of
 * one, that holds one fact; normalised. Numbers become texts as they are written. `text` need not
 * be NUL-terminated. Anything else is ERR_FORMAT. */
bool fact_from_json(struct fact *fact, const char *text, size_t len, struct err *err);
/* A fact in one line, in any of the forms that people write: a JSON object, `subject | prompt |
 * object`, `subject | relation | object`, or `subject; prompt; object` with ; or a tab between.
 * After another | stands the old object.
 * `relations` NULL: none is known. `seed` chooses the neighbours that a relation brings. */
struct relations;
bool fact_from_line(struct fact *fact, const char *line, const struct relations *relations,
                    unsigned long seed, struct err *err);
/* Whether a text has the form of such a line, and not that of a subject or an object. */
bool is_fact_line(const char *text);
/* Many facts as people paste them: JSON as in facts_load(), or a fact on each line; blank lines and
 * lines that begin with # are skipped. Other lines are skipped, with a line for each in `left_out`.
 * Returns how many facts. Caller frees each and the array. Never fails: no facts is 0. */
int facts_from_lines(const char *text, size_t len, const struct relations *relations,
                     unsigned long seed, struct fact **facts, struct buf *left_out);
/* The same for text of a file: one JSON array, objects one after the other, or a table with commas,
 * semicolons or tabs whose first line names the columns. */
bool facts_from_text(const char *text, size_t len, struct fact **facts, int *count,
                     struct buf *left_out, struct err *err);
/* A file of many facts, as such a text. Caller frees each and the array. One
 * bad record refuses the file, naming the record. */
bool facts_load(const char *path, struct fact **facts, int *count, struct err *err);
/* The same for a file of the user, which may also have a fact on each line. */
bool facts_load_typed(const char *path, const struct relations *relations, unsigned long seed,
                      struct fact **facts, int *count, struct err *err);
/* The same for data sets, in which some records cannot be edited (an empty new object):
 * such records are skipped, and `left_out` gets a line with the reason for each. */
bool facts_load_usable(const char *path, struct fact **facts, int *count, struct buf *left_out,
                       struct err *err);
/* The fact as one JSON object, in editscope's own shape. Caller frees. */
char *fact_to_json(const struct fact *fact);

#endif
