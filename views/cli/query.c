/* editscope query: asks the model. For each prompt and state it prints the greedy answer (or a
 * sample) and the most probable next tokens. */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/cli/cli.h"

/* "base", "edited" or "edit:3". */
static const char *state_name(const struct answer *a, char name[32])
{
    utf8_copy(name, 32, a->state == STATE_BASE ? "base" : "edited");
    if (a->edit)
        snprintf(name, 32, "edit:%d", a->edit);
    return name;
}

static void answer_json(const struct answer *a)
{
    json_t *o = cli_event("answer"), *ids = json_array(), *next = json_array();
    char name[32];

    json_object_set_new(o, "state", json_string(state_name(a, name)));
    json_object_set_new(o, "prompt", cli_text(a->prompt));
    if (a->chat && !a->plain)
        json_object_set_new(o, "chat", json_true());
    if (a->plain)
        json_object_set_new(o, "plain", cli_text(a->plain));
    if (a->changed)
        json_object_set_new(o, "changed", json_integer(a->changed));
    json_object_set_new(o, "completion", cli_text(a->completion));
    for (int i = 0; i < a->count; i++)
        json_array_append_new(ids, json_integer(a->ids[i]));
    if (a->route.entries) {
        json_t *route = json_object();

        cli_fields(route, &answer_route_fields, &a->route,
                   "routed kind entry entries layer measure value limit");
        json_object_set_new(o, "route", route);
    }
    json_object_set_new(o, "ids", ids);
    for (int i = 0; i < a->nexts; i++) {
        json_t *w = json_object();

        cli_fields(w, &shown_token_fields, &a->next[i], "id piece=text logit");
        json_object_set_new(w, "logprob", cli_real(log(a->next[i].p)));
        json_array_append_new(next, w);
    }
    json_object_set_new(o, "next", next);
    cli_print(o);
}

static void answer_text(const struct answer *a)
{
    char name[32], route[160];

    std_print("%s\n  %-8s %s\n", a->prompt, state_name(a, name),
              *a->completion ? a->completion : TEXT_SAID_NOTHING);
    if (*answer_route_words(a, route))
        std_print("  %s\n", route);
    if (a->plain)
        std_message("asked as plain text: %s", a->plain);
    for (int i = 0; i < a->nexts; i++)
        std_print("  %8.2f %%  '%s'\n", 100 * a->next[i].p, a->next[i].text);
    std_flush();
}

static void query_on_event(struct cli *c, struct event *ev, void *ctx)
{
    const int *top = ctx;

    if (ev->kind != EV_ANSWER || ev->answer->partial)
        return;
    if (!*top) /* the engine takes 0 as its default */
        ev->answer->nexts = 0;
    if (cli_json(c))
        answer_json(ev->answer);
    else
        answer_text(ev->answer);
}

/* --state into the command: base, edited, both (the default with a session) or edit:N. */
static bool parse_states(const struct cli *c, struct command *cmd, struct err *err)
{
    const char *word = c->value[OPT_STATE];
    char *end = NULL;
    long n = 0;

    if (!word)
        word = cli_has(c, OPT_SESSION) ? "both" : "base";
    if (!strncmp(word, "edit:", 5)) {
        n = strtol(word + 5, &end, 10);
        if (end == word + 5 || *end || n < 1 || n > EDIT_NUMBER_MAX)
            return err_set(err, ERR_USAGE, "--state %s: edit: needs a number, such as edit:3",
                           word);
        cmd->edit = (int)n;
    } else if (!strcmp(word, "base")) {
        cmd->states = STATE_BASE;
    } else if (!strcmp(word, "edited")) {
        cmd->states = STATE_EDITED;
    } else if (!strcmp(word, "both")) {
        cmd->states = STATE_BASE | STATE_EDITED;
    } else {
        return err_set(err, ERR_USAGE, "--state %s: not one of base, edited, both, edit:N", word);
    }
    return (cmd->states == STATE_BASE && !cmd->edit) || cli_has(c, OPT_SESSION) ||
           err_set(err, ERR_USAGE, "--state %s needs a session: -s FILE", word);
}

