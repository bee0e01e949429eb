/* From keys to commands.
 *
 * What happens between the key `x` and the first score on the screen:
 *
 *   1. term_key() reads the key; app_key() (shell/app_keys.c) offers it to the command line, an
 *      open dialog, and text fields.
 *   2. keymap_action() finds the action: ACTION_ATTRIBUTE.
 *   3. The view shown may handle it. It does not, so actions.h names the handler: do_attribute().
 *   4. request_attribute(), here, builds a struct command: the kind CMD_ATTRIBUTE, a copy of the
 *      fact, the parameters at hand, the mask overrides.
 *   5. host->post() refuses it (read-only session, queue full) or puts it on the bus and returns
 *      the job's number; ui_add_job() notes it, so that the footer shows "scoring" and Ctrl-C can
 *      cancel it.
 *   6. The engine thread takes the command and runs job_attribute() (core/engine/).
 *   7. Each layer comes back as an event EV_LAYER. ui_event() stores the scores and builds the
 *      layer's mask; the next frame shows them. EV_DONE or EV_FAILED ends the job.
 *
 * A command owns what it points to and hands it over, so everything is copied here: the user may
 * type another fact while the engine works on this one.
 *
 * What can be done without the engine is done at once and posts nothing: moving, sorting,
 * filtering, and every parameter that only changes the mask. */
#include "views/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/fact_status.h"
#include "core/edit/relations.h"
#include "tui/text.h"
#include "views/job_rules.h"
#include "views/knobs.h"
#include "views/tried_on.h"

enum { SPARE_NEIGHBOURS = 40 };

/* An allocated copy, for a command. */
static struct fact *fact_copy_new(const struct fact *fact)
{
    struct fact *out = xcalloc(1, sizeof(*out));

    *out = fact_copy(fact);
    return out;
}

unsigned request_prompt_info(struct host *host, const struct fact *fact)
{
    struct command cmd = {.kind = CMD_INSPECT, .facts = fact_copy_new(fact), .count = 1};

    cmd.params = host->ui->params;
    cmd.top = 8;
    return host->post(host, &cmd);
}

bool confirm_undo_typed(struct host *host, const char *text)
{
    char *end;
    long edit;

    errno = 0;
    edit = strtol(text, &end, 10);
    if (*text && (*end || errno || edit < 1 || edit > EDIT_NUMBER_MAX)) {
        host->message(host, TONE_ERROR, "undo: '%s' is not the number of an edit", text);
        return false;
    }
    confirm_undo(host, *text ? (int)edit : 0);
    return true;
}

bool ui_set_param(struct host *host, const char *assignment)
{
    struct err err = {0};

    if (!params_assign(&host->ui->params, assignment, FROM_COMMAND_LINE, &err)) {
        host->message(host, TONE_ERROR, "set: %s", err.text);
        return false;
    }
    host->params_changed(host);
    host->message(host, TONE_PLAIN, "%s", assignment);
    return true;
}

/* Copies the user's mask overrides into the command. */
static void add_mask_overrides(const struct ui_state *d, struct command *cmd)
{
    size_t n = (size_t)d->mask_override_count * sizeof(*d->mask_override);

    cmd->mask_override_count = d->mask_override_count;
    cmd->mask_overrides = n ? memcpy(xmalloc(n), d->mask_override, n) : NULL;
}

/* Fills *cmd with what every command about the fact at hand needs. false: a message said why not.
 * `draft` allows second moments of fewer tokens than asked for; screen and journal say so. */
static bool fact_command(struct host *host, enum command_kind kind, struct command *cmd)
{
    if (!request_has_fact(host))
        return false;
    *cmd = (struct command){.kind = kind, .facts = fact_copy_new(&host->ui->fact), .count = 1};
    cmd->params = host->ui->params;
    cmd->draft = true;
    add_mask_overrides(host->ui, cmd);
    return true;
}

/* Posts one command for the edited layers, or with `others` one for the rest of the map, unless it
 * is under way. `curves`: so that the amplification can be moved at once; an edit does not need
 * them. False: refused. */
static bool post_scores(struct host *host, bool others, bool curves)
{
    struct command cmd;

    if (job_is_under_way(host, CMD_ATTRIBUTE, others ? RANK_IDLE : RANK_WANTED,
                         STAMP_SCORES | STAMP_STATE))
        return true;
    if (!fact_command(host, CMD_ATTRIBUTE, &cmd))
        return false;
    cmd.all_layers = cmd.idle = others;
    cmd.curves = curves;
    return host->post(host, &cmd) != 0;
}

void request_edited_scores(struct host *host)
{
    if (request_has_fact(host) && post_scores(host, false, true))
        host->ui->attributing = true;
}

