/* The command line, and the help that comes from the same table. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/edit/editors/editors.h"
#include "views/cli/cli.h"

const struct option_info option_infos[OPT_COUNT] = {
#define X(id, name, letter, arg, commands, help) {name, letter, arg, commands, help},
    OPTIONS(X)
#undef X
};

static const struct cli_ops *const commands[] = {
#define X(name) &cli_##name,
    SUBCOMMANDS(NO_HEADING, X)
#undef X
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

const struct cli_ops *cli_command(int n)
{
    return n < COMMANDS ? commands[n] : NULL;
}

const unsigned cli_screen_options = FOR_ALL | FOR_MODEL | FOR_PARAMS | FOR_SESSION | FOR_TEXT |
                                    FOR_SCREEN | FOR_RECORD | FOR_CANVAS;

static const struct cli_ops *cli_find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static unsigned allowed_options(const struct cli *c)
{
    return c->ops ? c->ops->options | FOR_ALL : cli_screen_options;
}

bool cli_has(const struct cli *c, enum option option)
{
    return c->value[option] != NULL;
}

bool cli_number(const struct cli *c, enum option option, long low, long high, long def, long *out,
                struct err *err)
{
    const char *text = c->value[option];
    char *end;

    *out = def;
    if (!text)
        return true;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (end == text || *end)
        return err_set(err, ERR_USAGE, "--%s %s: not a whole number", option_infos[option].name,
                       text);
    if (*out < low || *out > high || errno)
        return err_set(err, ERR_USAGE, "--%s %s: out of range %ld to %ld",
                       option_infos[option].name, text, low, high);
    return true;
}

/* By its whole name, or by a beginning that only one option of this command has. */
static int find_long(const struct cli *c, const char *name, size_t n)
{
    int found = -1, count = 0;

    for (int i = 0; i < OPT_COUNT; i++) {
        if (!(option_infos[i].commands & allowed_options(c)) ||
            strncmp(option_infos[i].name, name, n))
            continue;
        if (strlen(option_infos[i].name) == n)
            return i;
        found = i;
        count++;
    }
    return count == 1 && n > 1 ? found : -1;
}

static int find_letter(const struct cli *c, char letter)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if ((option_infos[i].commands & allowed_options(c)) && option_infos[i].letter == letter)
            return i;
    return -1;
}

static bool unknown(const struct cli *c, const char *text, struct err *err)
{
    return err_set(err, ERR_USAGE, "unknown option %.60s; see `editscope %s%s--help`", text,
                   c->ops ? c->ops->name : "", c->ops ? " " : "");
}

static void append(const char ***list, int *count, const char *value)
{
    *list = xrealloc(*list, ((size_t)*count + 1) * sizeof(**list));
    (*list)[(*count)++] = value;
}

/* An empty name is a variable of a script that was not set. */
static bool names_a_file(int option)
{
    const char *arg = option_infos[option].arg;

    return !strcmp(arg, "FILE") || !strcmp(arg, "FOLDER") || option == OPT_MODEL ||
           option == OPT_TARGET_PATH || option == OPT_PRESET;
}

/* What counts once: elsewhere the last of several values is taken, so that an alias can be
 * overridden. */
static bool holds_facts(int option)
{
    return option == OPT_FACT || option == OPT_FACTS || option == OPT_TRIPLE ||
           option == OPT_DATA || option == OPT_SUBJECT || option == OPT_PROMPT ||
           option == OPT_TARGET;
}

static bool keep(struct cli *c, int option, const char *value, struct err *err)
{
    if (!value)
        return err_set(err, ERR_USAGE, "--%s needs a value: %s", option_infos[option].name,
                       option_infos[option].arg);
    if (!*value && names_a_file(option))
        return err_set(err, ERR_USAGE, "--%s: the name is empty; give a %s",
                       option_infos[option].name, option == OPT_THEME_DIR ? "folder" : "file");
    if (c->value[option] && holds_facts(option))
        return err_set(err, ERR_USAGE, "--%s is given twice; give it once",
                       option_infos[option].name);
    c->value[option] = value;
    if (option == OPT_SET)
        append(&c->sets, &c->set_count, value);
    if (option == OPT_NEURON)
        append(&c->neurons, &c->neuron_count, value);
    if (option == OPT_ARM)
        append(&c->arms, &c->arm_count, value);
    return true;
}

