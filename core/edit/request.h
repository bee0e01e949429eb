/* A request: a fact as tokens of a model, with its rows, the lookup in each, and the tokens of the
 * new object (editscope-method(7) 2). Example, for the fact Eiffel Tower -> Rome and one prefix:
 *
 *   row[0]   The Eiffel Tower is in               target  " Rome"
 *   row[1]   It is true. The Eiffel Tower is in   kl_row  Eiffel Tower is a
 *                              ^^^^^ lookup: the last token of the subject
 *
 * Plain data. Engine thread, since tokenising needs the model. */
#ifndef CORE_EDIT_REQUEST_H
#define CORE_EDIT_REQUEST_H

#include "core/base/params.h"
#include "core/edit/fact.h"
#include "core/edit/prompt_tokens.h"

struct row {
    char *text;      /* prefix + prompt with the subject filled in; or the chat turn around them */
    int *id, count;  /* its tokens (with BOS if the tokenizer adds one) */
    int first, last; /* tokens of the subject */
    int lookup;      /* index of the subject's last token, by edit.lookup */
};

struct request {
    struct fact fact;
    struct row *row; /* the bare prompt first, then a prefix each */
    int rows;
    struct row *scored; /* what attribution scores (attr.rows): `row` itself, or paraphrases */
    int scored_count;
    struct row kl_row;    /* "{} is a": the row whose distribution must not change (KL) */
    int *target, targets; /* tokens of the new object after the bare prompt */
    int old;              /* first token of the old object there, -1: none */
    int *olds, old_count; /* all of its tokens */
};

/* Context prefixes: used verbatim before the prompt (editscope-method(7) 2.3). */
struct prefixes {
    char **text;
    int count;
};

/* One prefix a line, trailing spaces kept; of a file also as "The. {}". ERR_FORMAT with the line,
 * or for a file without any. */
bool prefixes_load(struct prefixes *p, const char *path, struct err *err);
bool prefixes_parse(struct prefixes *p, const char *text, struct err *err);
void prefixes_free(struct prefixes *p);

/* Tokenises the rows. The rows that are scored are the bare prompt and, by attr.rows, the prefixed
 * ones, the fact's paraphrases or both; a fact without paraphrases that is asked for them is
 * ERR_USAGE. edit.lookup = offsets: the last token that overlaps the subject; = prefix:
 * the length of the tokens of everything up to the subject's end, less one (released code).
 * attr.prefixes of the prefixes are used. What the fact's wording leaves open is taken from the
 * parameters. * `r` owns a copy of the fact. */
bool request_build(struct request *r, const struct fact *fact, const struct prefixes *prefixes,
                   const struct model *model, const struct params *p, struct err *err);
/* ERR_USAGE where the fact names no old object: "{what} the old object, and the fact names none".
 */
bool request_names_old(const struct request *r, const char *what, struct err *err);
void request_free(struct request *r);

#endif
