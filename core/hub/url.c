/* Splits URLs with libcurl's own parser, so that the host we check is the host libcurl will ask. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/hub/http.h"

/* One part of a URL, "" if it has none. Caller frees. */
static char *url_part(CURLU *u, CURLUPart part, unsigned flags)
{
    char *value = NULL, *copy;

    if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
        return xstrdup("");
    copy = xstrdup(value);
    curl_free(value);
    return copy;
}

/* The parsed URL, for curl_url_cleanup(); NULL: not a URL. */
static CURLU *url_parse(const char *url)
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

bool url_allowed(const char *url, bool loopback)
{
    CURLU *u = url_parse(url);
    char *scheme, *host, *user, *password;
    bool good;

    if (!u)
        return false;
    scheme = url_part(u, CURLUPART_SCHEME, 0);
    host = url_part(u, CURLUPART_HOST, 0);
    user = url_part(u, CURLUPART_USER, 0);
    password = url_part(u, CURLUPART_PASSWORD, 0);
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
    CURLU *ua = url_parse(a), *ub = url_parse(b);
    bool same = ua && ub;

    for (size_t i = 0; same && i < sizeof(parts) / sizeof(*parts); i++) {
        char *x = url_part(ua, parts[i], CURLU_DEFAULT_PORT);
        char *y = url_part(ub, parts[i], CURLU_DEFAULT_PORT);

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
    CURLU *u = url_parse(base);
    char *url = NULL;

    if (u && curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK)
        url = url_part(u, CURLUPART_URL, 0);
    curl_url_cleanup(u);
    if (url && *url)
        return url;
    free(url);
    return NULL;
}

char *url_host(const char *url)
{
    CURLU *u = url_parse(url);
    char *host = u ? url_part(u, CURLUPART_HOST, 0) : xstrdup("");

    curl_url_cleanup(u);
    return host;
}
