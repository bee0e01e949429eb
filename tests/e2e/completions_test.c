/* Every option and command is told in every place where one would look for it. */
#include "views/cli/cli.h"

#include <stdlib.h>

#include "core/base/file.h"
#include "tui/theme.h"

#include "tests/test.h"

/* What the program prints. Caller frees. */
static char *said(const char *arguments)
{
    const char *program = getenv("EDITSCOPE");
    char command[256];
    struct buf out = {0};
    char piece[4096];
    size_t n;
    FILE *f;

    snprintf(command, sizeof(command), "%s %s", program ? program : "build/editscope", arguments);
    f = popen(command, "r");
    while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_add(&out, piece, n);
    if (f)
        pclose(f);
    return buf_take(&out);
}

static void lacks(const char *text, const char *what, const char *where)
{
    if (!strstr(text, what))
        printf("%s: no %s\n", where, what);
    CHECK(strstr(text, what) != NULL);
}

static void every_option_is_completed_and_explained(void)
{
    char *bash = said("completions bash"), *zsh = said("completions zsh");
    char *fish = said("completions fish"), *help = said("--help"), what[96];
    char *man = file_read("man/editscope.1", 1 << 20, NULL, NULL);
    const struct cli_ops *ops;

    for (int n = 0; (ops = cli_command(n)) != NULL; n++) {
        char *own;

        snprintf(what, sizeof(what), "%s --help", ops->name);
        own = said(what);
        for (int i = 0; i < OPT_COUNT; i++) {
            snprintf(what, sizeof(what), "--%s", option_infos[i].name);
            if (option_infos[i].commands & (ops->options | FOR_ALL))
                lacks(own, what, ops->name);
        }
        free(own);
        lacks(bash, ops->name, "bash");
        lacks(zsh, ops->name, "zsh");
        lacks(fish, ops->name, "fish");
        lacks(help, ops->name, "--help");
    }
    for (int i = 0; i < OPT_COUNT; i++) {
        snprintf(what, sizeof(what), "--%s", option_infos[i].name);
        lacks(bash, what, "bash");
        lacks(zsh, what, "zsh");
        snprintf(what, sizeof(what), "-l %s", option_infos[i].name);
        lacks(fish, what, "fish");
        snprintf(what, sizeof(what), "Fl -%s", option_infos[i].name);
        lacks(man, what, "man/editscope.1");
    }
    free(bash);
    free(zsh);
    free(fish);
    free(help);
    free(man);
}

static void shells_can_read_them(void)
{
    static const char *const shell[] = {"bash", "zsh", "fish"};
    const char *program = getenv("EDITSCOPE");
    char command[256];

    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof(command), "command -v %s >/dev/null", shell[i]);
        if (system(command))
            continue; /* not here */
        snprintf(command, sizeof(command), "%s completions %s | %s -n %s",
                 program ? program : "build/editscope", shell[i], shell[i],
                 i == 2 ? "/dev/stdin" : "");
        CHECK(system(command) == 0);
    }
}

static const struct test tests[] = {
    {"every option is completed and explained", every_option_is_completed_and_explained},
    {"shells can read them", shells_can_read_them},
};
TEST_MAIN(tests)
