/* Addresses, taken apart by libcurl's own parser so that what is judged is what is asked. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/hub/http.h"

/* A part of a URL, "" where it has none. Caller frees. */
static char *part_of(CURLU *u, CURLUPart part, unsigned flags)
{
    char *value = NULL, *copy;

    if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
        return xstrdup("");
    copy = xstrdup(value);
    curl_free(value);
    return copy;
}

static CURLU *parse(const char *url)
{
    CURLU *u = curl_url();

    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

static bool is_loopback(const char *host)
{
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") || !strcmp(host, "127.0.0.1");
}

bool url_good(const char *url, bool loopback)
{
    CURLU *u = parse(url);
    char *scheme, *host, *user, *password;
    bool good;

    if (!u)
        return false;
    scheme = part_of(u, CURLUPART_SCHEME, 0);
    host = part_of(u, CURLUPART_HOST, 0);
    user = part_of(u, CURLUPART_USER, 0);
    password = part_of(u, CURLUPART_PASSWORD, 0);
    good = *host && !*user && !*password &&
           (!strcasecmp(scheme, "https") ||
            (loopback && !strcasecmp(scheme, "http") && is_loopback(host)));
    free(scheme);
    free(host);
    free(user);
    free(password);
    curl_url_cleanup(u);
    return good;
}

bool url_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *ua = parse(a), *ub = parse(b);
    bool same = ua && ub;

    for (size_t i = 0; same && i < sizeof(parts) / sizeof(*parts); i++) {
        char *x = part_of(ua, parts[i], CURLU_DEFAULT_PORT);
        char *y = part_of(ub, parts[i], CURLU_DEFAULT_PORT);

        same = *x && !strcasecmp(x, y);
        free(x);
        free(y);
    }
    curl_url_cleanup(ua);
    curl_url_cleanup(ub);
    return same;
}

char *url_resolve(const char *base, const char *location)
{
    CURLU *u = parse(base);
    char *url = NULL;

    if (u && curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK)
        url = part_of(u, CURLUPART_URL, 0);
    curl_url_cleanup(u);
    if (url && *url)
        return url;
    free(url);
    return NULL;
}

char *url_host(const char *url)
{
    CURLU *u = parse(url);
    char *host = u ? part_of(u, CURLUPART_HOST, 0) : xstrdup("");

    curl_url_cleanup(u);
    return host;
}