void request_attribute(struct host *host)
{
    const struct ui_state *d = host->ui;
    int others = d->layers;
    char range[48];

    for (int l = 0; l < d->layers; l++)
        others -= ui_edits_layer(d, l);
    if (!request_has_fact(host) || !post_scores(host, false, !others))
        return;
    host->ui->attributing = true;
    if (others && post_scores(host, true, true))
        host->message(
            host, TONE_PLAIN,
            "scoring %s, then the other %d layers while nothing else is asked; {jobs} lists "
            "the jobs",
            ui_edited_range(d, range), others);
}

void request_scores_again(struct host *host)
{
    const struct ui_state *d = host->ui;
    bool others = job_of_fact(d, CMD_ATTRIBUTE, RANK_IDLE) != NULL;

    for (int l = 0; l < d->layers; l++)
        others |= d->layer[l].score && !ui_edits_layer(d, l) &&
                  !(d->layer[l].differs & (STAMP_FACT | STAMP_STATE));
    if (others)
        request_attribute(host);
    else
        request_edited_scores(host);
}

void request_probe(struct host *host, const struct fact *fact, unsigned *job)
{
    struct command cmd = {.kind = CMD_PROBE, .params = host->ui->params, .count = 1};
    unsigned posted;

    if (!fact->subject || !host->ui->ready)
        return;
    cmd.facts = fact_copy_new(fact);
    posted = host->post(host, &cmd);
    if (job)
        *job = posted;
}

/* Other neighbours of the fact's relation, from its own on, for the case that the base knows none
 * of its own. */
static void add_spare_neighbours(const struct ui_state *d, struct command *cmd)
{
    int own = cmd->facts[0].localities;

    if (d->relations)
        relations_add_neighbours(d->relations, &cmd->facts[0], SPARE_NEIGHBOURS,
                                 (unsigned long)cmd->params.value[P_SEED]);
    if (cmd->facts[0].localities > own)
        cmd->top = own ? own : -1;
}

void request_verdict(struct host *host)
{
    struct ui_state *d = host->ui;
    struct ui_verdict *v = &d->verdict;
    struct command cmd = {.kind = CMD_PROBE, .params = d->params, .count = 1};

    if (!ui_verdict(d) || !d->fact.subject ||
        (v->probes && v->overwritten && (v->sides || !v->recalled)) ||
        ui_job_kind(d, v->probe_job) || commit_will_ask(d))
        return;
    cmd.edit = v->report->edit;
    if (v->recalled) { /* its answers are old, too; it is judged as at its commit */
        cmd.sides = true;
        cmd.params = v->params;
    } else {
        cmd.expect = xstrdup(v->report->checksum);
    }
    cmd.facts = fact_copy_new(&d->fact);
    add_spare_neighbours(d, &cmd);
    v->probe_job = host->post(host, &cmd);
    v->probes_follow = false;
}

void request_recall(struct host *host)
{
    struct ui_state *d = host->ui;
    struct command cmd = {.kind = CMD_RECALL};
    struct fact_edits edits = {0};

    if (d->fact.subject && !ui_verdict(d) && !ui_job_kind(d, d->recall_job))
        edits = history_of_fact(d->history, &d->fact);
    cmd.edit = edits.same ? edits.last : 0;
    if (cmd.edit)
        d->recall_job = host->post(host, &cmd);
}

void request_estimate(struct host *host)
{
    const struct ui_state *d = host->ui;
    struct command cmd;

    for (int l = 0; l < d->layers; l++)
        if (ui_edits_layer(d, l) && (!d->layer[l].score || d->layer[l].differs))
            return;
    if (d->scored_layers && !d->approximate && fact_command(host, CMD_ESTIMATE, &cmd))
        host->post(host, &cmd);
}

void request_preview(struct host *host)
{
    struct command cmd;

    if (!request_has_usable_fact(host))
        return;
    if (job_is_under_way(host, CMD_PREVIEW, RANK_WANTED, STAMP_EDIT | STAMP_STATE)) {
        host->message(host, TONE_WARN, "this preview is under way: {jobs} lists the jobs");
        return;
    }
    if (!fact_command(host, CMD_PREVIEW, &cmd))
        return;
    host->ui->steps = 0;
    host->post(host, &cmd);
}

unsigned request_lens(struct host *host, unsigned states)
{
    struct command cmd;

    if (!fact_command(host, CMD_LENS, &cmd))
        return 0;
    cmd.states = states;
    return host->post(host, &cmd);
}

void request_trace(struct host *host)
{
    struct command cmd;

    if (!job_is_under_way(host, CMD_TRACE, RANK_YIELDS, STAMP_STATE) &&
        fact_command(host, CMD_TRACE, &cmd))
        host->post(host, &cmd);
}

