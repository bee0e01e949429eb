/* What `editscope log --edit N` prints beside the edit's row: its parameters, how its masks were
 * chosen, the numbers of each layer, the answers before and after. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/std.h"
#include "core/edit/editors/editors.h"
#include "tui/text.h"
#include "views/cli/cli.h"

/* ---- JSON ---- */

static json_t *number_or_null(double value)
{
    return isnan(value) ? json_null() : cli_real(value);
}

/* {"name": value, ...} of the parameters that are not at their default. */
static json_t *changed_json(const struct recalled_edit *x)
{
    json_t *all = x->parameters ? json_loads(x->parameters, 0, NULL) : NULL, *o = json_object();
    const struct params p = edit_params(x->parameters);
    struct buf text = {0};

    params_show_changed(&p, AFFECTS_EDIT, &text);
    for (const char *at = text.data ? text.data : ""; *at;
         at += strcspn(at, ";"), at += *at == ';') {
        char name[64];
        json_t *value;

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "=;"), at);
        value = json_object_get(all, name);
        if (value)
            json_object_set(o, name, value);
    }
    buf_free(&text);
    json_decref(all);
    return o;
}

static json_t *forced_json(const struct recalled_edit *x)
{
    json_t *list = json_array();

    for (int i = 0; i < x->forces; i++) {
        json_t *one = json_object();

        cli_fields(one, &mask_override_fields, &x->force[i], "layer neuron in");
        json_array_append_new(list, one);
    }
    return list;
}

void log_edit_json(json_t *o, const struct recalled_edit *x)
{
    json_t *said = json_object();

    json_object_set_new(o, "made_on", json_string(x->stamp.state));
    json_object_set_new(o, "parameters",
                        x->parameters ? json_loads(x->parameters, 0, NULL) : json_null());
    json_object_set_new(o, "changed", changed_json(x));
    json_object_set_new(o, "forced", forced_json(x));
    cli_fields(o, &recalled_edit_fields, x, "measured");
    record_layers(o, &x->report);
    json_object_set_new(o, "rewrite_acc", number_or_null(x->accuracy));
    json_object_set_new(said, "before", x->said_before ? cli_text(x->said_before) : json_null());
    json_object_set_new(said, "after", x->said_after ? cli_text(x->said_after) : json_null());
    json_object_set_new(o, "said", said);
    cli_fields(o, &recalled_edit_fields, x, "lambda projector");
}

/* ---- text ---- */

/* "name=value;" as lines, those that begin with `prefix` alone (NULL: all). */
static void assignments_text(const char *list, const char *title, const char *prefix)
{
    const char *before = title;

    for (const char *at = list; *at; at += strcspn(at, ";"), at += *at == ';')
        if (!prefix || !strncmp(at, prefix, strlen(prefix))) {
            std_print("%s%.*s", before, (int)strcspn(at, ";"), at);
            before = "; ";
        }
    if (before != title)
        std_puts("");
}

/* A ratio or threshold; "" where there is none. */
static void add_real(struct table *t, double value, bool known)
{
    if (known && !isnan(value))
        table_real(t, value);
    else
        table_text(t, NULL);
}

static void layers_text(const struct edit_report *a)
{
    struct table t = {.name = "layers"};

    table_layout(&t, "layer%5d kept%6d general%7d specific%8d both%6d rho_ge%7.4g rho_sp%7.4g "
                     "gain%9.4g leak%9.3g leak/g^2%9.4g |dW|%9.4g |dW|/|W|%9.4g");
    cli_titles(&t);
    for (int i = 0; i < a->layers; i++) {
        const struct layer_report *l = &a->layer[i];
        bool chosen = l->general || l->specific;

        table_integer(&t, l->layer);
        if (l->kept)
            table_integer(&t, l->kept);
        else
            table_text(&t, NULL);
        for (int k = 0; k < 3; k++)
            if (chosen)
                table_integer(&t, k == 0 ? l->general : k == 1 ? l->specific : l->both);
            else
                table_text(&t, NULL);
        add_real(&t, l->rho_ge, chosen);
        add_real(&t, l->rho_sp, chosen);
        add_real(&t, l->gain_mask, true);
        add_real(&t, l->leak, true);
        add_real(&t, l->leak_ratio, true);
        add_real(&t, l->delta_norm, true);
        add_real(&t, l->delta_norm / l->weight_norm, l->weight_norm > 0);
        cli_row(&t);
    }
    table_free(&t);
}

static void answers_text(const struct recalled_edit *x)
{
    const char *said[2] = {x->said_before, x->said_after};
    char text[240];

    for (int k = 0; k < 2; k++)
        std_print("%s at its commit: %s\n", k ? "after " : "before",
                  said[k] ? text_said(text, sizeof(text), said[k]) : "(not stored)");
}

/* What the edit was made on: the base, the state that an edit of now leaves, or another one. */
static void made_on_text(const struct history *h, const char *state)
{
    if (!*state || !strcmp(h->base_state, state)) {
        std_print(*state ? "made on the base" : "made on a state that is not stored");
        return;
    }
    for (int i = 0; i < h->count; i++)
        if (!strcmp(h->entry[i].state, state)) {
            std_print("made on the state after edit %d", h->entry[i].edit);
            return;
        }
    std_print("made on state %s, which the active edits do not make", state);
}

void log_edit_text(const struct history *h, const struct recalled_edit *x)
{
    const struct params p = edit_params(x->parameters);
    struct buf all = {0};

    answers_text(x);
    made_on_text(h, x->stamp.state);
    if (x->report.moment_tokens)
        std_print(", second moments of %ld tokens%s", x->report.moment_tokens,
                  x->report.draft ? " (draft)" : "");
    std_print("\n");
    if (!x->parameters)
        std_puts("parameters not stored, or not as this version reads them");
    else if (*x->changed)
        assignments_text(x->changed, "parameters off default: ", NULL);
    else
        std_puts("every parameter has its default");
    if (x->parameters && editor_takes_mask(&p)) {
        params_show_all(&p, AFFECTS_MASK, &all);
        assignments_text(all.data ? all.data : "", "mask rule: ", "mask.");
        assignments_text(all.data ? all.data : "", "           ", "select.");
        buf_free(&all);
    }
    for (int i = 0; i < x->forces; i++)
        std_print("forced: L%d N%d %s the mask\n", x->force[i].layer, x->force[i].neuron,
                  x->force[i].in ? "into" : "out of");
    if (!x->measured)
        std_puts("gain, leak and |W| not stored by the version that made it");
    if (x->report.layers)
        layers_text(&x->report);
    if (*x->report.beside)
        std_print("%s%s\n", x->report.layers ? "" : "beside the weights: ", x->report.beside);
}
