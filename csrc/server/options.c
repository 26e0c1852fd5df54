#include "server/options.h"

#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"

enum kind { TEXT, KEY_TEXT, NUMBER, SIZE, FLAG, DURATION, MUTANT, MODE, THROTTLE };

#define DAY_MIN_NS (10 * S3P_MS)
#define DAY_MAX_NS (24 * 3600 * S3P_S)

static const struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t min, max; /* numbers, nanoseconds */
} table[] = {
    {"--host", TEXT, offsetof(struct s3p_srv_options, host), 0, 0},
    {"--port", NUMBER, offsetof(struct s3p_srv_options, port), 0, 65535},
    {"--data", TEXT, offsetof(struct s3p_srv_options, data), 0, 0},
    {"--durable", FLAG, offsetof(struct s3p_srv_options, durable), 0, 0},
    {"--fast", FLAG, offsetof(struct s3p_srv_options, fast), 0, 0},
    {"--access-key", KEY_TEXT, offsetof(struct s3p_srv_options, access_key), 0, 0},
    {"--secret-key", KEY_TEXT, offsetof(struct s3p_srv_options, secret_key), 0, 0},
    {"--tls-cert", TEXT, offsetof(struct s3p_srv_options, tls_cert), 0, 0},
    {"--tls-key", TEXT, offsetof(struct s3p_srv_options, tls_key), 0, 0},
    {"--tls-self-signed", TEXT, offsetof(struct s3p_srv_options, tls_dir), 0, 0},
    {"--region", TEXT, offsetof(struct s3p_srv_options, region), 0, 0},
    {"--endpoints", NUMBER, offsetof(struct s3p_srv_options, endpoints), 1, S3P_SRV_ENDPOINTS_MAX},
    {"--threads", NUMBER, offsetof(struct s3p_srv_options, threads), 1, S3P_SRV_THREADS_MAX},
    {"--min-part-bytes", SIZE, offsetof(struct s3p_srv_options, min_part_bytes), 1,
     UINT64_C(5) << 30},
    {"--map-bytes", SIZE, offsetof(struct s3p_srv_options, map_bytes), 1 << 20,
     UINT64_C(1) << 44},
    {"--mutant", MUTANT, 0, 0, 0},
    {"--lifecycle-day", DURATION, offsetof(struct s3p_srv_options, lifecycle_day_ns), DAY_MIN_NS,
     DAY_MAX_NS},
    {"--replication-lag", DURATION, offsetof(struct s3p_srv_options, replication_lag_ns), 0,
     DAY_MAX_NS},
    {"--throttle", THROTTLE, 0, 0, 0},
    {"--bucket-policy", FLAG, offsetof(struct s3p_srv_options, bucket_policy), 0, 0},
    {"--mode", MODE, 0, 0, 0},
    {"--seed", SIZE, offsetof(struct s3p_srv_options, seed), 0, INT64_MAX},
    {"--request-log", TEXT, offsetof(struct s3p_srv_options, request_log), 0, 0},
    {"--admin", FLAG, offsetof(struct s3p_srv_options, admin), 0, 0},
    {"--with-parent", FLAG, offsetof(struct s3p_srv_options, with_parent), 0, 0},
    {"--usage", FLAG, offsetof(struct s3p_srv_options, usage), 0, 0},
    {"--describe", FLAG, offsetof(struct s3p_srv_options, describe), 0, 0},
    {"--help", FLAG, offsetof(struct s3p_srv_options, help), 0, 0},
};

