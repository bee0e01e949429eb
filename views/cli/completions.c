/* editscope completions bash|zsh|fish: what a shell needs to complete commands and options, from
 * the tables that the command line itself uses. */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/params.h"
#include "core/base/std.h"
#include "tui/theme.h"
#include "views/cli/cli.h"
#include "views/view_tables.h"

/* Appends the values that an option takes: its words, or "FILE" or "FOLDER" where the shell
 * completes paths, or "" where nothing can be completed. */
static void option_values(enum option option, struct buf *out)
{
    const char *arg = option_infos[option].arg;

    if (option == OPT_THEME)
        for (int i = 0; builtin_themes[i].name; i++)
            buf_printf(out, "%s%s", i ? " " : "", builtin_themes[i].name);
    else if (option == OPT_SET)
        for (int i = 0; i < PARAM_COUNT; i++)
            buf_printf(out, "%s%s=", i ? " " : "", param_info((enum param)i)->name);
    else if (option == OPT_COLOR)
        buf_puts(out, "auto always never 8 16 256 direct");
    else if (option == OPT_BACKGROUND)
        buf_puts(out, "light dark query");
    else if (option == OPT_STATE)
        buf_puts(out, "base edited both edit:");
    else if (option == OPT_ONE_STATE)
        buf_puts(out, "base edited edit:");
    else if (option == OPT_METHOD || option == OPT_METHODS)
        buf_puts(out, param_info(P_EDIT_METHOD)->words);
    else if (option == OPT_PROTOCOLS)
        for (int i = 0; measure_protocol_name(i); i++)
            buf_printf(out, "%s%s", i ? " " : "", measure_protocol_name(i));
    else if (option == OPT_TASKS)
        for (int i = 0; task_at(i); i++)
            buf_printf(out, "%s%s", i ? " " : "", task_at(i)->name);
    else if (option == OPT_DEVICE)
        buf_puts(out, "auto cpu cuda");
    else if (option == OPT_AS)
        for (int i = 0; export_kinds[i]; i++)
            buf_printf(out, "%s%s", i ? " " : "", export_kinds[i]);
    else if (option == OPT_DTYPE)
        buf_puts(out, "f32 f16 bf16 same");
    else if (option == OPT_TARGET_PATH)
        buf_puts(out, "FILE");
    else if (option == OPT_PRESET)
        buf_puts(out, "auto paper");
    else if (!strcmp(arg, "FILE") || !strcmp(arg, "M"))
        buf_puts(out, "FILE");
    else if (!strcmp(arg, "FOLDER"))
        buf_puts(out, "FOLDER");
    if (!out->data)
        buf_puts(out, "");
}

/* The words that may follow a command and are not options. */
static const char *rest_of(const struct cli_ops *ops)
{
    if (ops && !strcmp(ops->name, "completions"))
        return "bash zsh fish";
    if (ops && !strcmp(ops->name, "pull")) /* only the Hub knows */
        return "";
    if (ops && !strcmp(ops->name, "themes"))
        return "check";
    return !ops || *ops->rest ? "FILE" : "";
}

/* The FOR_* bits of the options that a command takes; NULL: the screen. */
static unsigned allowed_options(const struct cli_ops *ops)
{
    return ops ? ops->options | FOR_ALL : cli_screen_options;
}

/* Prints "--name -n …" of all options of a command, on one line. */
static void print_option_names(const struct cli_ops *ops)
{
    const char *blank = "";

    for (int i = 0; i < OPT_COUNT; i++)
        if (option_infos[i].commands & allowed_options(ops)) {
            std_print("%s--%s", blank, option_infos[i].name);
            if (option_infos[i].letter)
                std_print(" -%c", option_infos[i].letter);
            blank = " ";
        }
}

/* Whether an option above this one in the table has the same name, for other commands. */
static bool is_repeated(int option)
{
    int i = 0;

    while (strcmp(option_infos[i].name, option_infos[option].name) != 0)
        i++;
    return i < option;
}

