#include "server/policy.h"

#include <jansson.h>
#include <string.h>

#include "server/routes.h"
#include "server/settings.h"

#define DOCUMENT_MAX (20 * 1024)
#define ARN "arn:aws:s3:::"

/* One text or a list of them, each of which `take` must know: NONE, or the first other result. */
static enum s3p_srv_error each(const json_t *value, struct s3p_str bucket,
                               enum s3p_srv_error (*take)(struct s3p_str text,
                                                          struct s3p_str bucket, unsigned *bits),
                               unsigned *bits)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    enum s3p_srv_error e = n > 0 ? S3P_SE_NONE : S3P_SE_POLICY;
    for (size_t i = 0; e == S3P_SE_NONE && i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        struct s3p_str text = {json_string_value(one), json_string_length(one)};
        e = text.p != NULL ? take(text, bucket, bits) : S3P_SE_POLICY;
    }
    return e;
}

static enum s3p_srv_error take_action(struct s3p_str text, struct s3p_str bucket, unsigned *bits)
{
    (void)bucket;
    if (s3p_str_eq(text, "s3:GetObject"))
        *bits |= S3P_SRV_PUBLIC_READ;
    else if (s3p_str_eq(text, "s3:ListBucket"))
        *bits |= S3P_SRV_PUBLIC_LIST;
    else
        return s3p_srv_starts(text, "s3:") || s3p_str_eq(text, "*") ? S3P_SE_NOT_IMPLEMENTED
                                                                    : S3P_SE_POLICY;
    return S3P_SE_NONE;
}

/* The bucket itself or all its objects; READ and LIST say here what the resource is good for. */
static enum s3p_srv_error take_resource(struct s3p_str text, struct s3p_str bucket, unsigned *bits)
{
    size_t head = sizeof ARN - 1 + bucket.len;
    if (text.len < head || !s3p_srv_starts(text, ARN) ||
        memcmp(text.p + sizeof ARN - 1, bucket.p, bucket.len) != 0)
        return S3P_SE_POLICY;
    struct s3p_str rest = {text.p + head, text.len - head};
    if (rest.len == 0)
        *bits |= S3P_SRV_PUBLIC_LIST;
    else if (s3p_str_eq(rest, "/*"))
        *bits |= S3P_SRV_PUBLIC_READ;
    else
        return rest.p[0] == '/' ? S3P_SE_NOT_IMPLEMENTED : S3P_SE_POLICY;
    return S3P_SE_NONE;
}

static bool everybody(const json_t *principal)
{
    const json_t *aws = json_is_object(principal) && json_object_size(principal) == 1
                            ? json_object_get(principal, "AWS")
                            : principal;
    if (json_is_array(aws) && json_array_size(aws) == 1)
        aws = json_array_get(aws, 0);
    return json_is_string(aws) && strcmp(json_string_value(aws), "*") == 0;
}

/* Members of an object beyond those in `known`, which ends with NULL. */
static bool others(const json_t *object, const char *const *known)
{
    size_t n = json_object_size(object);
    for (; *known != NULL; known++)
        n -= json_object_get(object, *known) != NULL;
    return n > 0;
}

static enum s3p_srv_error parse_statement(const json_t *s, struct s3p_str bucket, unsigned *out)
{
    static const char *const known[] = {"Sid",    "Effect",   "Principal",
                                        "Action", "Resource", NULL};
    const json_t *effect = json_object_get(s, "Effect"), *action = json_object_get(s, "Action");
    const json_t *resource = json_object_get(s, "Resource");
    const json_t *principal = json_object_get(s, "Principal");
    unsigned actions = 0, resources = 0;
    if (!json_is_object(s))
        return S3P_SE_POLICY;
    if (others(s, known))
        return S3P_SE_NOT_IMPLEMENTED;
    if (!json_is_string(effect) || action == NULL || resource == NULL || principal == NULL)
        return S3P_SE_POLICY;
    if (strcmp(json_string_value(effect), "Deny") == 0)
        return S3P_SE_NOT_IMPLEMENTED;
    if (strcmp(json_string_value(effect), "Allow") != 0)
        return S3P_SE_POLICY;
    enum s3p_srv_error e = each(resource, bucket, take_resource, &resources);
    if (e == S3P_SE_NONE)
        e = each(action, bucket, take_action, &actions);
    if (e == S3P_SE_NONE && !everybody(principal))
        e = S3P_SE_NOT_IMPLEMENTED;
    /* an action without a resource that it applies to */
    if (e == S3P_SE_NONE && (actions & ~resources) != 0)
        e = S3P_SE_POLICY;
    *out |= actions;
    return e;
}

