/* How texts become tokens: plain or in the chat form, what special tokens written in a text become,
 * and whether a blank goes between a prompt and its answer. No other place joins the two
 * (editscope-method(7) 2.2).
 *
 * A fact keeps its own wording, so that it is asked later as it was edited. */
#ifndef CORE_EDIT_WORDING_H
#define CORE_EDIT_WORDING_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "core/base/err.h"
#include "core/base/params.h"

enum join {
    JOIN_UNSAID, /* of a fact at hand: what the parameters say. Of an edit of version 0.1.0: a
                    blank, whatever the prompt ends in */
    JOIN_AUTO,   /* a blank, but none between two scripts that are written without */
    JOIN_BLANK,
    JOIN_NONE,
};
enum ask_form { ASK_UNSAID, ASK_PLAIN, ASK_CHAT };
enum markup { MARKUP_UNSAID, MARKUP_TEXT, MARKUP_TOKENS };

enum { NOTICE = 320 }; /* bytes of a line about how a text was taken */

struct wording {
    enum join join;
    enum ask_form form;
    enum markup markup;
};

/* The wording of the parameters. */
struct wording wording_of(const struct params *p);
/* Sets what `w` leaves open from the parameters. */
void wording_set_defaults(struct wording *w, const struct params *p);
/* Three words, for the journal; and back. False: the text is not a wording. */
void wording_write(const struct wording *w, char out[48]);
bool wording_read(struct wording *w, const char *text);
/* The keys "join", "form" and "special" of a fact; a missing key stays open. ERR_USAGE names
 * an invalid value. */
bool wording_from_json(struct wording *w, const json_t *fact, struct err *err);
void wording_to_json(const struct wording *w, json_t *fact);
/* Whether a code point is of a script that puts no blank between words (Han, Kana, Thai, ...). */
bool script_is_unspaced(int32_t code);
/* What goes between a prompt and an answer: " " or "". In the chat form `prompt` is the whole
 * turn as it is rendered. */
const char *wording_join(const struct wording *w, const char *prompt, const char *answer);

#endif
