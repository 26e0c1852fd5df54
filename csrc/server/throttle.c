#include "server/throttle.h"

#include <string.h>

#include "core/clock.h"
#include "core/text.h"

#define RATE_MAX 1000000
#define BURST_MAX 1000000

static const struct {
    const char *suffix;
    int64_t ns;
} units[] = {{"/s", S3P_S}, {"/m", 60 * S3P_S}, {"/h", 3600 * S3P_S}};

static bool number(const char *from, const char *to, uint64_t max, uint64_t *out)
{
    return s3p_parse_u64(from, (size_t)(to - from), out) && *out >= 1 && *out <= max;
}

/* RATE/s[,burst=N] */
static bool parse_rate(struct s3p_srv_throttle *out, const char *text)
{
    static const char burst[] = ",burst=";
    const char *end = text + strlen(text), *comma = strstr(text, burst);
    const char *rate_end = comma != NULL ? comma : end;
    uint64_t rate;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (rate_end - text < 3 || memcmp(rate_end - 2, units[i].suffix, 2) != 0)
            continue;
        if (!number(text, rate_end - 2, RATE_MAX, &rate))
            return false;
        out->token_ns = units[i].ns / (int64_t)rate;
        out->burst = rate;
        return comma == NULL || number(comma + sizeof burst - 1, end, BURST_MAX, &out->burst);
    }
    return false;
}

int s3p_srv_throttle_parse(struct s3p_srv_throttle *out, const char *text, struct s3p_err *err)
{
    const char *mark = NULL;
    for (const char *at = text; (at = strstr(at, "*=")) != NULL; at++)
        mark = at; /* keys may have both, rates have neither */
    const char *slash = strchr(text, '/');
    if (mark == NULL || slash == NULL || slash == text || slash > mark ||
        !parse_rate(out, mark + 2))
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--throttle: \"%s\": expected BUCKET/PREFIX*=RATE/s[,burst=N], 1 to %d",
                        text, RATE_MAX);
    out->prefix = (struct s3p_str){text, (size_t)(mark - text)};
    return 0;
}

bool s3p_srv_throttle_matches(const struct s3p_srv_throttle *t, struct s3p_str bucket,
                              struct s3p_str key)
{
    const struct s3p_str *p = &t->prefix;
    size_t name = bucket.len + 1;
    return bucket.len > 0 && p->len >= name && memcmp(p->p, bucket.p, bucket.len) == 0 &&
           p->p[bucket.len] == '/' && p->len - name <= key.len &&
           (p->len == name || memcmp(p->p + name, key.p, p->len - name) == 0);
}

int64_t s3p_srv_throttle_take(const struct s3p_srv_throttle *t, _Atomic int64_t *full_ns,
                              int64_t now_ns)
{
    int64_t room_ns = ((int64_t)t->burst - 1) * t->token_ns;
    /* relaxed: the number is all that the threads share; the exchange makes each token go once */
    int64_t full = atomic_load_explicit(full_ns, memory_order_relaxed), from;
    do {
        from = full > now_ns ? full : now_ns;
        if (from - now_ns > room_ns)
            return from - now_ns - room_ns;
    } while (!atomic_compare_exchange_weak_explicit(full_ns, &full, from + t->token_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return 0;
}
