/* Settings: where parameters and files come from.
 *
 * Parameters, later ones win: defaults, the preset of the model, the config file, --official,
 * --set, and options that are short for a parameter (--method, --batch, --seed …). The model: -m,
 * else the one that the session names, else $EDITSCOPE_MODEL, else the default model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/hub.h"
#include "views/cli/cli.h"
#include "views/keymap.h"

enum { CONFIG_MOST = 1 << 20 };

char *cli_sample(const char *name)
{
    static const char *const places[] = {"../samples", "../../samples",
                                         "../share/editscope/samples", "../share/editscope"};
    char self[4096], *slash;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0)
        return NULL;
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char *path = xasprintf("%s/%s/%s", self, places[i], name);

        if (file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool read_params(struct cli *c, const char *path, enum param_source from, struct err *err)
{
    char *text = file_read_text(path, CONFIG_MOST, NULL, err);
    bool ok;

    if (!text)
        return false;
    ok = params_parse(&c->params, text, from, err) || err_in(err, "%s", path);
    free(text);
    return ok;
}

/* --preset: of the model (one, many), paper (none), a name or a file. The model's own preset counts
 * less than the config file; one that the user names counts like an option. */
static bool apply_preset(struct cli *c, struct err *err)
{
    const char *wanted = c->value[OPT_PRESET] ? c->value[OPT_PRESET] : "one";
    bool own;

    if (!strcmp(wanted, "auto")) /* its name in version 0.1.0 */
        wanted = "one";
    own = !strcmp(wanted, "one") || !strcmp(wanted, "many");
    if (!strcmp(wanted, "paper"))
        return true;
    if (own) {
        c->preset = preset_of_model(c->model, wanted);
        if (!c->preset && c->value[OPT_PRESET])
            return err_set(err, ERR_USAGE,
                           "--preset %s: none is for this model; `editscope tune` "
                           "makes one, and paper means the published values",
                           wanted);
    } else if (strchr(wanted, '/') || file_exists(wanted)) {
        c->preset = xstrdup(wanted);
    } else {
        c->preset = preset_by_name(wanted);
        if (!c->preset)
            return err_set(err, ERR_USAGE,
                           "--preset %s: no such preset and no such file; one and many are those "
                           "of the model, paper means the published values",
                           wanted);
    }
    return !c->preset ||
           read_params(c, c->preset, c->value[OPT_PRESET] ? FROM_COMMAND_LINE : FROM_PRESET, err);
}

/* What a config file says, kept apart until all of it has been read without an error. */
struct reading {
    struct cli *c;
    struct params params;
    struct keymap_reading keys;
};

static bool not_yes_or_no(const struct config_line *line, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s = %s: not yes or no", line->name, line->value);
}

/* "theme = light" in a config file means --theme light, unless the command line has the option. */
static bool screen_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct cli *c = ((struct reading *)ctx)->c;
    bool yes = !strcmp(line->value, "yes"), no = !strcmp(line->value, "no");
    bool mouse = !strcmp(line->name, "mouse");

    if (!strcmp(line->name, "background.query")) { /* yes: the terminal may be asked */
        if (yes && !c->value[OPT_BACKGROUND])
            c->value[OPT_BACKGROUND] = "query";
        return yes || no || not_yes_or_no(line, err);
    }
    for (int i = 0; i < OPT_COUNT; i++) {
        const struct option_info *info = &option_infos[i];

        if (!(info->commands & (FOR_SCREEN | FOR_CANVAS)) ||
            strcmp(info->name, mouse ? "no-mouse" : line->name))
            continue;
        if (!*info->arg && !yes && !no)
            return not_yes_or_no(line, err);
        if (*info->arg || (mouse ? no : yes)) {
            free(c->config[i]);
            c->config[i] = xstrdup(*info->arg ? line->value : "");
            if (!c->value[i])
                c->value[i] = c->config[i];
        }
        return true;
    }
    return err_set(err, ERR_USAGE, "[screen] has no setting '%s'", line->name);
}

static bool is_screen_option(const char *name)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if ((option_infos[i].commands & (FOR_SCREEN | FOR_CANVAS)) &&
            !(option_infos[i].commands & FOR_FACT) && /* prefixes are given for a run */
            !strcmp(option_infos[i].name, name))
            return true;
    return !strcmp(name, "mouse") || !strcmp(name, "background.query");
}

/* Before any section: parameters, and settings of the screen too. */
static bool top_line(void *ctx, const struct config_line *line, struct err *err)
{
    return is_screen_option(line->name)
               ? screen_line(ctx, line, err)
               : params_line(&((struct reading *)ctx)->params, line, FROM_CONFIG, err);
}

static bool read_config(struct cli *c, const char *text, struct err *err)
{
    struct reading *r = xmalloc(sizeof(*r));
    bool keys = !c->ops || c->ops == &cli_keys; /* other commands bind no keys */
    const struct config_section sections[] = {
        {.name = "", .take = top_line, .ctx = r},
        {.name = "parameters", .take = top_line, .ctx = r},
        {.name = "screen", .take = screen_line, .ctx = r},
        {.name = "keys", .take = keys ? keymap_line : NULL, .ctx = &r->keys},
        {.name = "keys.*", .take = keys ? keymap_line : NULL, .ctx = &r->keys},
        {0},
    };
    bool ok;

    *r = (struct reading){c, c->params, {*keymap_current(), &c->notes}};
    ok = config_read(text, sections, err);
    if (ok)
        c->params = r->params;
    if (ok && keys)
        keymap_apply(keymap_current(), &r->keys);
    free(r);
    return ok;
}

