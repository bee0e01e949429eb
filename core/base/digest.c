/* Hashes by libcrypto, which fails here only where memory has run out. */
#include "core/base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "core/base/invariant.h"

static EVP_MD_CTX *context(struct digest *d)
{
    return (EVP_MD_CTX *)d;
}

static void done(int status)
{
    if (status != 1)
        invariant_give_up("out of memory");
}

static struct digest *digest_new(const EVP_MD *kind)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    done(ctx && EVP_DigestInit_ex(ctx, kind, NULL) == 1);
    return (struct digest *)ctx;
}

struct digest *sha256_new(void)
{
    return digest_new(EVP_sha256());
}

struct digest *sha1_new_blob(long long length)
{
    struct digest *d = digest_new(EVP_sha1());
    char head[40];
    int n = snprintf(head, sizeof(head), "blob %lld", length);

    digest_add(d, head, (size_t)n + 1); /* with its NUL */
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
    done(EVP_DigestUpdate(context(d), bytes, n));
}

static int end(struct digest *d, unsigned char *out)
{
    int size = EVP_MD_CTX_size(context(d));

    done(EVP_DigestFinal_ex(context(d), out, NULL));
    EVP_MD_CTX_free(context(d));
    return size;
}

void digest_end(struct digest *d, unsigned char out[32])
{
    end(d, out);
}

void digest_end_hex(struct digest *d, char hex[65])
{
    unsigned char out[32];
    int size = end(d, out);

    for (int i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
}

void sha256_of(const void *bytes, size_t n, char hex[65])
{
    struct digest *d = sha256_new();

    digest_add(d, bytes, n);
    digest_end_hex(d, hex);
}