/* "L5N912=0" sets a neuron's coefficient, "L5N912*2" scales it. */
static bool parse_neuron(const char *text, struct intervention *out, struct err *err)
{
    char *end = NULL;
    long layer = -1, neuron = -1;

    *out = (struct intervention){0};
    if (*text == 'L' && isdigit((unsigned char)text[1]))
        layer = strtol(text + 1, &end, 10);
    if (end && *end == 'N' && isdigit((unsigned char)end[1]))
        neuron = strtol(end + 1, &end, 10);
    if (neuron >= 0 && layer <= INT_MAX && neuron <= INT_MAX && (*end == '=' || *end == '*')) {
        const char *number = end + 1;

        *out = (struct intervention){.layer = (int)layer, .neuron = (int)neuron};
        out->scale = *end == '*';
        out->value = strtof(number, &end);
        if (end != number && !*end && isfinite(out->value))
            return true;
    }
    return err_set(err, ERR_USAGE,
                   "--neuron %.60s: not of the form L5N912=0 (set) or L5N912*2 (scale)", text);
}

/* The prompts: the arguments, where - is all of standard input without its last line break; without
 * arguments, each line of standard input that is not blank. They point into *text or argv. NULL
 * with err. Caller frees *text and the array. */
static const char **read_prompts(const struct cli *c, char **text, int *count, struct err *err)
{
    bool lines = !c->rest_count && !isatty(STDIN_FILENO), used = lines;
    const char **prompt = NULL;
    size_t room = (size_t)c->rest_count;

    for (int i = 0; i < c->rest_count; i++)
        used = used || !strcmp(c->rest[i], "-");
    *text = used ? cli_stdin_text("query", err) : NULL;
    if (used && !*text)
        return NULL;
    for (size_t i = 0; lines && i <= strlen(*text); i += strcspn(*text + i, "\n") + 1)
        room++;
    prompt = xcalloc(room + 1, sizeof(*prompt));
    for (int i = 0; i < c->rest_count; i++)
        prompt[(*count)++] = strcmp(c->rest[i], "-") ? c->rest[i] : *text;
    for (char *line = *text, *end; lines && line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        if (line[strspn(line, " \t")])
            prompt[(*count)++] = line;
    }
    return prompt;
}

/* One CMD_QUERY per prompt, all with the same settings and interventions. */
static bool ask_prompts(struct cli *c, const struct intervention *change, const char *const *prompt,
                        int prompt_count, struct err *err)
{
    struct command base = {.kind = CMD_QUERY,
                           .params = c->params,
                           .chat = params_choice(&c->params, P_PROMPT_FORM) != 0};
    const char *heat = c->value[OPT_SAMPLE];
    char *end = NULL;
    long tokens, top;

    if (!parse_states(c, &base, err) || !cli_number(c, OPT_TOKENS, 1, 4096, 12, &tokens, err) ||
        !cli_number(c, OPT_TOP, 0, 1000, 5, &top, err))
        return false;
    base.temperature = heat ? strtod(heat, &end) : 0;
    if (heat && (end == heat || *end || !(base.temperature >= 0 && base.temperature <= 100)))
        return err_set(err, ERR_USAGE, "--temperature-sample %s: not a number from 0 to 100", heat);
    base.tokens = (int)tokens;
    base.top = (int)top;
    if (!cli_start(c, cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : ONLY_LOOKS, err))
        return false;
    for (int i = 0; i < prompt_count; i++) {
        struct command cmd = base;

        cmd.text = xstrdup(prompt[i]);
        cmd.interventions = xcalloc((size_t)c->neuron_count + 1, sizeof(*change));
        memcpy(cmd.interventions, change, (size_t)c->neuron_count * sizeof(*change));
        cmd.intervention_count = c->neuron_count;
        if (!cli_job(c, &cmd, query_on_event, &base.top, err))
            return false;
        if (!i && (base.states & STATE_EDITED) && !c->state.edits)
            std_message("the session has no active edit, so the edited state equals the base");
    }
    return true;
}

static bool query_run(struct cli *c, struct err *err)
{
    struct intervention *change = xcalloc((size_t)c->neuron_count + 1, sizeof(*change));
    const char **prompt;
    char *text = NULL;
    int count = 0;
    bool ok = true;

    for (int i = 0; ok && i < c->neuron_count; i++)
        ok = parse_neuron(c->neurons[i], &change[i], err);
    prompt = ok ? read_prompts(c, &text, &count, err) : NULL;
    ok = prompt &&
         (count || err_set(err, ERR_USAGE,
                           "query needs a prompt: `editscope query PROMPT`, or one per line on "
                           "standard input")) &&
         ask_prompts(c, change, prompt, count, err);
    free(change);
    free(prompt);
    free(text);
    return ok;
}

const struct cli_ops cli_query = {"query", "[PROMPT...]",
                                  "Ask the model: its answer and next-token probabilities",
                                  FOR_QUERY | FOR_MODEL | FOR_PARAMS, query_run};