/* --config FILE, else ~/.config/editscope/config if it exists. */
static bool apply_config(struct cli *c, struct err *err)
{
    char *usual = file_config_path("config"), *text = NULL;
    const char *path = c->value[OPT_CONFIG] ? c->value[OPT_CONFIG] : usual;
    bool ok = !c->value[OPT_CONFIG] && !file_exists(usual);

    if (!ok && (text = file_read_text(path, CONFIG_MOST, NULL, err)))
        ok = read_config(c, text, err) || err_in(err, "%s", path);
    free(text);
    free(usual);
    return ok;
}

/* Options that set a parameter. */
static bool apply_short_options(struct cli *c, struct err *err)
{
    bool stats = c->ops && c->ops->options & FOR_STATS;
    const struct {
        enum option option;
        enum param id;
        bool when;
    } of[] = {
        {OPT_METHOD, P_EDIT_METHOD, true},
        {OPT_BATCH, P_EDIT_BATCH, true},
        {OPT_SEED, P_SEED, true},
        {OPT_SUM_TOKENS, P_STATS_TOKENS, true},
        {OPT_WINDOW, P_STATS_WINDOW, stats},
        {OPT_LAYERS, P_EDIT_LAYERS, true},
    };
    static const struct {
        enum option option;
        const char *assignment;
    } flags[] = {
        {OPT_CHAT, "prompt.form=chat"},
        {OPT_SPECIAL, "prompt.special=token"},
        {OPT_NO_BLANK, "target.blank=no"},
    };

    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
        const char *value = c->value[of[i].option];
        char name[40];

        if (!value || !of[i].when || (of[i].option == OPT_LAYERS && !strcmp(value, "all")))
            continue;
        snprintf(name, sizeof(name), "--%s", option_infos[of[i].option].name);
        if (!params_set_id(&c->params, of[i].id, name, value, FROM_COMMAND_LINE, err))
            return false;
        if (of[i].option == OPT_LAYERS)
            c->params.layers_option = true;
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if (cli_has(c, flags[i].option) &&
            !params_assign(&c->params, flags[i].assignment, FROM_COMMAND_LINE, err))
            return false;
    return true;
}

static bool load_params(struct cli *c, struct err *err)
{
    params_default(&c->params);
    if (!apply_preset(c, err) || !apply_config(c, err))
        return false;
    if (cli_has(c, OPT_OFFICIAL))
        params_official(&c->params, FROM_COMMAND_LINE);
    for (int i = 0; i < c->set_count; i++)
        if (!params_assign(&c->params, c->sets[i], FROM_COMMAND_LINE, err))
            return err_in(err, "--set");
    return apply_short_options(c, err);
}

/* The path itself; for a name on the Hub, its path in the cache if it is there. Caller frees. */
static char *find_model(const char *model)
{
    struct hub_name name;
    char *path = NULL;

    if (!file_exists(model) && hub_name_parse(&name, model, NULL))
        path = hub_find(&name, NULL);
    return path ? path : xstrdup(model);
}

bool cli_model_there(const struct cli *c, struct err *err)
{
    struct hub_name name;
    struct stat st;

    if (file_exists(c->model))
        return true;
    if (c->lost.kind)
        return err_set(err, ERR_MODEL, "%s; give its path with -m", c->lost.text);
    if (hub_name_like(c->model) && hub_name_parse(&name, c->model, err)) {
        free(hub_find(&name, err)); /* says why there is none */
        if (err->kind)
            return false;
    }
    if (!lstat(c->model, &st) && S_ISLNK(st.st_mode))
        return err_set(err, ERR_MODEL, "no model at %s: the link is broken", c->model);
    return err_set(err, ERR_MODEL,
                   "no model at %s; `make run` or samples/fetch-model downloads "
                   "the default one, or give another with -m",
                   c->model);
}

bool cli_load_model_settings(struct cli *c, const char *model, struct err *err)
{
    char *path = find_model(model); /* it may be c->model */

    free(c->model);
    c->model = path;
    free(c->preset);
    c->preset = NULL;
    buf_clear(&c->notes); /* they were printed when the program started */
    return load_params(c, err);
}

/* The existing session file of the command; NULL: none. */
static const char *session_file(const struct cli *c)
{
    const char *named = c->value[OPT_SESSION];

    if (!named && c->rest_count && (!c->ops || c->ops == &cli_export))
        named = c->rest[0];
    return named && *named && file_exists(named) ? named : NULL;
}

/* The order is in the comment at the top of the file. Caller frees. */
static char *choose_model(struct cli *c)
{
    const char *usual = getenv("EDITSCOPE_MODEL"), *session = session_file(c);
    char *other, *own;

    if (c->value[OPT_MODEL] && *c->value[OPT_MODEL])
        return find_model(c->value[OPT_MODEL]);
    other = usual && *usual ? find_model(usual)
                            : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    own = session ? engine_model_of(session, usual && *usual ? other : NULL, &c->lost) : NULL;
    if (!own)
        return other;
    free(other);
    return own;
}

bool cli_load_settings(struct cli *c, struct err *err)
{
    c->model = choose_model(c);
    c->text =
        c->value[OPT_TEXT] ? xstrdup(c->value[OPT_TEXT]) : cli_sample("text/wikitext2-test.txt");
    return load_params(c, err);
}