const char *s3p_srv_options_help(void)
{
    return "usage: s3prod serve [null] [options]\n"
           "The embedded S3 store. Its first line of output is a JSON object with endpoint and "
           "keys.\n"
           "\n"
           "  --host ADDRESS          address to listen on (127.0.0.1)\n"
           "  --port N                port of the first endpoint, 0: any free one (0)\n"
           "  --endpoints N           listening ports over the same store (1)\n"
           "  --threads N             event threads (1)\n"
           "  --data DIR              keep the data there; without it, a temporary directory\n"
           "  --durable | --fast      sync every commit | leave syncing to the system\n"
           "  --access-key K --secret-key S   credentials; drawn at random without them\n"
           "  --region NAME           that requests must be signed for, any: each (us-east-1)\n"
           "  --tls-cert FILE --tls-key FILE  serve https\n"
           "  --tls-self-signed DIR   serve https with a certificate for localhost, made there if\n"
           "                          there is none; the first line names its CA\n"
           "  --min-part-bytes N      smallest part but the last of a multipart upload (5242880)\n"
           "  --map-bytes N           most that the records may take (68719476736)\n"
           "  --lifecycle-day TIME    turn lifecycle rules on; how long a day is: 500ms, 2s, 24h\n"
           "  --replication-lag TIME  turn replication on; how long a replica takes at least\n"
           "  --throttle RULE         BUCKET/PREFIX*=RATE/s[,burst=N]: 503 above it; /m, /h too\n"
           "  --bucket-policy         turn bucket policies on that let everybody read\n"
           "  --mutant SPEC           switch a fault on: name[:p=..][,every=..][,op=..][,key=..]\n"
           "                          [,endpoint=..][,min_inflight=..][,after=..][,delay_ms=..]\n"
           "  --mode SPEC             switch on what is legal and surprises, written likewise\n"
           "  --seed N                seed of the mutants and modes (1)\n"
           "  --request-log FILE      append one JSON line for each request\n"
           "  --admin                 open the admin port without a mutant or mode\n"
           "  --with-parent           end when the parent process ends\n"
           "  --usage                 say what --data holds, as JSON, and end\n"
           "  --describe              say what the store implements, as JSON, and end\n"
           "\n"
           "example: s3prod serve --port 9000 --access-key test --secret-key testtest\n";
}

static int take_number(const struct option *row, const char *value, uint64_t *out,
                       struct s3p_err *err)
{
    if (!s3p_parse_u64(value, strlen(value), out) || *out < row->min || *out > row->max)
        return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected a number from %llu to %llu",
                        row->name, value, (unsigned long long)row->min,
                        (unsigned long long)row->max);
    return 0;
}

/* A whole number and its unit. */
static int take_duration(const struct option *row, const char *value, int64_t *out,
                         struct s3p_err *err)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"ms", S3P_MS}, {"s", S3P_S}, {"m", 60 * S3P_S}, {"h", 3600 * S3P_S}};
    size_t digits = strspn(value, "0123456789"), i = 0, n = sizeof units / sizeof units[0];
    uint64_t number;
    while (i < n && strcmp(value + digits, units[i].unit) != 0)
        i++;
    if (i == n || !s3p_parse_u64(value, digits, &number) ||
        number > row->max / (uint64_t)units[i].ns || number * (uint64_t)units[i].ns < row->min)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "%s: \"%s\": expected a time from %llums to 24h, as 500ms", row->name,
                        value, (unsigned long long)row->min / S3P_MS);
    *out = (int64_t)number * units[i].ns;
    return 0;
}

static int take_throttle(const struct option *row, const char *value, struct s3p_srv_options *o,
                         struct s3p_err *err)
{
    if (o->n_throttles == S3P_SRV_THROTTLES_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected at most %d of them", row->name,
                        value, S3P_SRV_THROTTLES_MAX);
    S3P_TRY(s3p_srv_throttle_parse(&o->throttles[o->n_throttles], value, err));
    o->n_throttles++;
    return 0;
}

static int take_spec(const struct option *row, const char *value, const char **list, unsigned *n,
                     struct s3p_err *err)
{
    if (*n == S3P_SRV_MUTANTS_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected at most %d of them", row->name,
                        value, S3P_SRV_MUTANTS_MAX);
    list[(*n)++] = value;
    return 0;
}

