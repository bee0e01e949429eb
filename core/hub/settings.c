/* Where the Hub is, and who asks: the environment that huggingface_hub reads too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/headers.h"
#include "core/hub/http.h"
#include "core/hub/hub.h"

enum { TOKEN_MOST = 4096 };

static const char *said(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value ? value : NULL;
}

static bool yes(const char *variable)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = said(variable);

    for (size_t i = 0; value && i < sizeof(words) / sizeof(*words); i++)
        if (!strcasecmp(value, words[i]))
            return true;
    return false;
}

/* ~ and what is relative made absolute. Caller frees. */
static char *absolute(const char *path)
{
    const char *home = said("HOME");
    char here[4096];

    if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
        return xasprintf("%s%s", home, path + 1);
    if (path[0] == '/' || !getcwd(here, sizeof(here)))
        return xstrdup(path);
    return xasprintf("%s/%s", here, path);
}

/* $HF_HOME, else $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface. Caller frees. */
static char *home_path(void)
{
    const char *named = said("HF_HOME"), *cache = said("XDG_CACHE_HOME");
    char *home, *path;

    if (named)
        return absolute(named);
    if (cache) {
        char *base = absolute(cache);

        path = xasprintf("%s/huggingface", base);
        free(base);
        return path;
    }
    home = file_home();
    path = xasprintf("%s/.cache/huggingface", home);
    free(home);
    return path;
}

char *hub_cache_path(void)
{
    const char *named = said("HF_HUB_CACHE");
    char *home, *path;

    if (!named)
        named = said("HUGGINGFACE_HUB_CACHE");
    if (named)
        return absolute(named);
    home = home_path();
    path = xasprintf("%s/hub", home);
    free(home);
    return path;
}

static bool take_token(struct hub *h, const char *text, const char *from, struct err *err)
{
    h->token = xtrimmed(text, strlen(text));
    for (const char *p = h->token; *p; p++)
        if (*p <= 32 || *p > 126) /* what could end the header and begin another */
            return err_set(err, ERR_USAGE,
                           "%s: the token holds a character no token has; log in again", from);
    if (!*h->token) {
        free(h->token);
        h->token = NULL;
    }
    return true;
}

static bool find_token(struct hub *h, struct err *err)
{
    const char *value = said("HF_TOKEN"), *named = said("HF_TOKEN_PATH");
    char *home, *path, *text;
    bool ok = true;

    if (yes("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return true;
    if (!value)
        value = said("HUGGING_FACE_HUB_TOKEN");
    if (value)
        return take_token(h, value, "HF_TOKEN", err);
    home = home_path();
    path = named ? absolute(named) : xasprintf("%s/token", home);
    text = file_read_text(path, TOKEN_MOST, NULL, NULL); /* most people have none */
    if (text) {
        ok = take_token(h, text, path, err);
        explicit_bzero(text, strlen(text));
    }
    free(text);
    free(path);
    free(home);
    return ok;
}

static bool find_endpoint(struct hub *h, struct err *err)
{
    const char *named = said("HF_ENDPOINT");
    size_t n;

    h->endpoint = xstrdup(named ? named : "https://huggingface.co");
    for (n = strlen(h->endpoint); n && h->endpoint[n - 1] == '/'; n--)
        h->endpoint[n - 1] = '\0';
    if (!url_good(h->endpoint, true))
        return err_set(err, ERR_USAGE,
                       "HF_ENDPOINT: not an address such as https://huggingface.co; http is taken "
                       "for this machine itself alone, and no password may stand in it");
    h->plain = !strncasecmp(h->endpoint, "http:", 5);
    return true;
}

static int seconds(const char *variable, int otherwise)
{
    const char *value = said(variable);
    long long n = value ? header_number(value) : -1;

    return n > 0 && n <= 3600 ? (int)n : otherwise;
}

bool hub_open(struct hub *h, struct err *err)
{
    const char *trusted = said("SSL_CERT_FILE");

    *h = (struct hub){.second = 1};
    h->offline = yes("HF_HUB_OFFLINE") || yes("TRANSFORMERS_OFFLINE");
    h->copies = yes("HF_HUB_DISABLE_SYMLINKS");
    h->connect = seconds("HF_HUB_ETAG_TIMEOUT", 10);
    h->stall = seconds("HF_HUB_DOWNLOAD_TIMEOUT", 30);
    h->cache = hub_cache_path();
    h->trusted = xstrdup(trusted ? trusted : said("REQUESTS_CA_BUNDLE"));
    if (find_endpoint(h, err) && find_token(h, err))
        return true;
    hub_close(h);
    return false;
}

void hub_close(struct hub *h)
{
    if (h->token)
        explicit_bzero(h->token, strlen(h->token));
    free(h->token);
    free(h->endpoint);
    free(h->cache);
    free(h->trusted);
    *h = (struct hub){0};
}
