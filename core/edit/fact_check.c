/* Checks and normalises a fact: no blanks around texts, one place for the subject in the prompt,
 * the subject filled in in probes. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/fact.h"
#include "core/edit/unicode_match.h"

/* How long the placeholder at `at` is: {}, { }, {subject} and {0} as Python's format() has them,
 * ParaRel's [X]. 0: there is none. */
static size_t hole_length(const char *at)
{
    static const char *const names[] = {"subject", "0"};
    size_t n;

    if (!strncmp(at, "[X]", 3))
        return 3;
    if (*at != '{')
        return 0;
    n = 1 + strspn(at + 1, " \t");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strncasecmp(at + n, names[i], strlen(names[i]))) {
            n += strlen(names[i]);
            break;
        }
    n += strspn(at + n, " \t");
    return at[n] == '}' ? n + 1 : 0;
}

bool has_hole(const char *text)
{
    for (; *text; text++)
        if (hole_length(text))
            return true;
    return false;
}

/* The text with every placeholder replaced by `by`. Caller frees. */
static char *with_holes_as(const char *text, const char *by)
{
    struct buf out = {0};

    while (*text) {
        size_t n = hole_length(text);

        if (n)
            buf_puts(&out, by);
        else
            buf_add(&out, text, 1);
        text += n ? n : 1;
    }
    return buf_take(&out);
}