static enum s3p_srv_error parse_root(const json_t *root, struct s3p_str bucket, unsigned *out)
{
    static const char *const known[] = {"Version", "Id", "Statement", NULL};
    const json_t *version = json_object_get(root, "Version");
    const json_t *statement = json_object_get(root, "Statement");
    const char *text = json_string_value(version);
    if (!json_is_object(root) || others(root, known) || statement == NULL)
        return S3P_SE_POLICY;
    if (version != NULL && (text == NULL || (strcmp(text, "2012-10-17") != 0 &&
                                             strcmp(text, "2008-10-17") != 0)))
        return S3P_SE_POLICY;
    if (!json_is_array(statement))
        return parse_statement(statement, bucket, out);
    enum s3p_srv_error e = json_array_size(statement) > 0 ? S3P_SE_NONE : S3P_SE_POLICY;
    for (size_t i = 0; e == S3P_SE_NONE && i < json_array_size(statement); i++)
        e = parse_statement(json_array_get(statement, i), bucket, out);
    return e;
}

enum s3p_srv_error s3p_srv_policy_parse(struct s3p_str document, struct s3p_str bucket,
                                        unsigned *out)
{
    *out = 0;
    if (document.len == 0 || document.len > DOCUMENT_MAX)
        return S3P_SE_POLICY;
    json_t *root = json_loadb(document.p, document.len, JSON_REJECT_DUPLICATES, NULL);
    enum s3p_srv_error e = root != NULL ? parse_root(root, bucket, out) : S3P_SE_POLICY;
    json_decref(root);
    return e;
}

enum s3p_srv_error s3p_srv_policy_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                          struct s3p_buf *out)
{
    unsigned bits;
    enum s3p_srv_error e = s3p_srv_policy_parse(body, req->head.bucket, &bits);
    s3p_buf_char(out, (char)bits);
    s3p_buf_view(out, body);
    return e;
}

bool s3p_srv_policy_json(struct s3p_buf *out, struct s3p_str stored)
{
    if (stored.len < 1)
        return false;
    s3p_buf_add(out, stored.p + 1, stored.len - 1);
    return true;
}

static enum s3p_srv_error read_bits(struct s3p_srv_req *req, unsigned *bits)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_bucket bucket;
    struct s3p_str stored;
    if (!s3p_srv_view_begin(v))
        return S3P_SE_INTERNAL;
    int rc = s3p_srv_bucket_get(v->txn, v->store, req->head.bucket, &bucket);
    if (rc == 0)
        rc = s3p_srv_setting_get(v->txn, v->store, bucket.id, S3P_SRV_SET_POLICY, &stored);
    *bits = rc == 0 && stored.len > 0 ? (unsigned char)stored.p[0] : 0;
    s3p_srv_view_end(v);
    return rc == 0 || rc == MDB_NOTFOUND ? S3P_SE_NONE : S3P_SE_INTERNAL;
}

enum s3p_srv_error s3p_srv_policy_anonymous(struct s3p_srv_req *req)
{
    unsigned bits = 0, needed = req->route != NULL ? req->route->flags & S3P_SRV_ROUTE_PUBLIC : 0;
    if (!req->loop->srv->options.bucket_policy || needed == 0 ||
        s3p_srv_head_arg(&req->head, "versionId") != NULL) /* that would be another action */
        return S3P_SE_ACCESS_DENIED;
    enum s3p_srv_error e = read_bits(req, &bits);
    needed = req->route->level == S3P_SRV_OBJECT ? S3P_SRV_PUBLIC_READ : S3P_SRV_PUBLIC_LIST;
    if (e != S3P_SE_NONE || (bits & needed) == 0)
        return e != S3P_SE_NONE ? e : S3P_SE_ACCESS_DENIED;
    for (size_t i = 0; i < req->head.n_args; i++)
        if (s3p_srv_starts(req->head.args[i].name, "response-"))
            return S3P_SE_ANONYMOUS_FIELDS;
    req->hide_absence = (bits & S3P_SRV_PUBLIC_LIST) == 0;
    return S3P_SE_NONE;
}

void s3p_srv_policy_hide(struct s3p_srv_req *req)
{
    if (req->hide_absence && req->answer.error == S3P_SE_NO_KEY)
        s3p_srv_answer_error(req, S3P_SE_ACCESS_DENIED);
}
