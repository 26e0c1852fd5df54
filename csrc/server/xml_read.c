#include "server/xml_read.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "core/text.h"
#include "server/parse.h"

#define DEPTH_MAX 8
#define TEXT_MAX 4096
#define SEPARATOR '|'

struct reader {
    XML_Parser parser;
    unsigned depth;
    bool bad;
    struct s3p_buf text; /* of the element that is open */
    void (*start)(struct reader *r, const char *name);
    void (*end)(struct reader *r, const char *name);
    void *doc;
    bool root_ok;
};

/* Without the namespace, which may be S3's or absent. */
static const char *local_name(const char *name)
{
    const char *at = strrchr(name, SEPARATOR);
    return at != NULL ? at + 1 : name;
}

static void stop(struct reader *r)
{
    r->bad = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *cls, const char *name, const char **attributes)
{
    (void)attributes;
    struct reader *r = cls;
    if (++r->depth > DEPTH_MAX) {
        stop(r);
        return;
    }
    s3p_buf_clear(&r->text);
    r->start(r, local_name(name));
}

static void XMLCALL on_end(void *cls, const char *name)
{
    struct reader *r = cls;
    if (!s3p_buf_ok(&r->text))
        stop(r);
    else
        r->end(r, local_name(name));
    s3p_buf_clear(&r->text);
    r->depth--;
}

static void XMLCALL on_text(void *cls, const char *s, int len)
{
    struct reader *r = cls;
    s3p_buf_add(&r->text, s, (size_t)len);
}

static void XMLCALL on_doctype(void *cls, const char *name, const char *sysid, const char *pubid,
                               int subset)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)subset;
    stop(cls);
}

static enum s3p_srv_error parse(struct reader *r, struct s3p_str body)
{
    r->parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (r->parser == NULL)
        return S3P_SE_INTERNAL;
    s3p_buf_init(&r->text, TEXT_MAX);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    bool ok = XML_Parse(r->parser, body.p, (int)body.len, 1) == XML_STATUS_OK;
    XML_ParserFree(r->parser);
    s3p_buf_free(&r->text);
    return ok && !r->bad && r->root_ok ? S3P_SE_NONE : S3P_SE_XML;
}

/* The open <Object>. */
struct delete_object {
    struct s3p_srv_delete_doc *doc;
    struct s3p_buf key, version, etag;
    bool open, has_version, has_etag;
    unsigned n_keys;
};

static void delete_start(struct reader *r, const char *name)
{
    struct delete_object *o = r->doc;
    if (r->depth == 1)
        r->root_ok = strcmp(name, "Delete") == 0;
    if (r->depth == 2 && strcmp(name, "Object") == 0) {
        o->open = true;
        o->has_version = o->has_etag = false;
        o->n_keys = 0;
        s3p_buf_clear(&o->key);
        s3p_buf_clear(&o->version);
        s3p_buf_clear(&o->etag);
    }
}

static void delete_field(struct reader *r, struct delete_object *o, const char *name)
{
    struct s3p_buf *to = NULL;
    if (strcmp(name, "Key") == 0) {
        to = &o->key;
        o->n_keys++;
    } else if (strcmp(name, "VersionId") == 0) {
        to = &o->version;
        o->has_version = true;
    } else if (strcmp(name, "ETag") == 0) {
        to = &o->etag;
        o->has_etag = true;
    }
    if (to != NULL) {
        s3p_buf_clear(to);
        s3p_buf_add(to, r->text.data, r->text.len);
    }
    o->doc->conditions |= strcmp(name, "LastModifiedTime") == 0 || strcmp(name, "Size") == 0;
}

static void delete_object(struct reader *r, struct delete_object *o)
{
    struct s3p_srv_delete_entry e;
    if (o->n_keys != 1 || o->key.len == 0 || o->key.len > S3P_SRV_KEY_MAX ||
        ++o->doc->n_keys > S3P_SRV_DELETE_KEYS_MAX) {
        stop(r);
        return;
    }
    memset(&e, 0, sizeof e);
    e.key_len = (uint32_t)o->key.len;
    e.version_len = (uint32_t)o->version.len;
    e.etag_len = (uint32_t)o->etag.len;
    e.has_version = o->has_version;
    e.has_etag = o->has_etag;
    s3p_buf_add(o->doc->keys, &e, sizeof e);
    s3p_buf_add(o->doc->keys, o->key.data, o->key.len);
    s3p_buf_add(o->doc->keys, o->version.data, o->version.len);
    s3p_buf_add(o->doc->keys, o->etag.data, o->etag.len);
}

static void delete_end(struct reader *r, const char *name)
{
    struct delete_object *o = r->doc;
    if (r->depth == 2 && strcmp(name, "Quiet") == 0)
        o->doc->quiet = r->text.len == 4 && memcmp(r->text.data, "true", 4) == 0;
    if (r->depth == 3 && o->open)
        delete_field(r, o, name);
    if (r->depth == 2 && o->open) {
        o->open = false;
        delete_object(r, o);
    }
}

