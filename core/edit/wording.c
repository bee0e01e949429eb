/* The wording of a fact: defaults, how it is written in the journal and in JSON, and the blank
 * between a prompt and an answer. */
#include "core/edit/wording.h"

#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"

static const char *const join_names[] = {"unsaid", "auto", "blank", "none"};
static const char *const form_names[] = {"unsaid", "plain", "chat"};
static const char *const markup_names[] = {"unsaid", "text", "token"};

struct wording wording_of(const struct params *p)
{
    return (struct wording){
        .join = (enum join)(JOIN_AUTO + params_choice(p, P_TARGET_BLANK)),
        .form = (enum ask_form)(ASK_PLAIN + params_choice(p, P_PROMPT_FORM)),
        .markup = (enum markup)(MARKUP_TEXT + params_choice(p, P_PROMPT_SPECIAL)),
    };
}

void wording_set_defaults(struct wording *w, const struct params *p)
{
    struct wording said = wording_of(p);

    w->join = w->join ? w->join : said.join;
    w->form = w->form ? w->form : said.form;
    w->markup = w->markup ? w->markup : said.markup;
}

void wording_write(const struct wording *w, char out[48])
{
    snprintf(out, 48, "%s %s %s", join_names[w->join], form_names[w->form],
             markup_names[w->markup]);
}

static int name_index(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

bool wording_read(struct wording *w, const char *text)
{
    char join[16], form[16], markup[16];
    int a, b, c;

    if (sscanf(text, "%15s %15s %15s", join, form, markup) != 3)
        return false;
    a = name_index(join_names, 4, join);
    b = name_index(form_names, 3, form);
    c = name_index(markup_names, 3, markup);
    if (a < 0 || b < 0 || c < 0)
        return false;
    *w = (struct wording){(enum join)a, (enum ask_form)b, (enum markup)c};
    return true;
}

/* The index of the key's text among `values`; 0 if the key is missing, -1 if the text is another.
 */
static int value_index(const json_t *fact, const char *key, const char *const *values, int count,
                       struct err *err)
{
    const json_t *value = json_object_get(fact, key);
    int i = json_is_string(value) ? name_index(values, count, json_string_value(value)) : -1;

    if (!value || json_is_null(value))
        return 0;
    if (i > 0)
        return i;
    err_set(err, ERR_USAGE, "\"%s\" is not one of \"%s\", \"%s\"%s", key, values[1], values[2],
            count > 3 ? ", \"\"" : "");
    return -1;
}

static const char *const join_values[] = {"unsaid", "auto", " ", ""};

bool wording_from_json(struct wording *w, const json_t *fact, struct err *err)
{
    int a = value_index(fact, "join", join_values, 4, err);
    int b = a < 0 ? -1 : value_index(fact, "form", form_names, 3, err);
    int c = b < 0 ? -1 : value_index(fact, "special", markup_names, 3, err);

    if (c < 0)
        return false;
    *w = (struct wording){(enum join)a, (enum ask_form)b, (enum markup)c};
    return true;
}

void wording_to_json(const struct wording *w, json_t *fact)
{
    if (w->join)
        json_object_set_new(fact, "join", json_string(join_values[w->join]));
    if (w->form)
        json_object_set_new(fact, "form", json_string(form_names[w->form]));
    if (w->markup)
        json_object_set_new(fact, "special", json_string(markup_names[w->markup]));
}

/* Scripts that put no blank between words, with their punctuation. */
static const struct {
    int32_t first, last;
} unspaced[] = {
    {0xe00, 0xeff},     /* Thai, Lao */
    {0xf00, 0x109f},    /* Tibetan, Burmese */
    {0x1780, 0x17ff},   /* Khmer */
    {0x1950, 0x19ff},   /* Tai Le, New Tai Lue, Khmer symbols */
    {0x1a20, 0x1b7f},   /* Tai Tham, Balinese */
    {0x2e80, 0x2fff},   /* radicals */
    {0x3001, 0x312f},   /* punctuation, Hiragana, Katakana, Bopomofo */
    {0x31a0, 0x4dbf},   /* more of them; Han */
    {0x4e00, 0xa4cf},   /* Han, Yi */
    {0xa980, 0xa9ff},   /* Javanese, Burmese */
    {0xaa60, 0xaadf},   /* Burmese, Tai Viet */
    {0xf900, 0xfaff},   /* Han */
    {0xfe30, 0xfe4f},   /* punctuation of vertical text */
    {0xff01, 0xff9f},   /* full and half width */
    {0x1aff0, 0x1b16f}, /* Kana */
    {0x20000, 0x3ffff}, /* Han */
};

bool script_is_unspaced(int32_t code)
{
    for (size_t i = 0; i < sizeof(unspaced) / sizeof(*unspaced); i++)
        if (code >= unspaced[i].first && code <= unspaced[i].last)
            return true;
    return false;
}

/* The first or last code point of a text without zero-width spaces; -1: none. */
static int32_t edge_code(const char *text, bool last)
{
    const char *p = text, *end = text + strlen(text);
    int32_t found = -1;

    while (p < end && (last || found < 0)) {
        int32_t code = utf8_next(&p, end);

        if (code != 0x200b && code >= 0)
            found = code;
    }
    return found;
}

const char *wording_join(const struct wording *w, const char *prompt, const char *answer)
{
    size_t n = strlen(prompt);

    if (w->join == JOIN_NONE)
        return "";
    if (w->join != JOIN_AUTO)
        return " ";
    if (w->form == ASK_CHAT) /* the answer begins a turn, usually on a new line */
        return n && strchr(" \n\t", prompt[n - 1]) ? "" : " ";
    return script_is_unspaced(edge_code(prompt, true)) &&
                   script_is_unspaced(edge_code(answer, false))
               ? ""
               : " ";
}