/* Prints the case statement that completes the value of the option before the cursor. Of options
 * with one name, the first one's values are offered. */
static void bash_values(void)
{
    std_puts("    case $before in");
    for (int i = 0; i < OPT_COUNT; i++) {
        const struct option_info *o = &option_infos[i];
        struct buf words = {0};

        if (!*o->arg || is_repeated(i))
            continue;
        option_values((enum option)i, &words);
        std_print("    --%s", o->name);
        if (o->letter)
            std_print("|-%c", o->letter);
        std_print(") ");
        if (!strcmp(words.data, "FILE"))
            std_print("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"))");
        else if (!strcmp(words.data, "FOLDER"))
            std_print("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\"))");
        else if (*words.data)
            std_print("%sCOMPREPLY=($(compgen -W '%s' -- \"$word\"))",
                      strchr("=:", words.data[words.len - 1]) ? "compopt -o nospace; " : "",
                      words.data);
        else
            std_print("COMPREPLY=()");
        std_puts("; return ;;");
        buf_free(&words);
    }
    std_puts("    esac");
}

/* Prints a bash function: it finds the command among the words, then completes its options,
 * their values, or what follows it. */
static void bash(void)
{
    const struct cli_ops *ops;

    std_puts("# bash completion for editscope; `editscope completions bash` writes it.\n"
             "_editscope()\n"
             "{\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local command= i options rest\n"
             "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
             "    [[ $word == = ]] && word=\n"
             "    COMPREPLY=()");
    bash_values();
    std_print("    for ((i = 1; i < COMP_CWORD; i++)); do\n"
              "        case ${COMP_WORDS[i]} in\n        ");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++)
        std_print("%s%s", n ? "|" : "", ops->name);
    std_puts(") command=${COMP_WORDS[i]}; break ;;\n        esac\n    done\n    case $command in");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++) {
        std_print("    %s) options='", ops->name);
        print_option_names(ops);
        std_print("' rest='%s' ;;\n", rest_of(ops));
    }
    std_print("    *) options='");
    print_option_names(NULL);
    std_print("' rest='");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++)
        std_print("%s ", ops->name);
    std_puts("FILE' ;;\n    esac\n"
             "    if [[ $word == -* ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
             "        return\n"
             "    fi\n"
             "    if [[ $rest == *FILE ]]; then\n"
             "        compopt -o filenames\n"
             "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
             "    fi\n"
             "    COMPREPLY+=($(compgen -W \"${rest%FILE}\" -- \"$word\"))\n"
             "}\n"
             "complete -F _editscope editscope");
}

/* Text inside single quotes; in zsh's descriptions brackets and colons are special too. */
static void print_quoted(const char *text, bool zsh)
{
    for (; *text; text++) {
        if (*text == '\'')
            std_text("'\\''");
        else if (zsh && strchr("[]:\\", *text))
            std_print("\\%c", *text);
        else
            std_print("%.1s", text);
    }
}

static bool zsh_repeats(enum option option)
{
    return option == OPT_SET || option == OPT_NEURON || option == OPT_ARM;
}

/* Prints one option as arguments of zsh's _arguments: '--name=[help]:ARG:values'. */
static void zsh_option(enum option option)
{
    const struct option_info *o = &option_infos[option];
    struct buf words = {0};
    int forms = o->letter ? 2 : 1;

    for (int k = 0; k < forms; k++) {
        std_print(" \\\n            '%s", zsh_repeats(option) ? "*" : "");
        if (k)
            std_print("-%c[", o->letter);
        else
            std_print("--%s%s[", o->name, *o->arg ? "=" : "");
        print_quoted(o->help, true);
        std_print("]");
        if (*o->arg) {
            option_values(option, &words);
            std_print(":%s:", o->arg);
            if (!strcmp(words.data, "FILE"))
                std_print("_files");
            else if (!strcmp(words.data, "FOLDER"))
                std_print("_files -/");
            else if (*words.data) {
                std_print("(");
                print_quoted(words.data, true);
                std_print(")");
            }
            buf_free(&words);
        }
        std_print("'");
    }
}