static int take(const struct option *row, const char *value, struct s3p_srv_options *o,
                struct s3p_err *err)
{
    char *at = (char *)o + row->offset;
    uint64_t number = 0;
    size_t len = strlen(value);
    switch (row->kind) {
    case TEXT:
        if (len == 0)
            return s3p_fail(err, S3P_EINVAL, 0, "%s: \"\": expected a value", row->name);
        memcpy(at, &value, sizeof value);
        return 0;
    case KEY_TEXT:
        if (len < 1 || len > S3P_SRV_KEY_TEXT_MAX)
            return s3p_fail(err, S3P_EINVAL, 0, "%s: %zu bytes: expected 1 to %d", row->name, len,
                            S3P_SRV_KEY_TEXT_MAX);
        memcpy(at, value, len + 1);
        return 0;
    case NUMBER:
        S3P_TRY(take_number(row, value, &number, err));
        memcpy(at, &(unsigned){(unsigned)number}, sizeof(unsigned));
        return 0;
    case SIZE:
        S3P_TRY(take_number(row, value, &number, err));
        memcpy(at, &number, sizeof number);
        return 0;
    case DURATION:
        return take_duration(row, value, (int64_t *)(void *)at, err);
    case THROTTLE:
        return take_throttle(row, value, o, err);
    case MUTANT:
        return take_spec(row, value, o->mutants, &o->n_mutants, err);
    case MODE:
        return take_spec(row, value, o->modes, &o->n_modes, err);
    case FLAG:
        break;
    }
    return 0;
}

static const struct option *find(const char *arg, size_t len)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strlen(table[i].name) == len && strncmp(table[i].name, arg, len) == 0)
            return &table[i];
    return NULL;
}

static int check(const struct s3p_srv_options *o, struct s3p_err *err)
{
    if (o->durable && o->fast)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--durable: \"--fast\" given too: expected one of them");
    if (o->durable && o->data == NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "--data: \"\": expected a directory with --durable");
    if (o->usage && o->data == NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "--data: \"\": expected a directory with --usage");
    if ((o->tls_cert == NULL) != (o->tls_key == NULL))
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--tls-cert: expected --tls-cert and --tls-key together");
    if (o->tls_cert != NULL && o->tls_dir != NULL)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--tls-self-signed: \"%s\": expected no --tls-cert beside it", o->tls_dir);
    if (o->port != 0 && o->port + o->endpoints - 1 > 65535)
        return s3p_fail(err, S3P_EINVAL, 0, "--endpoints: \"%u\": expected ports up to 65535",
                        o->endpoints);
    if (strpbrk(o->region, "/, ") != NULL || strlen(o->region) > S3P_SRV_KEY_TEXT_MAX)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--region: \"%s\": expected up to %d bytes without '/', ',' and ' '",
                        o->region, S3P_SRV_KEY_TEXT_MAX);
    return 0;
}

static void random_key(char *out, const char *prefix)
{
    uint64_t bits[2] = {s3p_entropy_u64(), s3p_entropy_u64()};
    size_t n = strlen(prefix);
    memcpy(out, prefix, n);
    s3p_hex(out + n, bits, sizeof bits);
    out[n + 2 * sizeof bits] = 0;
}

int s3p_srv_options_parse(struct s3p_srv_options *o, int argc, char **argv, struct s3p_err *err)
{
    memset(o, 0, sizeof *o);
    o->host = "127.0.0.1";
    o->region = "us-east-1";
    o->endpoints = o->threads = 1;
    o->seed = 1;
    o->replication_lag_ns = -1;
    o->min_part_bytes = 5 * 1024 * 1024;
    o->map_bytes = UINT64_C(1) << 36; /* address space only: the file grows as it is used */
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *eq = strchr(arg, '=');
        if (i == 1 && strcmp(arg, "null") == 0) {
            o->null_server = true;
            continue;
        }
        const struct option *row = find(arg, eq != NULL ? (size_t)(eq - arg) : strlen(arg));
        if (row == NULL)
            return s3p_fail(err, S3P_EINVAL, 0, "option: \"%s\": expected one of --help", arg);
        if (row->kind == FLAG) {
            if (eq != NULL)
                return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected no value", row->name,
                                eq + 1);
            *((bool *)((char *)o + row->offset)) = true;
            continue;
        }
        const char *value = eq != NULL ? eq + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL)
            return s3p_fail(err, S3P_EINVAL, 0, "%s: \"\": expected a value", row->name);
        S3P_TRY(take(row, value, o, err));
    }
    if (o->access_key[0] == 0)
        random_key(o->access_key, "AK");
    if (o->secret_key[0] == 0)
        random_key(o->secret_key, "");
    return check(o, err);
}