enum s3p_srv_error s3p_srv_xml_delete(struct s3p_str body, struct s3p_srv_delete_doc *out)
{
    struct delete_object o = {.doc = out};
    struct reader r = {.start = delete_start, .end = delete_end, .doc = &o};
    out->n_keys = 0;
    out->quiet = out->conditions = false;
    s3p_buf_init(&o.key, TEXT_MAX);
    s3p_buf_init(&o.version, TEXT_MAX);
    s3p_buf_init(&o.etag, TEXT_MAX);
    enum s3p_srv_error e = parse(&r, body);
    s3p_buf_free(&o.key);
    s3p_buf_free(&o.version);
    s3p_buf_free(&o.etag);
    if (e == S3P_SE_NONE && (out->n_keys == 0 || !s3p_buf_ok(out->keys)))
        e = S3P_SE_XML;
    return e;
}

struct versioning_doc {
    enum s3p_srv_versioning state;
    bool mfa;
};

static void versioning_start(struct reader *r, const char *name)
{
    if (r->depth == 1)
        r->root_ok = strcmp(name, "VersioningConfiguration") == 0;
}

static void versioning_end(struct reader *r, const char *name)
{
    struct versioning_doc *doc = r->doc;
    struct s3p_str text = {r->text.data, r->text.len};
    if (r->depth == 2 && strcmp(name, "Status") == 0)
        doc->state = s3p_str_eq(text, "Enabled")     ? S3P_SRV_VERSIONED
                     : s3p_str_eq(text, "Suspended") ? S3P_SRV_SUSPENDED
                                                     : S3P_SRV_NEVER_VERSIONED;
    if (r->depth == 2 && strcmp(name, "MfaDelete") == 0)
        doc->mfa = !s3p_str_eq(text, "Disabled");
}

enum s3p_srv_error s3p_srv_xml_versioning(struct s3p_str body, enum s3p_srv_versioning *state)
{
    struct versioning_doc doc = {.state = S3P_SRV_NEVER_VERSIONED};
    struct reader r = {.start = versioning_start, .end = versioning_end, .doc = &doc};
    enum s3p_srv_error e = parse(&r, body);
    *state = doc.state;
    if (e == S3P_SE_NONE && doc.mfa)
        return S3P_SE_NOT_IMPLEMENTED;
    return e == S3P_SE_NONE && doc.state == S3P_SRV_NEVER_VERSIONED ? S3P_SE_XML : e;
}

struct complete_doc {
    struct s3p_buf *parts;
    struct s3p_srv_named_part part; /* the open one */
    bool in_part, has_number, has_etag;
    size_t n;
};

static void complete_start(struct reader *r, const char *name)
{
    struct complete_doc *doc = r->doc;
    if (r->depth == 1)
        r->root_ok = strcmp(name, "CompleteMultipartUpload") == 0;
    if (r->depth == 2 && strcmp(name, "Part") == 0) {
        memset(&doc->part, 0, sizeof doc->part);
        doc->in_part = true;
        doc->has_number = doc->has_etag = false;
    }
}

static void read_etag(struct s3p_srv_named_part *p, struct s3p_str text)
{
    if (text.len >= 2 && text.p[0] == '"' && text.p[text.len - 1] == '"')
        text = (struct s3p_str){text.p + 1, text.len - 2};
    p->etag_ok = text.len == 2 * S3P_MD5_BYTES && s3p_unhex(p->md5, text.p, text.len);
}

static void complete_field(struct reader *r, struct complete_doc *doc, const char *name)
{
    static const char sum[] = "Checksum";
    struct s3p_str text = s3p_srv_trim((struct s3p_str){r->text.data, r->text.len});
    uint64_t number;
    if (strcmp(name, "PartNumber") == 0) {
        doc->has_number =
            s3p_parse_u64(text.p, text.len, &number) && number >= 1 && number <= S3P_SRV_PARTS_MAX;
        doc->part.number = doc->has_number ? (uint32_t)number : 0;
    } else if (strcmp(name, "ETag") == 0) {
        doc->has_etag = true;
        read_etag(&doc->part, text);
    } else if (strncmp(name, sum, sizeof sum - 1) == 0) {
        const char *kind = name + sizeof sum - 1;
        doc->part.sum_kind = (uint8_t)s3p_srv_sum_named((struct s3p_str){kind, strlen(kind)});
        if (doc->part.sum_kind == S3P_SRV_SUM_NONE ||
            !s3p_srv_sum_value((enum s3p_srv_sum_kind)doc->part.sum_kind, text, doc->part.sum))
            stop(r);
    }
}

static void complete_end(struct reader *r, const char *name)
{
    struct complete_doc *doc = r->doc;
    if (r->depth == 3 && doc->in_part)
        complete_field(r, doc, name);
    if (r->depth != 2 || !doc->in_part)
        return;
    doc->in_part = false;
    if (!doc->has_number || !doc->has_etag || ++doc->n > S3P_SRV_PARTS_MAX)
        stop(r);
    else
        s3p_buf_add(doc->parts, &doc->part, sizeof doc->part);
}