static void zsh_options(const struct cli_ops *ops)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_infos[i].commands & allowed_options(ops))
            zsh_option((enum option)i);
}

/* Prints a zsh function that calls _arguments for each command. */
static void zsh(void)
{
    const struct cli_ops *ops;

    std_puts("#compdef editscope\n"
             "# zsh completion for editscope; `editscope completions zsh` writes it.\n"
             "_editscope() {\n"
             "    local -a commands\n"
             "    local command=${words[(r)[a-z]##]}\n"
             "    commands=(");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++) {
        std_print("        '%s:", ops->name);
        print_quoted(ops->help, true);
        std_puts("'");
    }
    std_puts("    )\n    case $command in");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++) {
        const char *rest = rest_of(ops);

        std_print("    %s)\n        _arguments '1:command:(%s)'", ops->name, ops->name);
        zsh_options(ops);
        if (!strcmp(rest, "FILE"))
            std_print(" \\\n            '*:file:_files'");
        else if (*rest)
            std_print(" \\\n            '*:word:(%s)'", rest);
        std_puts(" ;;");
    }
    std_print("    *)\n        _arguments '1:command or session:{_describe command commands; "
              "_files}'");
    zsh_options(NULL);
    std_puts(" ;;\n    esac\n}\n_editscope \"$@\"");
}

static void fish_option(const struct cli_ops *ops, enum option option)
{
    const struct option_info *o = &option_infos[option];
    struct buf words = {0};

    std_print("complete -c editscope -n '%s%s' -l %s", ops ? "__fish_seen_subcommand_from " : "",
              ops ? ops->name : "__fish_use_subcommand", o->name);
    if (o->letter)
        std_print(" -s %c", o->letter);
    if (*o->arg) {
        option_values(option, &words);
        if (!strcmp(words.data, "FILE"))
            std_print(" -r -F");
        else if (!strcmp(words.data, "FOLDER"))
            std_print(" -x -a '(__fish_complete_directories)'");
        else {
            std_print(" -x");
            if (*words.data)
                std_print(" -a '%s'", words.data);
        }
        buf_free(&words);
    }
    std_print(" -d '");
    print_quoted(o->help, false);
    std_puts("'");
}

/* Prints one `complete` line per command and option. */
static void fish(void)
{
    const struct cli_ops *ops;

    std_puts("# fish completion for editscope; `editscope completions fish` writes it.");
    for (int n = 0; (ops = cli_command(n)) != NULL; n++) {
        const char *rest = rest_of(ops);

        std_print("complete -c editscope -n __fish_use_subcommand -a %s -d '", ops->name);
        print_quoted(ops->help, false);
        std_puts("'");
        if (strcmp(rest, "FILE") != 0)
            std_print("complete -c editscope -n '__fish_seen_subcommand_from %s' -f%s%s%s\n",
                      ops->name, *rest ? " -a '" : "", rest, *rest ? "'" : "");
        for (int i = 0; i < OPT_COUNT; i++)
            if (option_infos[i].commands & allowed_options(ops))
                fish_option(ops, (enum option)i);
    }
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_infos[i].commands & cli_screen_options)
            fish_option(NULL, (enum option)i);
}

static bool completions_run(struct cli *c, struct err *err)
{
    const char *shell = c->rest_count == 1 ? c->rest[0] : "";

    if (!strcmp(shell, "bash"))
        bash();
    else if (!strcmp(shell, "zsh"))
        zsh();
    else if (!strcmp(shell, "fish"))
        fish();
    else
        return err_set(err, ERR_USAGE, "completions needs a shell: bash, zsh or fish");
    return true;
}

const struct cli_ops cli_completions = {
    "completions", "SHELL", "Print a completion script for bash, zsh or fish", 0, completions_run};