void ui_add_interventions(const struct ui_state *d, struct command *cmd)
{
    size_t n = (size_t)d->intervention_count * sizeof(*d->intervention);

    cmd->intervention_count = d->intervention_count;
    cmd->interventions = n ? memcpy(xmalloc(n), d->intervention, n) : NULL;
}

/* Whether a job will have changed the state before the next one is run. */
static bool write_waits(const struct ui_state *d)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && (command_traits[d->job[i].kind].flags & WRITES) && *d->state.state)
            return true;
    return false;
}

unsigned request_variants(struct host *host, const struct params *variant, int count,
                          const struct tried_state *on, int done)
{
    struct command cmd;

    if (!fact_command(host, CMD_VARIANTS, &cmd))
        return 0;
    cmd.variants = xmalloc((size_t)count * sizeof(*cmd.variants));
    memcpy(cmd.variants, variant, (size_t)count * sizeof(*cmd.variants));
    cmd.variant_count = count;
    cmd.resume.done = done;
    cmd.expect = done && *on->name ? xstrdup(on->name) : NULL;
    if (on->on != TRIED_NOW ||
        write_waits(host->ui)) { /* else the engine takes the present state */
        cmd.edit = on->last;
        cmd.states = on->last ? 0 : STATE_BASE;
    }
    return host->post(host, &cmd);
}

void request_simple(struct host *host, enum command_kind kind, int edit)
{
    struct command cmd = {.kind = kind, .edit = edit};

    cmd.params = host->ui->params;
    host->post(host, &cmd);
}

/* Asks one state: the state after `edit`, or if that is 0 the bit in `states`. */
static void query_state(struct host *host, const char *text, unsigned states, int edit,
                        bool changed)
{
    struct command cmd = {.kind = CMD_QUERY, .text = xstrdup(text), .edit = edit, .top = 12};
    const struct ui_state *d = host->ui;

    cmd.params = d->params;
    cmd.states = states;
    cmd.tokens = d->query.tokens;
    cmd.temperature = d->query.sample;
    cmd.chat = d->query.chat;
    if (changed)
        ui_add_interventions(d, &cmd);
    host->post(host, &cmd);
}

/* Asks both states of the pair, or only those that have no answer yet. A sampled answer is never
 * reused. */
static void query_states(struct host *host, bool missing)
{
    const struct ui_state *d = host->ui;
    struct answer_pair pair = ui_answer_pair(d);

    missing &= d->query.sample <= 0;
    if (!missing || !pair.before || pair.before->partial || ui_differs(d, pair.before))
        query_state(host, d->query.prompt, STATE_BASE, 0, false);
    if (pair.two && (!missing || !pair.after || pair.after->partial || ui_differs(d, pair.after)))
        query_state(host, d->query.prompt, pair.edit ? 0 : pair.state, pair.edit, pair.changed);
}

void request_query(struct host *host, const char *text, int edit)
{
    struct query_options *how = &host->ui->query;
    char *prompt = xstrdup(text);

    free(how->prompt); /* `text` may be it */
    how->prompt = prompt;
    how->state = edit ? edit : how->state;
    query_states(host, false);
}

void request_missing_answers(struct host *host)
{
    if (host->ui->query.prompt)
        query_states(host, true);
}

int ui_last_edit_of_fact(const struct ui_state *d, const struct fact *fact,
                         const struct history_fact **last)
{
    struct fact_edits edits = history_of_fact(d->history, fact);

    *last = edits.fact;
    return edits.last;
}

bool request_commits_already(struct host *host)
{
    struct ui_job *card = job_of_fact(host->ui, CMD_COMMIT, RANK_WANTED);

    if (card)
        host->message(host, TONE_WARN,
                      "this fact is being committed already%s%s: {jobs} lists the jobs",
                      *card->note ? ", " : "", card->note);
    return card != NULL;
}

/* The card tells when the user chose it, since it may take a while. */
void request_commit(struct host *host)
{
    time_t now = time(NULL);
    struct tm at;
    struct ui_job *card, *probes;
    struct command cmd;

    if (request_commits_already(host) || !fact_command(host, CMD_COMMIT, &cmd))
        return;
    host->ui->steps = 0;
    probes = ui_job_card(host->ui, host->ui->verdict.probe_job);
    card = ui_job_card(host->ui, host->post(host, &cmd));
    if (card && probes) /* of the preview: the commit asks the same */
        job_drop(host, probes);
    if (card && localtime_r(&now, &at))
        strftime(card->note, sizeof(card->note), "you said yes %H:%M", &at);
}