enum s3p_srv_error s3p_srv_xml_complete(struct s3p_str body, struct s3p_buf *parts)
{
    struct complete_doc doc = {.parts = parts};
    struct reader r = {.start = complete_start, .end = complete_end, .doc = &doc};
    enum s3p_srv_error e = parse(&r, body);
    return e == S3P_SE_NONE && (doc.n == 0 || !s3p_buf_ok(parts)) ? S3P_SE_XML : e;
}

#define TAGS_READ_MAX 100

struct tagging_doc {
    struct s3p_buf *tags, key, value;
    bool has_set, in_tag, has_key, has_value;
    unsigned n;
};

static void tagging_start(struct reader *r, const char *name)
{
    struct tagging_doc *doc = r->doc;
    if (r->depth == 1)
        r->root_ok = strcmp(name, "Tagging") == 0;
    if (r->depth == 2)
        doc->has_set |= strcmp(name, "TagSet") == 0;
    if (r->depth == 3) {
        doc->in_tag = strcmp(name, "Tag") == 0;
        doc->has_key = doc->has_value = false;
    }
}

static void tagging_end(struct reader *r, const char *name)
{
    struct tagging_doc *doc = r->doc;
    bool key = strcmp(name, "Key") == 0, value = strcmp(name, "Value") == 0;
    if (r->depth == 4 && doc->in_tag && (key || value)) {
        struct s3p_buf *to = key ? &doc->key : &doc->value;
        s3p_buf_clear(to);
        s3p_buf_add(to, r->text.data, r->text.len);
        doc->has_key |= key;
        doc->has_value |= value;
    }
    if (r->depth != 3 || !doc->in_tag)
        return;
    doc->in_tag = false;
    if (!doc->has_key || !doc->has_value || ++doc->n > TAGS_READ_MAX)
        stop(r);
    else
        s3p_srv_meta_add(doc->tags, (struct s3p_str){doc->key.data, doc->key.len},
                         (struct s3p_str){doc->value.data, doc->value.len});
}

enum s3p_srv_error s3p_srv_xml_tagging(struct s3p_str body, struct s3p_buf *tags)
{
    struct tagging_doc doc = {.tags = tags};
    struct reader r = {.start = tagging_start, .end = tagging_end, .doc = &doc};
    s3p_buf_init(&doc.key, TEXT_MAX);
    s3p_buf_init(&doc.value, TEXT_MAX);
    enum s3p_srv_error e = parse(&r, body);
    s3p_buf_free(&doc.key);
    s3p_buf_free(&doc.value);
    return e == S3P_SE_NONE && (!doc.has_set || !s3p_buf_ok(tags)) ? S3P_SE_XML : e;
}

static void location_start(struct reader *r, const char *name)
{
    if (r->depth == 1)
        r->root_ok = strcmp(name, "CreateBucketConfiguration") == 0;
}

static void location_end(struct reader *r, const char *name)
{
    if (r->depth == 2 && strcmp(name, "LocationConstraint") == 0)
        s3p_buf_add(r->doc, r->text.data, r->text.len);
}

enum s3p_srv_error s3p_srv_xml_create_bucket(struct s3p_str body, struct s3p_buf *location)
{
    struct reader r = {.start = location_start, .end = location_end, .doc = location};
    enum s3p_srv_error e = parse(&r, body);
    return e == S3P_SE_NONE && location->len > 64 ? S3P_SE_XML : e;
}

#define PATH_MAX_BYTES 256

struct path_doc {
    const struct s3p_srv_xml_paths *to;
    const char *root;
    char path[PATH_MAX_BYTES];
    size_t len;
};

static void path_start(struct reader *r, const char *name)
{
    struct path_doc *doc = r->doc;
    size_t n = strlen(name), slash = r->depth > 2;
    if (r->depth == 1) {
        r->root_ok = strcmp(name, doc->root) == 0;
        return;
    }
    if (n + slash >= PATH_MAX_BYTES - doc->len) {
        stop(r);
        return;
    }
    if (slash)
        doc->path[doc->len] = '/';
    memcpy(doc->path + doc->len + slash, name, n + 1);
    doc->len += slash + n;
    doc->to->open(doc->to->cls, doc->path);
}

static void path_end(struct reader *r, const char *name)
{
    struct path_doc *doc = r->doc;
    if (r->depth == 1)
        return;
    struct s3p_str text = {r->text.data != NULL ? r->text.data : "", r->text.len};
    doc->to->end(doc->to->cls, doc->path, text);
    doc->len -= strlen(name) + (r->depth > 2);
    doc->path[doc->len] = 0;
}

enum s3p_srv_error s3p_srv_xml_paths(struct s3p_str body, const char *root,
                                     const struct s3p_srv_xml_paths *to)
{
    struct path_doc doc = {.to = to, .root = root};
    struct reader r = {.start = path_start, .end = path_end, .doc = &doc};
    return parse(&r, body);
}
