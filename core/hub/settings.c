/* Reads the client's settings from the environment, from the variables that huggingface_hub reads
 * too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/headers.h"
#include "core/hub/http.h"
#include "core/hub/hub.h"

enum { MAX_TOKEN = 4096 };

/* A variable's value; NULL if it is unset or empty. */
static const char *env_value(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value ? value : NULL;
}

static bool env_is_true(const char *variable)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = env_value(variable);

    for (size_t i = 0; value && i < sizeof(words) / sizeof(*words); i++)
        if (!strcasecmp(value, words[i]))
            return true;
    return false;
}

/* Expands ~ and makes a relative path absolute. Caller frees. */
static char *absolute_path(const char *path)
{
    const char *home = env_value("HOME");
    char here[4096];

    if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
        return xasprintf("%s%s", home, path + 1);
    if (path[0] == '/' || !getcwd(here, sizeof(here)))
        return xstrdup(path);
    return xasprintf("%s/%s", here, path);
}

/* $HF_HOME, else $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface. Caller frees. */
static char *hf_home_path(void)
{
    const char *named = env_value("HF_HOME"), *cache = env_value("XDG_CACHE_HOME");
    char *home, *path;

    if (named)
        return absolute_path(named);
    if (cache) {
        char *base = absolute_path(cache);

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
    const char *named = env_value("HF_HUB_CACHE");
    char *home, *path;

    if (!named)
        named = env_value("HUGGINGFACE_HUB_CACHE");
    if (named)
        return absolute_path(named);
    home = hf_home_path();
    path = xasprintf("%s/hub", home);
    free(home);
    return path;
}

/* `from`: where the token was found, for the error. */
static bool take_token(struct hub *h, const char *text, const char *from, struct err *err)
{
    h->token = xtrimmed(text, strlen(text));
    for (const char *p = h->token; *p; p++)
        if (*p <= 32 || *p > 126) /* a line break would begin another header */
            return err_set(err, ERR_USAGE,
                           "%s: the token contains a character that no token has; log in again",
                           from);
    if (!*h->token) {
        free(h->token);
        h->token = NULL;
    }
    return true;
}

/* HF_TOKEN, else the file that `hf auth login` writes. Without one h->token stays NULL. */
static bool find_token(struct hub *h, struct err *err)
{
    const char *value = env_value("HF_TOKEN"), *named = env_value("HF_TOKEN_PATH");
    char *home, *path, *text;
    bool ok = true;

    if (env_is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return true;
    if (!value)
        value = env_value("HUGGING_FACE_HUB_TOKEN");
    if (value)
        return take_token(h, value, "HF_TOKEN", err);
    home = hf_home_path();
    path = named ? absolute_path(named) : xasprintf("%s/token", home);
    text = file_read_text(path, MAX_TOKEN, NULL, NULL); /* most people have none */
    if (text) {
        ok = take_token(h, text, path, err);
        explicit_bzero(text, strlen(text));
    }
    free(text);
    free(path);
    free(home);
    return ok;
}

/* HF_ENDPOINT, or the public Hub. Slashes at its end are removed. */
static bool find_endpoint(struct hub *h, struct err *err)
{
    const char *named = env_value("HF_ENDPOINT");
    size_t n;

    h->endpoint = xstrdup(named ? named : "https://huggingface.co");
    for (n = strlen(h->endpoint); n && h->endpoint[n - 1] == '/'; n--)
        h->endpoint[n - 1] = '\0';
    if (!url_allowed(h->endpoint, true))
        return err_set(
            err, ERR_USAGE,
            "HF_ENDPOINT: not an address such as https://huggingface.co; http is allowed "
            "for this machine only, and a password is not allowed");
    h->loopback = !strncasecmp(h->endpoint, "http:", 5);
    return true;
}

/* A variable as seconds, 1 to 3600; anything else is `otherwise`. */
static int env_seconds(const char *variable, int otherwise)
{
    const char *value = env_value(variable);
    long long n = value ? header_number(value) : -1;

    return n > 0 && n <= 3600 ? (int)n : otherwise;
}

bool hub_open(struct hub *h, struct err *err)
{
    const char *ca_file = env_value("SSL_CERT_FILE");

    *h = (struct hub){.time_scale = 1};
    h->offline = env_is_true("HF_HUB_OFFLINE") || env_is_true("TRANSFORMERS_OFFLINE");
    h->no_links = env_is_true("HF_HUB_DISABLE_SYMLINKS");
    h->connect = env_seconds("HF_HUB_ETAG_TIMEOUT", 10);
    h->stall = env_seconds("HF_HUB_DOWNLOAD_TIMEOUT", 30);
    h->cache = hub_cache_path();
    h->ca_file = xstrdup(ca_file ? ca_file : env_value("REQUESTS_CA_BUNDLE"));
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
    free(h->ca_file);
    *h = (struct hub){0};
}
