#include "check/head.h"

#include <string.h>

#include "core/text.h"

#define DAY_MS 86400e3

static int read_run(struct s3p_head *h, struct s3p_err *err)
{
    const char *text = json_string_value(json_object_get(h->root, "run"));
    uint8_t b[6];
    if (text == NULL || strlen(text) != 12 || !s3p_unhex(b, text, 12))
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: run is not 12 hex digits");
    for (int i = 0; i < 6; i++)
        h->run = h->run << 8 | b[i];
    return 0;
}

static bool says(const json_t *profile, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(profile, name));
    return text != NULL && strcmp(text, value) == 0;
}

/* What is not negative; INT64_MAX: as good as unbounded. */
static int64_t ns_of(double ms)
{
    return ms < 1e12 ? (int64_t)(ms * 1e6) : INT64_MAX;
}

/* Without a bound only what never was is wrong. */
static int64_t lag_ns(const json_t *profile, const char *name)
{
    double lag_ms = json_number_value(json_object_get(profile, name));
    return lag_ms > 0 ? ns_of(lag_ms) : INT64_MAX;
}

static void read_lists(struct s3p_head *h, const json_t *profile)
{
    double ready_s = json_number_value(json_object_get(profile, "bucket_ready_s"));
    h->bucket_ready_ns = ready_s > 0 ? ns_of(ready_s * 1e3) : 0;
    h->list_interval_listing = says(profile, "list_interval", "listing");
    h->key_order_other = says(profile, "key_order", "other");
    if (says(profile, "list", "eventual"))
        h->list_lag_ns = lag_ns(profile, "list_lag_ms");
    if (says(profile, "mpu_listing", "settles"))
        h->mpu_lag_ns = lag_ns(profile, "mpu_listing_lag_ms");
    if (h->mpu_lag_ns < h->list_lag_ns)
        h->mpu_lag_ns = h->list_lag_ns;
}

static void read_times(struct s3p_head *h, const json_t *profile)
{
    double day_ms = json_number_value(json_object_get(profile, "lifecycle_day_ms")),
           skew_ms = json_number_value(json_object_get(profile, "max_clock_skew_ms"));
    h->lifecycle_day_ns = ns_of(day_ms > 0 && day_ms < DAY_MS ? day_ms : DAY_MS);
    h->clock_slack_ns = skew_ms > 0 ? ns_of(skew_ms) : 0;
}

/* Times in whole units, of servers whose clocks differ. */
static void read_clocks(struct s3p_head *h, const json_t *profile)
{
    const json_t *unit_s = json_object_get(profile, "last_modified_resolution_s"),
                 *skew_ms = json_object_get(profile, "max_clock_skew_ms");
    double slack_s = (json_is_number(unit_s) ? json_number_value(unit_s) : 1.0) +
                     json_number_value(skew_ms) / 1e3;
    h->last_modified_slack_ns = slack_s >= 0 ? ns_of(slack_s * 1e3) : INT64_MAX;
}

static int read_profile(struct s3p_head *h, const char *profile_json, struct s3p_err *err)
{
    json_t *own = NULL;
    if (profile_json != NULL && (own = json_loads(profile_json, 0, NULL)) == NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "profile: not a JSON object");
    const json_t *profile = own != NULL ? own : json_object_get(h->root, "profile");
    const json_t *v = json_object_get(profile, "etag_is_md5");
    const char *text = json_string_value(v),
               *order = json_string_value(json_object_get(profile, "mpu_order"));
    h->mpu_by_complete = order != NULL && strcmp(order, "completed") == 0;
    h->etag_is_md5 = S3P_ETAG_MD5_REQUIRED;
    if (json_is_false(v) || (text != NULL && strcmp(text, "unsupported") == 0))
        h->etag_is_md5 = S3P_ETAG_MD5_UNSUPPORTED;
    else if (text != NULL && strcmp(text, "optional") == 0)
        h->etag_is_md5 = S3P_ETAG_MD5_OPTIONAL;
    read_lists(h, profile);
    read_times(h, profile);
    read_clocks(h, profile);
    json_decref(own);
    return 0;
}

int s3p_head_read(struct s3p_head *h, const struct s3p_histfile *f, const char *profile_json,
                  struct s3p_err *err)
{
    struct s3p_str text = s3p_histfile_header(f);
    memset(h, 0, sizeof *h);
    h->root = json_loadb(text.p, text.len, JSON_ALLOW_NUL, NULL);
    int rc = json_is_object(h->root)
                 ? 0
                 : s3p_fail(err, S3P_EFORMAT, 0, "history: header: not a JSON object");
    if (rc == 0)
        rc = read_run(h, err);
    if (rc == 0)
        rc = read_profile(h, profile_json, err);
    if (rc == 0)
        rc = s3p_keynames_create(&h->names, text, err);
    h->spaces = (uint32_t)json_array_size(json_object_get(h->root, "spaces"));
    h->buckets = (uint32_t)json_array_size(json_object_get(h->root, "buckets"));
    if (rc == 0 && (uint64_t)h->spaces * h->buckets > UINT16_MAX)
        rc = s3p_fail(err, S3P_ELIMIT, 0, "history: more than %u pairs of key space and bucket",
                      UINT16_MAX);
    h->start_ns = json_integer_value(json_object_get(json_object_get(h->root, "clock"), "mono_ns"));
    h->require = json_object_get(json_object_get(h->root, "plan"), "require");
    if (rc != 0)
        s3p_head_free(h);
    return rc;
}

void s3p_head_free(struct s3p_head *h)
{
    s3p_keynames_free(h->names);
    json_decref(h->root);
    memset(h, 0, sizeof *h);
}

static const json_t *space_at(const struct s3p_head *h, uint32_t space)
{
    return json_array_get(json_object_get(h->root, "spaces"), space);
}

const char *s3p_head_space_name(const struct s3p_head *h, uint32_t space)
{
    const char *name = json_string_value(json_object_get(space_at(h, space), "name"));
    return name != NULL ? name : "";
}

bool s3p_head_space_fixed(const struct s3p_head *h, uint32_t space)
{
    return json_is_array(json_object_get(space_at(h, space), "keys"));
}

uint64_t s3p_head_space_count(const struct s3p_head *h, uint32_t space)
{
    const json_t *keys = json_object_get(space_at(h, space), "keys");
    return json_is_array(keys)
               ? json_array_size(keys)
               : (uint64_t)json_integer_value(json_object_get(space_at(h, space), "count"));
}

static struct s3p_str text_of(const json_t *v)
{
    return json_is_string(v) ? (struct s3p_str){json_string_value(v), json_string_length(v)}
                             : S3P_STR("");
}

struct s3p_str s3p_head_space_prefix(const struct s3p_head *h, uint32_t space)
{
    return text_of(json_object_get(space_at(h, space), "prefix"));
}

struct s3p_str s3p_head_key(const struct s3p_head *h, uint32_t space, uint64_t index)
{
    return text_of(json_array_get(json_object_get(space_at(h, space), "keys"), index));
}