static int count_of(const char *text, const char *piece)
{
    int count = 0;

    for (const char *at = strstr(text, piece); at; at = strstr(at + 1, piece))
        count++;
    return count;
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The first place where the subject stands in the text, and how many there are. `whole`: as a word
 * of its own. */
static const char *place_of(const char *text, const char *subject, bool whole, int *places)
{
    const char *first = NULL;
    size_t n = strlen(subject);

    *places = 0;
    for (const char *at = strstr(text, subject); at; at = strstr(at + 1, subject)) {
        bool begins = at == text || !is_word_byte(at[-1]) || !is_word_byte(*at);
        bool ends = !is_word_byte(at[n]) || !is_word_byte(at[n - 1]);

        if (whole && !(begins && ends))
            continue;
        first = first ? first : at;
        ++*places;
    }
    return first;
}

/* Whether the text contains the subject; a subject of a single letter is not looked for. */
static bool holds_in_full(const char *text, const char *subject)
{
    int places;

    return strlen(subject) > 1 && place_of(text, subject, true, &places);
}

/* Checks UTF-8 and removes blanks around the text; an empty text becomes NULL. */
static bool text_settle(struct fact *fact, const char *name, char **text, unsigned bit,
                        struct err *err)
{
    const char *at = *text;
    size_t n = at ? strlen(at) : 0, left, bad;

    if (at && !utf8_valid(at, n, &bad))
        return err_set(err, ERR_USAGE, "the %s is not UTF-8 from byte %zu on", name, bad + 1);
    left = n ? utf8_trim(&at, n) : 0;
    if (left && left < n) {
        fact->trimmed |= bit;
        memmove(*text, at, left);
        (*text)[left] = '\0';
    } else if (!left) {
        free(*text);
        *text = NULL;
    }
    return true;
}

static bool needed_settle(struct fact *fact, const char *name, char **text, unsigned bit,
                          struct err *err)
{
    return text_settle(fact, name, text, bit, err) &&
           (*text || err_set(err, ERR_USAGE, "the %s is empty: give one", name));
}

/* Refuses a placeholder in a text that is not a template. */
static bool no_hole(const char *name, const char *text, struct err *err)
{
    for (const char *at = text ? text : ""; *at; at++)
        if (*at == '{' && hole_length(at))
            return err_set(err, ERR_USAGE,
                           "the %s '%.80s' holds {}, which stands for the subject in a prompt: "
                           "write it out",
                           name, text);
    return true;
}

/* ParaRel's "[X] was born in [Y] .": a prompt ends where the object goes. */
static bool cut_object(const char *name, char *text, struct err *err)
{
    char *object = strstr(text, "[X]") ? strstr(text, "[Y]") : NULL;

    if (!object)
        return true;
    if (object[3 + strspn(object + 3, " .?!\"'")])
        return err_set(err, ERR_USAGE,
                       "the %s '%.80s' continues after [Y], the object: end it there", name, text);
    while (object > text && strchr(" \t", object[-1]))
        object--;
    *object = '\0';
    return true;
}

/* Writes every placeholder as {}; how many there are. */
static int holes_settle(char **text)
{
    char *settled = with_holes_as(*text, "{}");

    free(*text);
    *text = settled;
    return count_of(settled, "{}");
}

bool template_of(char **text)
{
    return cut_object("template", *text, NULL) && holes_settle(text) == 1;
}

/* Makes the text a template, with one {} where the subject goes. `needed`: it is the prompt, in
 * which the subject may be part of a word. */
static bool template_settle(const struct fact *fact, const char *name, char **text, bool needed,
                            struct err *err)
{
    const char *at;
    char *settled;
    int places;

    if (!cut_object(name, *text, err))
        return false;
    places = holes_settle(text);
    settled = *text;
    if (places > 1)
        return err_set(err, ERR_USAGE, "the %s '%.80s' has {} in %d places: keep one", name,
                       settled, places);
    if (places && holds_in_full(settled, fact->subject))
        return err_set(err, ERR_USAGE,
                       "the %s '%.80s' holds the subject '%.60s' and a {} for it: keep one", name,
                       settled, fact->subject);
    if (places)
        return true;
    at = place_of(settled, fact->subject, true, &places);
    if (!places && needed) /* as part of a word, or in a script without blanks */
        at = place_of(settled, fact->subject, false, &places);
    if (places != 1 && !needed)
        return err_set(err, ERR_USAGE, "the %s '%.80s' needs one {} for the subject", name,
                       settled);
    if (!places) {
        err_set(err, ERR_USAGE,
                "the %s '%.80s' has neither {} nor the subject '%.60s': put {} where it goes", name,
                settled, fact->subject);
        return subject_explain(fact, err);
    }
    if (places > 1)
        return err_set(
            err, ERR_USAGE,
            "the %s '%.80s' holds the subject '%.60s' in %d places: put {} where it goes", name,
            settled, fact->subject, places);
    *text = xasprintf("%.*s{}%s", (int)(at - settled), settled, at + strlen(fact->subject));
    free(settled);
    return true;
}

/* Fills in the subject of a probe that is a template. */
static bool probe_fill(const struct fact *fact, const char *name, char **text, struct err *err)
{
    char *filled;

    if (!*text || !has_hole(*text))
        return true;
    if (holds_in_full(*text, fact->subject))
        return err_set(err, ERR_USAGE,
                       "the %s '%.80s' holds the subject '%.60s' and a {} for it: keep one", name,
                       *text, fact->subject);
    if (!cut_object(name, *text, err))
        return false;
    filled = with_holes_as(*text, fact->subject);
    free(*text);
    *text = filled;
    return !has_hole(filled) ||
           err_set(err, ERR_USAGE, "the %s '%.80s' still holds {} with the subject filled in", name,
                   filled);
}

/* Blank answers and those that are equal without their blanks go. */
static bool answers_settle(struct fact *fact, const char *name, struct probe *probe,
                           struct err *err)
{
    char **also = probe->also;
    int count = probe->alsos;
    bool ok = text_settle(fact, name, &probe->answer, TRIMMED_PROBES, err);

    probe->also = NULL;
    probe->alsos = 0;
    for (int i = 0; i < count; i++) {
        ok = ok && text_settle(fact, name, &also[i], TRIMMED_PROBES, err);
        if (also[i])
            probe_add_answer(probe, also[i]);
        free(also[i]);
    }
    free(also);
    return ok;
}

static bool probes_settle(struct fact *fact, const char *name, struct probe *probes, int count,
                          struct err *err)
{
    for (int i = 0; i < count; i++)
        if (!needed_settle(fact, name, &probes[i].prompt, TRIMMED_PROBES, err) ||
            !answers_settle(fact, name, &probes[i], err) ||
            !probe_fill(fact, name, &probes[i].prompt, err))
            return false;
    return true;
}

static bool paraphrases_settle(struct fact *fact, struct err *err)
{
    for (int i = 0; i < fact->paraphrases; i++)
        if (!needed_settle(fact, "paraphrase", &fact->paraphrase[i], TRIMMED_PROBES, err) ||
            !template_settle(fact, "paraphrase", &fact->paraphrase[i], false, err))
            return false;
    return true;
}

static bool rephrases_settle(struct fact *fact, struct err *err)
{
    for (int i = 0; i < fact->mores; i++)
        if (!needed_settle(fact, "rephrase", &fact->more[i], TRIMMED_PROBES, err) ||
            !probe_fill(fact, "rephrase", &fact->more[i], err))
            return false;
    return probe_fill(fact, "rephrase", &fact->rephrase, err);
}

bool fact_normalise(struct fact *fact, struct err *err)
{
    if (!needed_settle(fact, "subject", &fact->subject, TRIMMED_SUBJECT, err) ||
        !needed_settle(fact, "prompt", &fact->prompt, TRIMMED_PROMPT, err) ||
        !needed_settle(fact, "new object", &fact->target, TRIMMED_TARGET, err) ||
        !text_settle(fact, "old object", &fact->old, TRIMMED_OLD, err) ||
        !text_settle(fact, "rephrase", &fact->rephrase, TRIMMED_PROBES, err) ||
        !text_settle(fact, "question", &fact->question, TRIMMED_PROBES, err) ||
        !text_settle(fact, "relation", &fact->relation, 0, err))
        return false;
    if (has_hole(fact->subject))
        return err_set(err, ERR_USAGE,
                       "the subject '%.80s' holds a placeholder, which would stand for itself: "
                       "write it out",
                       fact->subject);
    if (!has_hole(fact->prompt))
        subject_take_form(fact);
    return no_hole("new object", fact->target, err) && no_hole("old object", fact->old, err) &&
           template_settle(fact, "prompt", &fact->prompt, true, err) &&
           paraphrases_settle(fact, err) && rephrases_settle(fact, err) &&
           probe_fill(fact, "question", &fact->question, err) &&
           probes_settle(fact, "locality probe", fact->locality, fact->localities, err) &&
           probes_settle(fact, "portability probe", fact->portability, fact->portabilities, err);
}

bool fact_old_is_other(const struct fact *fact, struct err *err)
{
    return !fact->old || strcmp(fact->old, fact->target) != 0 ||
           err_set(err, ERR_USAGE,
                   "the old object '%.80s' is the new one too: name another, or none", fact->old);
}

void fact_trimmed_say(const struct fact *facts, int count, struct buf *out)
{
    static const char *const names[] = {"the subject", "the prompt", "the target", "the old object",
                                        "probes"};
    unsigned all = 0;
    int touched = 0, first = 0;

    for (int i = count; i-- > 0;)
        if (facts[i].trimmed) {
            all |= facts[i].trimmed;
            touched++;
            first = facts[i].record;
        }
    if (!touched)
        return;
    if (touched > 1)
        buf_printf(out, "%d records, the first is record %d: ", touched, first);
    else if (first)
        buf_printf(out, "record %d: ", first);
    buf_puts(out, "blanks around ");
    for (unsigned i = 0, said = 0; i < sizeof(names) / sizeof(*names); i++)
        if (all & 1U << i) {
            unsigned rest = all >> (i + 1);

            buf_printf(out, "%s%s", !said ? "" : rest ? ", " : " and ", names[i]);
            said++;
        }
    buf_puts(out, " were taken off");
}