/* The options in argv[*i]; moves *i past a value taken from the next one. */
static bool take_option(struct cli *c, char **argv, int argc, int *i, struct err *err)
{
    const char *text = argv[*i];
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    int option;

    if (text[1] == '-') {
        size_t n = strcspn(text + 2, "=");
        bool inside = text[2 + n] == '=';

        option = find_long(c, text + 2, n);
        if (option < 0)
            return unknown(c, text, err);
        if (!*option_infos[option].arg)
            return inside
                       ? err_set(err, ERR_USAGE, "--%s takes no value", option_infos[option].name)
                       : keep(c, option, "", err);
        if (!inside)
            ++*i;
        return keep(c, option, inside ? text + 3 + n : next, err);
    }
    while (*++text) {
        option = find_letter(c, *text);
        if (option < 0)
            return unknown(c, argv[*i], err);
        if (*option_infos[option].arg) {
            if (text[1])
                return keep(c, option, text + 1, err);
            ++*i;
            return keep(c, option, next, err);
        }
        keep(c, option, "", err);
    }
    return true;
}

/* The command is the first word that is no option; options before it count as well, so that it
 * has to be known before they are read. */
static const struct cli_ops *find_command(int argc, char **argv, int *at)
{
    static const struct cli_ops everything = {.options = ~0u};
    const struct cli any = {.ops = &everything};

    *at = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--"))
            return NULL;
        if (argv[i][0] == '-' && argv[i][1]) {
            int option = argv[i][1] == '-' ? find_long(&any, argv[i] + 2, strlen(argv[i]) - 2)
                                           : find_letter(&any, argv[i][1]);

            i += option >= 0 && *option_infos[option].arg && (argv[i][1] == '-' || !argv[i][2]);
            continue;
        }
        *at = i;
        return cli_find(argv[i]);
    }
    return NULL;
}

bool cli_parse(struct cli *c, int argc, char **argv, struct err *err)
{
    bool options = true;
    int command;

    c->ops = find_command(argc, argv, &command);
    c->rest = xcalloc((size_t)argc + 1, sizeof(*c->rest));
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--json")) /* a wrong option after it is told as JSON as well */
            c->value[OPT_JSON] = "";
    for (int i = 1; i < argc; i++) {
        if (c->ops && i == command)
            continue;
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (!options || argv[i][0] != '-' || !argv[i][1])
            c->rest[c->rest_count++] = argv[i];
        else if (!take_option(c, argv, argc, &i, err))
            return false;
    }
    if (c->ops && !*c->ops->rest && c->rest_count)
        return err_set(err, ERR_USAGE, "%s: unexpected argument '%.60s'; see `editscope %s --help`",
                       c->ops->name, c->rest[0], c->ops->name);
    for (int i = 0; i < c->rest_count; i++)
        if (!*c->rest[i] &&
            (!c->ops || strstr(c->ops->rest, "FILE") || strstr(c->ops->rest, "SESSION")))
            return err_set(err, ERR_USAGE,
                           "the name of a file is empty%s%s; see `editscope %s%s--help`",
                           c->ops ? ", for " : "", c->ops ? c->ops->name : "",
                           c->ops ? c->ops->name : "", c->ops ? " " : "");
    return c->ops || c->rest_count < 2 ||
           err_set(err, ERR_USAGE, "unknown command '%.60s'; see `editscope --help`", c->rest[0]);
}

static void help_options(unsigned which)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        const struct option_info *o = &option_infos[i];
        char left[64];

        if (!(o->commands & which))
            continue;
        show_print(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : "",
                   o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
                   *o->arg ? " " : "", o->arg);
        std_print("  %-30s %s\n", left, o->help);
    }
}

static void help_parameters(void)
{
    std_puts("\nParameters (--set NAME=VALUE):");
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *p = param_info((enum param)i);

        std_print("  %-20s %s%s%s%s\n", *p->alias ? p->alias : p->name, p->help,
                  *p->words ? " (" : "", p->words, *p->words ? ")" : "");
    }
}

static void help_methods(void)
{
    std_puts("\nMethods (--method):");
    for (int i = 0; i < METHODS; i++) {
        const struct editor_ops *e = editor_by_method(i);

        std_print("  %-20s %s (%s)\n", e->name, e->title, e->paper);
    }
}

void cli_help(const struct cli *c)
{
    if (c->ops) {
        std_print("usage: editscope %s [options]%s%s\n\n%s\n\nOptions:\n", c->ops->name,
                  *c->ops->rest ? " " : "", c->ops->rest, c->ops->help);
        help_options(allowed_options(c));
        if (allowed_options(c) &
            (option_infos[OPT_METHOD].commands | option_infos[OPT_METHODS].commands))
            help_methods();
        if (allowed_options(c) & FOR_PARAMS)
            help_parameters();
        return;
    }
    std_puts("usage: editscope [options] [SESSION]\n"
             "       editscope COMMAND [options]\n\n"
             "Without a command, editscope opens the screen, with SESSION if it is given.\n"
             "`editscope COMMAND --help` describes a command.");
#define GROUP(heading) std_print("\n%s:\n", heading);
#define X(id)          std_print("  %-12s %s\n", cli_##id.name, cli_##id.help);
    SUBCOMMANDS(GROUP, X)
#undef X
#undef GROUP
    std_puts("\nOptions of the screen:");
    help_options(cli_screen_options);
    help_parameters();
}