unsigned request_replacing(struct host *host, struct command *cmd)
{
    const struct command_traits *traits = &command_traits[cmd->kind];
    bool refused = (traits->flags & WRITES) && host->ui->state.readonly;
    bool dropped = !refused && jobs_drop_previews(host);
    unsigned job = host->post(host, cmd);
    struct ui_job *card = ui_job_card(host->ui, job);

    if (dropped && card) {
        snprintf(card->note, sizeof(card->note), "the preview is dropped");
        host->message_of_job(host, job, "%s: the preview is dropped, {preview} makes it again",
                             traits->busy);
    }
    return job;
}

void request_apply(struct host *host, const char *path, bool force)
{
    const struct ui_state *d = host->ui;
    struct err err = {0};

    if (!d->recorded && !d->state.readonly && !engine_is_delta(path, &err))
        host->message(host, TONE_ERROR, "apply: %s", err.text);
    else
        request_replacing(
            host, &(struct command){.kind = CMD_APPLY, .text = xstrdup(path), .force = force});
}

void request_toggle(struct host *host, enum command_kind kind, int edit)
{
    struct ui_job *probes = ui_job_card(host->ui, host->ui->verdict.probe_job);

    if (probes) /* of a state that goes */
        job_drop(host, probes);
    request_replacing(host, &(struct command){.kind = kind, .edit = edit});
}

/* The user chose Undo. */
static void undo_confirmed(struct host *host, const struct question *question)
{
    request_toggle(host, CMD_UNDO, question->number);
}

/* Says that the edit which "undo" means is not written yet. False: none is being written. */
static bool commit_say(struct host *host)
{
    const struct ui_state *d = host->ui;

    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && d->job[i].kind == CMD_COMMIT && !d->job[i].stopping) {
            host->message(host, TONE_WARN,
                          "an edit is still being written ({jobs} shows the job): {undo} undoes it "
                          "once it is there");
            return true;
        }
    return false;
}

void confirm_undo(struct host *host, int edit)
{
    const struct ui_state *d = host->ui;
    struct question q = {.yes = "Undo", .confirmed = undo_confirmed, .number = edit};
    const struct history_entry *entry = NULL;
    bool undone = false;
    int active = 0;
    char *words;

    if (!edit && !d->state.readonly && commit_say(host))
        return;
    if (!d->state.can_undo) {
        host->message(host, TONE_WARN,
                      d->state.readonly ? "read-only: nothing can be undone here"
                                        : "there is no edit to undo");
        return;
    }
    for (int i = 0; d->history && i < d->history->count; i++) {
        active += d->history->entry[i].active;
        undone |= !d->history->entry[i].active && d->history->entry[i].edit == edit;
        if (d->history->entry[i].active && (!edit || d->history->entry[i].edit == edit))
            entry = &d->history->entry[i];
    }
    if (edit && !entry && active == d->state.edits) { /* and the history is the present one */
        host->message(host, TONE_WARN, undone ? "edit %d is undone already" : "no active edit %d",
                      edit);
        return;
    }
    if (entry)
        q.number = entry->edit; /* a commit must not change what "y" undoes */
    if (q.number)
        snprintf(q.title, sizeof(q.title), "Undo edit %d?", q.number);
    else
        snprintf(q.title, sizeof(q.title), "Undo the last edit?");
    words = entry ? history_words(entry, ": ") : xstrdup("");
    if (entry && entry->facts > 1)
        show_print(q.text, sizeof(q.text),
                   "%.240s\nAll %d facts are undone.\nThe weights are restored bit for bit.", words,
                   entry->facts);
    else
        show_print(q.text, sizeof(q.text), "%.240s\nThe weights are restored bit for bit.", words);
    free(words);
    host->confirm(host, &q);
}

void ui_move_layer(struct ui_state *d, int by)
{
    d->at_layer += by;
    d->at_layer = d->at_layer >= d->layers ? d->layers - 1 : d->at_layer;
    d->at_layer = d->at_layer < 0 ? 0 : d->at_layer;
}

void ui_move_neuron(struct ui_state *d, int by)
{
    d->at_neuron += by;
    d->at_neuron = d->at_neuron >= d->model.neurons ? d->model.neurons - 1 : d->at_neuron;
    d->at_neuron = d->at_neuron < 0 ? 0 : d->at_neuron;
}

bool ui_go_to_neuron(struct ui_state *d, const char *address)
{
    const char *p = address + strspn(address, " Ll");
    char *end;
    long layer = strtol(p, &end, 10), neuron = d->at_neuron;

    if (end == p || layer < 0 || layer >= d->layers)
        return false;
    p = end + strspn(end, " NnDd,");
    if (*p) {
        neuron = strtol(p, &end, 10);
        if (end == p || *end || neuron < 0 || neuron >= d->model.neurons)
            return false;
    }
    d->at_layer = (int)layer;
    d->at_neuron = (int)neuron;
    return true;
}
