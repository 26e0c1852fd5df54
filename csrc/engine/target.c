#include "engine/target.h"

#include <string.h>

#include "engine/plan_node.h"

#define ARENA_BYTES_MAX (16u << 20)
#define TEXT_MAX 4096

/* A text that may be a secret: the error does not show it. *out keeps its value when the field is
 * absent or null. */
static int secret(const struct s3p_reader *r, const struct s3p_node *root, const char *key,
                  bool required, const char **out)
{
    struct s3p_node n;
    bool given = s3p_node_get(root, key, &n) && !json_is_null(n.value);
    size_t len = json_string_length(n.value);
    if (!given && !required)
        return 0;
    if (!given)
        return s3p_fail(r->err, S3P_EINVAL, 0, "target.%s: missing, expected a text", key);
    const char *text = json_string_value(n.value);
    if (text == NULL || len == 0 || len > TEXT_MAX || strpbrk(text, "\r\n") != NULL)
        return s3p_fail(r->err, S3P_EINVAL, 0,
                        "target.%s: (not shown), expected a text of 1 to %d bytes on one line", key,
                        TEXT_MAX);
    *out = s3p_arena_strndup(r->arena, text, len);
    return *out != NULL ? 0 : s3p_node_no_memory(r);
}

static int boolean(const struct s3p_reader *r, const struct s3p_node *root, const char *key,
                   bool *out)
{
    struct s3p_node n;
    if (!s3p_node_get(root, key, &n))
        return 0;
    *out = json_is_true(n.value);
    return json_is_boolean(n.value) ? 0 : s3p_node_bad(r, &n, "true or false");
}

static int parse_endpoints(struct s3p_target *t, const struct s3p_reader *r,
                           const struct s3p_node *root)
{
    struct s3p_node list, n;
    S3P_TRY(s3p_need(r, root, "endpoints", "a list of URLs", &list));
    S3P_TRY(s3p_node_list(r, &list, 1, S3P_ENDPOINTS_MAX, "URLs"));
    t->nendpoints = (int)s3p_node_count(&list);
    for (int i = 0; i < t->nendpoints; i++) {
        s3p_node_item(&list, (size_t)i, &n);
        S3P_TRY(s3p_node_text(r, &n, 1, 512, &t->endpoint[i]));
        S3P_TRY(s3p_url_parse(&t->url[i], t->endpoint[i].p, r->err));
    }
    return 0;
}

static int buf_add(const char *p, size_t len, void *arg)
{
    s3p_buf_add(arg, p, len);
    return 0;
}

static int parse_profile(struct s3p_target *t, const struct s3p_reader *r,
                         const struct s3p_node *root)
{
    struct s3p_node n;
    t->profile = S3P_STR("{}");
    if (!s3p_node_get(root, "profile", &n) || json_is_null(n.value))
        return 0;
    S3P_TRY(s3p_node_object(r, &n));
    struct s3p_buf b;
    s3p_buf_init(&b, 1 << 20);
    json_dump_callback(n.value, buf_add, &b, JSON_COMPACT | JSON_SORT_KEYS);
    bool ok = s3p_buf_ok(&b);
    t->profile.p = ok ? s3p_arena_strndup(r->arena, b.data, b.len) : NULL;
    t->profile.len = b.len;
    s3p_buf_free(&b);
    return t->profile.p != NULL ? 0 : s3p_node_no_memory(r);
}

static int parse_fields(struct s3p_target *t, const struct s3p_reader *r,
                        const struct s3p_node *root)
{
    static const char *const addressings[] = {"path", "virtual"};
    int addressing = 0;
    int64_t connect_ms = 10000;
    struct s3p_str ca = {0}, region = S3P_STR("us-east-1");
    struct s3p_node n;
    S3P_TRY(s3p_node_object(r, root));
    S3P_TRY(parse_endpoints(t, r, root));
    S3P_TRY(secret(r, root, "access_key", true, &t->cred.access_key));
    S3P_TRY(secret(r, root, "secret_key", true, &t->cred.secret_key));
    S3P_TRY(secret(r, root, "session_token", false, &t->cred.session_token));
    S3P_TRY(secret(r, root, "proxy", false, &t->net.proxy)); /* may hold a password */
    S3P_TRY(s3p_opt_text(r, root, "region", 1, 64, &region));
    S3P_TRY(s3p_opt_word(r, root, "addressing", addressings, 2, &addressing));
    t->net.verify_tls = true;
    S3P_TRY(boolean(r, root, "verify_tls", &t->net.verify_tls));
    if (s3p_node_get(root, "ca_file", &n) && !json_is_null(n.value))
        S3P_TRY(s3p_node_text(r, &n, 1, TEXT_MAX, &ca));
    S3P_TRY(s3p_opt_int(r, root, "connect_timeout_ms", 1, 3600000, &connect_ms));
    t->bucket_prefix = S3P_STR("s3prod");
    if (s3p_node_get(root, "bucket_prefix", &n))
        S3P_TRY(s3p_node_name(r, &n, &t->bucket_prefix));
    t->cred.region = region.p;
    t->virtual_host = addressing == 1;
    t->net.ca_file = ca.p;
    t->net.connect_timeout_ns = connect_ms * S3P_MS;
    return parse_profile(t, r, root);
}

int s3p_target_parse(struct s3p_target *t, const char *json, size_t len, struct s3p_err *err)
{
    json_error_t why;
    *t = (struct s3p_target){0};
    s3p_arena_init(&t->arena, ARENA_BYTES_MAX);
    json_t *document = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (document == NULL) /* the text near the error may be a secret */
        return s3p_fail(err, S3P_EINVAL, 0, "target: line %d, column %d, expected JSON", why.line,
                        why.column);
    struct s3p_reader r = {.arena = &t->arena, .err = err};
    struct s3p_node top = {.value = document};
    struct s3p_node root = {.up = &top, .key = "target", .value = document};
    int rc = parse_fields(t, &r, &root);
    json_decref(document);
    if (rc != 0)
        s3p_target_free(t);
    return rc;
}

void s3p_target_free(struct s3p_target *t)
{
    s3p_arena_free(&t->arena);
}
