/* The fact at hand: how another one is taken, and what it must have to be edited (requests.h). */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/relations.h"
#include "views/job_rules.h"
#include "views/requests.h"

void ui_set_fact(struct host *host, const struct fact *fact)
{
    struct ui_state *d = host->ui;
    const struct stamp was = ui_stamp_now(d);
    struct buf note = {0};
    bool previewing;

    if (fact != &d->fact) {
        fact_free(&d->fact);
        d->fact = fact_copy(fact);
        fact_trimmed_say(fact, 1, &note);
    }
    previewing = jobs_drop_other_facts(host, &was);
    if (note.len)
        host->message(host, TONE_WARN, "%s", note.data);
    buf_free(&note);
    ui_match(d);
    ui_forget_intervention_answers(d);
    if (previewing || (d->state.preview && stamp_differs(&was, &d->now.stamp, PREVIEW_PARTS)))
        request_simple(host, CMD_DISCARD, 0);
    if (d->ready)
        request_prompt_info(host, &d->fact);
    request_recall(host);
}

bool ui_set_fact_typed(struct host *host, const char *text)
{
    struct fact fact = {0};
    struct err err = {0};

    if (!is_fact_line(text)) {
        host->message(host, TONE_ERROR,
                      "fact: SUBJECT | PROMPT | OBJECT, such as fact Eiffel Tower | "
                      "The {} is in the city of | Rome; or a relation instead of the prompt: "
                      "fact Eiffel Tower | location | Rome; the old object may follow: | Paris");
        return false;
    }
    if (fact_from_line(&fact, text, host->ui->relations,
                       (unsigned long)host->ui->params.value[P_SEED], &err))
        ui_set_fact(host, &fact);
    else
        host->message(host, TONE_ERROR, "fact: %s", err.text);
    fact_free(&fact);
    return !err.kind;
}

void ui_name_old_object(struct host *host, const char *text)
{
    struct fact fact;
    struct err err = {0};

    if (!host->ui->fact.subject) {
        host->message(host, TONE_WARN, "no fact yet: {fact} types one");
        return;
    }
    fact = fact_copy(&host->ui->fact);
    free(fact.old);
    fact.old = xstrdup(text);
    if (fact_normalise(&fact, &err) && fact_old_is_other(&fact, &err)) {
        ui_set_fact(host, &fact);
        host->message(host, TONE_PLAIN, "the old object is %s", host->ui->fact.old);
    } else {
        host->message(host, TONE_ERROR, "old: %s", err.text);
    }
    fact_free(&fact);
}

bool request_has_fact(struct host *host)
{
    if (!host->ui->ready)
        host->message(host, TONE_WARN, "the model is still being loaded");
    else if (!host->ui->fact.subject)
        host->message(host, TONE_WARN, "no fact yet: {fact} types one");
    else
        return true;
    return false;
}

/* Says how to name the old object, and returns false, if the method edits by it and the fact has
 * none. */
static bool names_what_is_needed(struct host *host)
{
    const struct editor_ops *editor = editor_of(&host->ui->params);

    if (host->ui->fact.old || !(editor->needs & NEEDS_OLD))
        return true;
    host->message(host, TONE_ERROR,
                  host->ui->without_keys
                      ? "%s needs the old object: old TEXT, or fact with a fourth part"
                      : "%s needs the old object: :old TEXT, or {fact} and the field old",
                  editor->title);
    return false;
}

bool request_has_usable_fact(struct host *host)
{
    const struct ui_state *d = host->ui;
    const struct prompt_info *look = d->prompt_info;

    if (!request_has_fact(host))
        return false;
    if (look && *look->problem &&
        !(ui_differs(d, look) & (STAMP_FACT | STAMP_OBJECT | STAMP_OLD))) {
        host->message(host, TONE_ERROR, "this fact cannot be edited: %s ({fact} edits it)",
                      look->problem);
        return false;
    }
    return names_what_is_needed(host);
}
