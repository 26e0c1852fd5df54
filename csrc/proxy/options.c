#include <stddef.h>
#include <string.h>

#include "core/text.h"
#include "proxy/proxy.h"

static int take_list(const char **list, unsigned *n, unsigned max, const char *name,
                     const char *value, struct s3p_err *err)
{
    if (*n == max)
        return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected at most %u of them", name, value,
                        max);
    list[(*n)++] = value;
    return 0;
}

static int take(struct s3p_px_options *o, const char *name, const char *value, struct s3p_err *err)
{
    if (strcmp(name, "--endpoint") == 0)
        return take_list(o->endpoints, &o->n_endpoints, S3P_PX_ENDPOINTS_MAX, name, value, err);
    if (strcmp(name, "--fault") == 0)
        return take_list(o->faults, &o->n_faults, S3P_PX_FAULTS_MAX, name, value, err);
    if (strcmp(name, "--event-log") == 0) {
        o->event_log = value;
        return 0;
    }
    if (strcmp(name, "--ca-file") == 0) {
        o->ca_file = value;
        return 0;
    }
    if (strcmp(name, "--seed") != 0)
        return s3p_fail(err, S3P_EINVAL, 0, "option: \"%s\": expected one of --help", name);
    if (!s3p_parse_u64(value, strlen(value), &o->seed) || o->seed > INT64_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "--seed: \"%s\": expected a number from 0", value);
    return 0;
}

int s3p_px_options_parse(struct s3p_px_options *o, int argc, char **argv, struct s3p_err *err)
{
    *o = (struct s3p_px_options){.seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--with-parent") == 0)
            o->with_parent = true;
        else if (strcmp(argv[i], "--no-verify-tls") == 0)
            o->no_verify_tls = true;
        else if (i + 1 == argc)
            return s3p_fail(err, S3P_EINVAL, 0,
                            "option: \"%s\": expected one of --help, with a value", argv[i]);
        else {
            S3P_TRY(take(o, argv[i], argv[i + 1], err));
            i++;
        }
    }
    if (o->n_endpoints == 0 && !o->help)
        return s3p_fail(err, S3P_EINVAL, 0, "--endpoint: \"\": expected http[s]://HOST[:PORT]");
    return 0;
}

void s3p_px_options_help(struct s3p_buf *out)
{
    size_t n;
    const struct s3p_px_row *rows = s3p_px_rows(&n);
    s3p_buf_str(out, "usage: s3prod proxy --endpoint URL [--endpoint URL ...] [options]\n"
                     "The fault proxy: a port for each endpoint. Its first line of output is a "
                     "JSON object with endpoints.\n\n"
                     "  --endpoint URL    http[s]://HOST[:PORT] of the store; up to 16\n"
                     "  --ca-file FILE    certificates that an https store is trusted by\n"
                     "  --no-verify-tls   trust any\n"
                     "  --fault SPEC      name[:p=..][,every=..][,nth=..][,op=..][,key=..]"
                     "[,endpoint=..][,after=..][,for=..]...\n"
                     "  --seed N          seed of the faults (1)\n"
                     "  --event-log FILE  what was done on purpose, as JSON Lines\n"
                     "  --with-parent     end when the parent process ends\n\nfaults:\n");
    for (size_t i = 0; i < n; i++)
        s3p_buf_fmt(out, "  %-24s%s (%s)\n", rows[i].name, rows[i].does, rows[i].expect);
    s3p_buf_str(out, "\nexample: s3prod proxy --endpoint http://127.0.0.1:9000 "
                     "--fault drop-ack-after-commit:p=0.01,op=put\n");
}
